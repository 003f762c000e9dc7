package pim

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Start puts a request into the ledger, or finds the change that the same id named
// before. Nothing is decided, and the tenant not asked, until [Engine.Advance]. Its
// error has CodeConflict if the id names another change.
func (e *Engine) Start(ctx context.Context, caller Caller, r Request) (Change, error) {
	const op = "Engine.Start"
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	now := time.Now().UTC()
	c := Change{Request: r, Digest: r.digest(), Caller: caller, Generation: 1, State: Pending, Created: now, Updated: now}
	c.Heard = heard(nil, caller)
	c.enter(StepDecide, now)
	old, err := e.Ledger.Load(ctx, r.ID)
	switch {
	case CodeOf(err) == CodeNotFound:
		saved, err := e.Ledger.Save(ctx, c)
		if CodeOf(err) != CodeConflict {
			return saved, at(op, err)
		}
		// Another delivery of the same was faster.
		if old, err = e.Ledger.Load(ctx, r.ID); err != nil {
			return Change{}, at(op, err)
		}
	case err != nil:
		return Change{}, at(op, err)
	}
	return e.again(ctx, caller, c, old)
}

// again is Start for an id that the ledger knows.
func (e *Engine) again(ctx context.Context, caller Caller, c, old Change) (Change, error) {
	const op = "Engine.Start"
	if old.Digest != c.Digest {
		return Change{}, &Error{Op: op, Code: CodeConflict, Field: "id", Detail: "this id names another change already"}
	}
	if old.Caller.String() != caller.String() {
		// What was allowed to one caller says nothing about another.
		d, err := e.Plan(ctx, caller, c.Request)
		if err != nil {
			return Change{}, at(op, err)
		}
		if !d.Allowed {
			return Change{}, d.err(op)
		}
	}
	if old.State != Refused && old.State != Failed {
		return old, nil
	}
	if caller.Message != "" && slices.Contains(old.Heard, caller.Message) {
		return old, nil // what it asked for has been tried
	}
	// Nothing stands of a refusal or a failure: the same request is another run.
	c.Generation, c.Created, c.Version, c.Outbox = old.Generation+1, old.Created, old.Version, old.Outbox
	c.Heard = heard(old.Heard, caller)
	saved, err := e.Ledger.Save(ctx, c)
	if CodeOf(err) != CodeConflict {
		return saved, at(op, err)
	}
	// Somebody else has begun another run, or has only sent the outcomes of this one.
	if old, err = e.Ledger.Load(ctx, c.ID()); err != nil {
		return Change{}, at(op, err)
	}
	return e.again(ctx, caller, c, old)
}

// heard adds the message that begins a run to those that began others.
func heard(before []string, caller Caller) []string {
	if caller.Message == "" {
		return before
	}
	return append(slices.Clone(before[max(0, len(before)+1-mostHeard):]), caller.Message)
}
