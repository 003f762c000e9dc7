package ledger

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/google/uuid"

	"github.com/azurepim/azure-pim/pim"
)

// TableName is the table of a ledger that names no other.
const TableName = "PimChanges"

// pageSize is how many changes one answer holds: callers stop early more often than
// they read a thousand, the service's own size.
const pageSize int32 = 100

// TableOptions configures a Table. Nil and the zero value mean the table TableName,
// and a retry that stays within one invocation: three tries, at most five seconds
// apart. Longer waits come back as CodeBusy with RetryAfter.
type TableOptions struct {
	azcore.ClientOptions
	Name string
}

// Table is a ledger in Azure Table Storage. It is safe for concurrent use, by any
// number of processes.
type Table struct{ client *aztables.Client }

var _ pim.Ledger = (*Table)(nil)

// NewTable returns the ledger at the table endpoint of a storage account, such as
// https://account.table.core.windows.net. It makes no request.
func NewTable(endpoint string, cred azcore.TokenCredential, options *TableOptions) (*Table, error) {
	const op = "NewTable"
	if cred == nil {
		// A nil credential would silently skip authorization in azcore.
		return nil, &pim.Error{Op: op, Code: pim.CodeInvalid, Detail: "no credential"}
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &pim.Error{Op: op, Code: pim.CodeInvalid, Detail: "the endpoint is not an https address such as https://account.table.core.windows.net"}
	}
	var o TableOptions
	if options != nil {
		o = *options
	}
	if o.Name == "" {
		o.Name = TableName
	}
	if o.Retry.MaxRetries == 0 && o.Retry.TryTimeout == 0 {
		o.Retry = policy.RetryOptions{
			MaxRetries:    2,
			RetryDelay:    500 * time.Millisecond,
			MaxRetryDelay: 5 * time.Second,
			TryTimeout:    15 * time.Second,
		}
	}
	service, err := aztables.NewServiceClient(strings.TrimSuffix(endpoint, "/"), cred, &aztables.ClientOptions{ClientOptions: o.ClientOptions})
	if err != nil {
		return nil, named(op, err)
	}
	return &Table{client: service.NewClient(o.Name)}, nil
}

// EnsureTable makes the table if it is missing. In Azure the deployment makes it,
// and the app need not have the right to.
func (t *Table) EnsureTable(ctx context.Context) error {
	_, err := t.client.CreateTable(ctx, nil)
	if answer, ok := errors.AsType[*azcore.ResponseError](err); ok && answer.ErrorCode == string(aztables.TableAlreadyExists) {
		return nil
	}
	if err != nil {
		return named("Ledger.EnsureTable", fault("", err))
	}
	return nil
}

// Load returns the change of that id: one point read.
func (t *Table) Load(ctx context.Context, id string) (pim.Change, error) {
	const op = "Ledger.Load"
	e, version, err := t.get(ctx, id)
	if err != nil {
		return pim.Change{}, named(op, err)
	}
	c, err := e.change(version)
	return c, named(op, err)
}

func (t *Table) get(ctx context.Context, id string) (entity, azcore.ETag, error) {
	if !isID(id) {
		return nil, "", notFound(id)
	}
	resp, err := t.client.GetEntity(ctx, id, id, nil)
	if err != nil {
		return nil, "", fault(id, err)
	}
	e, err := readEntity(resp.Value)
	return e, resp.ETag, err
}

// Save writes c if the table holds the version that c came with.
//
// The answer to a write may be lost after the write got through. Its repetition, by
// the retry of the client, then meets the change in the version that the first one
// made and is told of a conflict. So a conflict is believed only when what stands
// was written by another call.
func (t *Table) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	const op = "Ledger.Save"
	token := uuid.NewString()
	body, err := newEntity(c, token)
	if err != nil {
		return pim.Change{}, named(op, err)
	}
	version, err := t.write(ctx, c, body)
	if pim.CodeOf(err) == pim.CodeConflict {
		e, stands, readErr := t.get(ctx, c.ID())
		switch {
		case readErr == nil && e.text("Write") == token:
			version, err = stands, nil
		case readErr != nil && !gone(readErr):
			err = readErr // nobody can say who won
		}
	}
	if err != nil {
		return pim.Change{}, named(op, err)
	}
	c.Version = string(version)
	return c, nil
}

func (t *Table) write(ctx context.Context, c pim.Change, body []byte) (azcore.ETag, error) {
	if c.Version == "" {
		resp, err := t.client.AddEntity(ctx, body, nil)
		if err != nil {
			return "", fault(c.ID(), err)
		}
		return resp.ETag, nil
	}
	version := azcore.ETag(c.Version)
	resp, err := t.client.UpdateEntity(ctx, body, &aztables.UpdateEntityOptions{IfMatch: &version, UpdateMode: aztables.UpdateModeReplace})
	if err != nil {
		if err = fault(c.ID(), err); gone(err) {
			err = conflict(c.ID()) // it was pruned: no version is another version, too
		}
		return "", err
	}
	return resp.ETag, nil
}

// List yields the changes that match, in the order of their ids. An error of the
// service ends it. An entry that cannot be read is an error in its turn, behind
// which a loop may go on: one bad entry must not hide those that follow.
func (t *Table) List(ctx context.Context, f pim.Filter) iter.Seq2[pim.Change, error] {
	const op = "Ledger.List"
	return func(yield func(pim.Change, error) bool) {
		top, options := pageSize, &aztables.ListEntitiesOptions{}
		options.Top = &top
		if q := query(f); q != "" {
			options.Filter = &q
		}
		for pager := t.client.NewListEntitiesPager(options); pager.More(); {
			page, err := pager.NextPage(ctx)
			if err != nil {
				yield(pim.Change{}, named(op, fault("", err)))
				return
			}
			for _, b := range page.Entities {
				c, err := readListed(b)
				if err == nil && !f.Match(c) {
					continue
				}
				if !yield(c, named(op, err)) {
					return
				}
			}
		}
	}
}

// readListed reads one change of a page, which brings its version as a field.
func readListed(b []byte) (pim.Change, error) {
	e, err := readEntity(b)
	if err != nil {
		return pim.Change{}, err
	}
	return e.change(azcore.ETag(e.text("odata.etag")))
}

// Prune removes changes that ended, whose outcomes are sent, that were not updated
// since before, and whose access, if it has an end, ended before that, too. It
// returns how many went. A change that somebody writes meanwhile stays.
func (t *Table) Prune(ctx context.Context, before time.Time) (int, error) {
	const op = "Ledger.Prune"
	removed := 0
	var bad error // an entry that cannot be read is kept, and must not keep the others
	for c, err := range t.List(ctx, pim.Filter{States: ended(), Idle: before}) {
		switch {
		case err != nil:
			bad = err
		case spent(c, before):
			version := azcore.ETag(c.Version)
			_, err := t.client.DeleteEntity(ctx, c.ID(), c.ID(), &aztables.DeleteEntityOptions{IfMatch: &version})
			if err == nil {
				removed++
				continue
			}
			if err = fault(c.ID(), err); !gone(err) && pim.CodeOf(err) != pim.CodeConflict {
				return removed, named(op, err)
			}
		}
	}
	return removed, named(op, bad)
}
