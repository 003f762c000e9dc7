package auditlog

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/appendblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/azurepim/azure-pim/pim"
)

const (
	// Container is the container of a log that names no other.
	Container = "audit"
	// maxBlocks is how many blocks an append blob takes.
	maxBlocks = 50_000
	// maxTaken is how many names that are taken one Write tries. The next one goes on
	// behind them.
	maxTaken = 100

	opWrite = "Audit.Write"
)

// BlobOptions configures a Blob. Nil and the zero value mean the container
// Container, full files, and a retry that stays within one invocation: three tries,
// at most five seconds apart.
type BlobOptions struct {
	azcore.ClientOptions
	Container string
	Blocks    int // lines in a file; zero is 50,000, the most that an append blob takes
}

// Blob is an audit log in append blobs, one for each day and process:
// 2026/11/22/<instance>.jsonl, then <instance>.2.jsonl where that one is full or
// was there before this process. Nothing that stands is ever written over, and
// nobody but the process that made a file writes to it, so two processes never mix
// their chains. It is safe for concurrent use; writes wait for each other.
type Blob struct {
	container *container.Client
	instance  string
	blocks    int
	turn      chan struct{} // holds one: whoever put it there writes
	file      *file         // nil: none is open
	day       string        // of the parts that were tried
	part      int           // the last of them
}

var _ pim.Sink = (*Blob)(nil)

// NewBlob returns the log at the blob endpoint of a storage account, such as
// https://account.blob.core.windows.net. Instance names this process, in letters,
// digits, _ and -. It makes no request.
func NewBlob(endpoint, instance string, cred azcore.TokenCredential, options *BlobOptions) (*Blob, error) {
	const op = "NewBlob"
	if cred == nil {
		// A nil credential would silently skip authorization in azcore.
		return nil, &pim.Error{Op: op, Code: pim.CodeInvalid, Detail: "no credential"}
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &pim.Error{Op: op, Code: pim.CodeInvalid, Detail: "the endpoint is not an https address such as https://account.blob.core.windows.net"}
	}
	if instance == "" || len(instance) > 100 || strings.ContainsFunc(instance, outsideName) {
		return nil, &pim.Error{Op: op, Code: pim.CodeInvalid, Detail: "the instance is not named by 1 to 100 letters, digits, _ and -"}
	}
	var o BlobOptions
	if options != nil {
		o = *options
	}
	if o.Container == "" {
		o.Container = Container
	}
	if o.Blocks <= 0 || o.Blocks > maxBlocks {
		o.Blocks = maxBlocks
	}
	if o.Retry.MaxRetries == 0 && o.Retry.TryTimeout == 0 {
		o.Retry = policy.RetryOptions{
			MaxRetries:    2,
			RetryDelay:    500 * time.Millisecond,
			MaxRetryDelay: 5 * time.Second,
			TryTimeout:    15 * time.Second,
		}
	}
	c, err := container.NewClient(u.JoinPath(o.Container).String(), cred, &container.ClientOptions{ClientOptions: o.ClientOptions})
	if err != nil {
		return nil, &pim.Error{Op: op, Code: pim.CodeInternal, Err: err}
	}
	return &Blob{container: c, instance: instance, blocks: o.Blocks, turn: make(chan struct{}, 1)}, nil
}

// exists are the answers to making a blob that is there: the plain one, the one
// where a policy keeps it from being written over, and the one to an identity that
// may add and not write over.
var exists = []bloberror.Code{bloberror.BlobAlreadyExists, bloberror.BlobImmutableDueToPolicy, bloberror.UnauthorizedBlobOverwrite}

func outsideName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '-'
}

// EnsureContainer makes the container if it is missing. In Azure the deployment
// makes it, with its immutability policy.
func (b *Blob) EnsureContainer(ctx context.Context) error {
	_, err := b.container.Create(ctx, nil)
	if err == nil || bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
		return nil
	}
	return fault("Audit.EnsureContainer", err)
}

// Write appends r to the file of r's day, in UTC. It has been kept when Write
// returns nil. After an error it may have been kept or not.
func (b *Blob) Write(ctx context.Context, r pim.Record) error {
	if err := ctx.Err(); err != nil {
		return unanswered(opWrite, err)
	}
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return unanswered(opWrite, ctx.Err())
	}
	const tries = 3 // a file that is spent, another, and one to spare
	var err error
	for range tries {
		if err = b.open(ctx, r.Time.UTC().Format("2006/01/02")); err != nil {
			return err
		}
		if err = b.file.write(ctx, r); !errors.Is(err, errSpent) {
			return err
		}
		b.file = nil
	}
	return &pim.Error{Op: opWrite, Code: pim.CodeInternal, Detail: "no file of the audit log takes the record", Err: err}
}

// open makes sure that a file of that day is open and has room.
func (b *Blob) open(ctx context.Context, day string) error {
	if f := b.file; f != nil && f.day == day && f.blocks < b.blocks {
		return nil
	}
	if b.day != day {
		b.day, b.part = day, 0
	}
	absent := azcore.ETagAny
	kind := "application/x-ndjson"
	for range maxTaken {
		b.part++
		name := b.name(day, b.part)
		client := b.container.NewAppendBlobClient(name)
		_, err := client.Create(ctx, &appendblob.CreateOptions{
			HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: &kind},
			AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &absent}},
		})
		switch {
		case err == nil:
			b.file = &file{client: client, day: day, chain: newChain(name)}
			return nil
		case !bloberror.HasCode(err, exists...):
			// Whether it was made is unknown: the next call finds out.
			b.part--
			return fault(opWrite, err)
		}
	}
	return &pim.Error{Op: opWrite, Code: pim.CodeInternal, Detail: "no name of this instance and day is free in the audit log"}
}

// name is the blob of one part. An instance has no dot, so no two of them share one.
func (b *Blob) name(day string, part int) string {
	if part == 1 {
		return day + "/" + b.instance + ".jsonl"
	}
	return day + "/" + b.instance + "." + strconv.Itoa(part) + ".jsonl"
}
