package pim

import (
	"context"
	"iter"
	"time"
)

// Ledger is the journal of changes: written before each effect, read back on every
// redelivery. Package ledger has the two implementations.
type Ledger interface {
	// Load returns the change of that id, or an error with CodeNotFound.
	Load(ctx context.Context, id string) (Change, error)
	// Save writes c and returns it with its new Version. It fails with
	// CodeConflict if the ledger holds another version than c came with; an empty
	// Version means that it must hold none.
	Save(ctx context.Context, c Change) (Change, error)
	// List yields the changes that match, in the order of their ids. An entry that
	// cannot be read is yielded as an error with a Change that has its id and nothing
	// else, and the listing goes on behind it if the loop does; an error of the
	// service comes with no id, and ends it.
	List(ctx context.Context, f Filter) iter.Seq2[Change, error]
}

// Filter narrows a listing of the ledger. Zero fields do not narrow.
type Filter struct {
	States    []State
	Principal string
	After     string    // only ids behind this one: where the last page ended
	Idle      time.Time // only those not updated since
	Unsent    bool      // only those with outcomes that have not been sent
	Ends      time.Time // only those that gave what ends before it, and of whose end nobody has been told
}

// Match reports whether c passes f.
func (f Filter) Match(c Change) bool {
	in := len(f.States) == 0
	for _, s := range f.States {
		in = in || c.State == s
	}
	return in &&
		(f.Principal == "" || f.Principal == c.Request.Principal) &&
		(f.After == "" || c.ID() > f.After) &&
		(f.Idle.IsZero() || c.Updated.Before(f.Idle)) &&
		(!f.Unsent || len(c.Outbox) > 0) &&
		(f.Ends.IsZero() || !c.Ends().IsZero() && c.Ends().Before(f.Ends))
}
