// Package sweepstore keeps sweep plans, and what became of them, in a container of
// blobs.
package sweepstore

import (
	"bytes"
	"context"
	"io"
	"iter"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// maxDocument is the most bytes of a document: a plan of the most proposals takes
// about 4 MB.
const maxDocument = 64 << 20

// Blobs is a sweep.Store of blobs. A document is written as a whole, and only over
// the version that the writer has read. It is safe for concurrent use.
type Blobs struct{ container *container.Client }

var _ sweep.Store = (*Blobs)(nil)

// New returns the store in the container of that URL, such as
// https://account.blob.core.windows.net/sweeps. It makes no request; the container
// is the deployment's to make. Nil options mean a retry that stays within one
// invocation: three tries, at most five seconds apart.
func New(containerURL string, cred azcore.TokenCredential, options *azcore.ClientOptions) (*Blobs, error) {
	const op = "sweepstore.New"
	if cred == nil {
		// A nil credential would silently skip authorization in azcore.
		return nil, &pim.Error{Op: op, Code: pim.CodeInvalid, Detail: "no credential"}
	}
	u, err := url.Parse(containerURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || len(u.Path) < 2 {
		return nil, &pim.Error{Op: op, Code: pim.CodeInvalid, Detail: "the store is not the https address of a container such as https://account.blob.core.windows.net/sweeps"}
	}
	var o azcore.ClientOptions
	if options != nil {
		o = *options
	}
	if o.Retry.MaxRetries == 0 && o.Retry.TryTimeout == 0 {
		o.Retry = policy.RetryOptions{
			MaxRetries: 2, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 5 * time.Second, TryTimeout: 30 * time.Second,
		}
	}
	c, err := container.NewClient(containerURL, cred, &container.ClientOptions{ClientOptions: o})
	if err != nil {
		return nil, &pim.Error{Op: op, Code: pim.CodeInternal, Err: err}
	}
	return &Blobs{container: c}, nil
}

// Load implements sweep.Store.
func (b *Blobs) Load(ctx context.Context, name string) ([]byte, string, error) {
	const op = "Store.Load"
	resp, err := b.container.NewBlobClient(name).DownloadStream(ctx, nil)
	if err != nil {
		return nil, "", fault(op, err)
	}
	// A stream that breaks is taken up where it broke.
	body := resp.NewRetryReader(ctx, nil)
	defer func() { _ = body.Close() }()
	doc, err := io.ReadAll(io.LimitReader(body, maxDocument+1))
	if err != nil {
		return nil, "", fault(op, err)
	}
	if len(doc) > maxDocument {
		return nil, "", &pim.Error{Op: op, Code: pim.CodeInternal, Detail: "the document is too large"}
	}
	return doc, version(resp.ETag), nil
}

// Save implements sweep.Store.
func (b *Blobs) Save(ctx context.Context, name string, doc []byte, old string) (string, error) {
	const op = "Store.Save"
	if len(doc) > maxDocument {
		return "", &pim.Error{Op: op, Code: pim.CodeRejected, Detail: "the document is too large"}
	}
	only := &blob.ModifiedAccessConditions{}
	if old == "" {
		absent := azcore.ETagAny
		only.IfNoneMatch = &absent
	} else {
		is := azcore.ETag(old)
		only.IfMatch = &is
	}
	kind := "application/json"
	resp, err := b.container.NewBlockBlobClient(name).Upload(ctx, streaming.NopCloser(bytes.NewReader(doc)), &blockblob.UploadOptions{
		HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: &kind},
		AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: only},
	})
	if err == nil {
		return version(resp.ETag), nil
	}
	err = fault(op, err)
	if pim.CodeOf(err) == pim.CodeConflict {
		// The first try may have got through, and its answer got lost.
		if there, now, loadErr := b.Load(ctx, name); loadErr == nil && bytes.Equal(there, doc) {
			return now, nil
		}
	}
	return "", err
}

// Names implements sweep.Store. The service lists names in their order.
func (b *Blobs) Names(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for pager := b.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix}); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				yield("", fault("Store.Names", err))
				return
			}
			for _, item := range page.Segment.BlobItems {
				if !yield(*item.Name, nil) {
					return
				}
			}
		}
	}
}

func version(tag *azcore.ETag) string {
	if tag == nil {
		return ""
	}
	return string(*tag)
}
