package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/azurepim/azure-pim/pim"
)

// file is one append blob, which this process made and alone writes to.
type file struct {
	client *appendblob.Client
	day    string
	chain  chain
	size   int64
	blocks int // appended so far
}

// errSpent says that a file takes no more lines: it is full, it is gone, or it holds
// something that we did not write. Another part follows it.
var errSpent = errors.New("the file takes no more")

// write appends r, at the place where the chain ends and nowhere else.
//
// An append may get through and its answer be lost; it may even get through after
// its call has failed. Since each one names its position, a line that came in
// unnoticed makes the next append fail, and what stands is read before that is tried
// again. So no two lines of a file ever have the same seq.
func (f *file) write(ctx context.Context, r pim.Record) error {
	const tries = 3 // each but the first after a line of an earlier call came in late
	for range tries {
		b, err := f.chain.next(r)
		if err != nil {
			return &pim.Error{Op: opWrite, Code: pim.CodeInternal, Detail: "the audit record cannot be written", Err: err}
		}
		err = f.append(ctx, b)
		if err == nil {
			return nil
		}
		if !bloberror.HasCode(err, bloberror.AppendPositionConditionNotMet) {
			return spentOr(err)
		}
		last, err := f.settle(ctx)
		if err != nil {
			return err
		}
		if bytes.Equal(last, b) {
			return nil // it was this very line
		}
	}
	return errSpent
}

func (f *file) append(ctx context.Context, b []byte) error {
	_, err := f.client.AppendBlock(ctx, streaming.NopCloser(bytes.NewReader(b)), &appendblob.AppendBlockOptions{
		AppendPositionAccessConditions: &appendblob.AppendPositionAccessConditions{AppendPosition: &f.size},
	})
	if err != nil {
		return err
	}
	if err := f.chain.take(b); err != nil {
		return err
	}
	f.size += int64(len(b))
	f.blocks++
	return nil
}

// settle reads what stands behind the end that f knows of, and moves the end there.
// It returns the last line that it found, nil if there is none.
func (f *file) settle(ctx context.Context) (last []byte, err error) {
	found, err := f.client.GetProperties(ctx, nil)
	if err != nil {
		return nil, spentOr(err)
	}
	size, blocks := *found.ContentLength, f.blocks
	if size < f.size {
		return nil, errSpent // another file of the same name
	}
	if size > f.size {
		resp, err := f.client.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: f.size, Count: size - f.size}})
		if err != nil {
			return nil, spentOr(err)
		}
		tail, err := io.ReadAll(resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return nil, unanswered(opWrite, err)
		}
		c := f.chain
		for l := range bytes.Lines(tail) {
			if err := c.take(l); err != nil {
				return nil, fmt.Errorf("%w: %w", errSpent, err)
			}
			last, blocks = l, blocks+1
		}
		f.chain = c
	}
	f.size, f.blocks = size, blocks
	return last, nil
}

// spentOr tells the answers that mean another file from those that mean an error.
func spentOr(err error) error {
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if ok && (answer.StatusCode == http.StatusConflict || answer.StatusCode == http.StatusNotFound) {
		return fmt.Errorf("%w: %s", errSpent, answer.ErrorCode)
	}
	return fault(opWrite, err)
}
