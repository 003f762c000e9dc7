package pim

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// SweepPrefix begins the ids of the changes that a sweep asks for. They can be
// foretold, so nobody else may ask for a change under one: it would stand in the
// sweep's way.
const SweepPrefix = "sweep-"

// reserved reports whether the id is one of the sweep's, in any letter case.
func reserved(id string) bool {
	return len(id) >= len(SweepPrefix) && strings.EqualFold(id[:len(SweepPrefix)], SweepPrefix)
}

// Start puts a request into the ledger, or finds the change that the same id named
// before. Nothing is decided, and the tenant not asked, until [Engine.Advance]. Its
// error has CodeConflict if the id names another change, and CodeInvalid if it is
// the sweep's.
func (e *Engine) Start(ctx context.Context, caller Caller, r Request) (Change, error) {
	const op = "Engine.Start"
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	if reserved(r.ID) && caller.Kind != CallerSystem {
		return Change{}, at(op, invalid("id", "ids that begin with %s are the sweep's", SweepPrefix))
	}
	now := time.Now().UTC()
	c := Change{Request: r, Digest: r.digest(), Caller: caller, Generation: 1, State: Pending, Created: now, Updated: now}
	c.Heard = heard(nil, caller)
	c.enter(StepDecide, now)
	old, err := e.Ledger.Load(ctx, r.ID)
	switch {
	case CodeOf(err) == CodeNotFound:
		saved, err := e.keep(ctx, c)
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
	taken := &Error{Op: op, Code: CodeConflict, Field: "id", Detail: "this id names another change already"}
	another, same := old.Caller.String() != caller.String(), old.Digest == c.Digest
	heardOf := caller.Message != "" && slices.Contains(old.Heard, caller.Message)
	// Whoever may ask for nothing could otherwise use up the ids of those who may.
	if !same && (!another || !old.idle() || heardOf) {
		return Change{}, taken
	}
	if another {
		// What was allowed to one caller says nothing about another.
		d, err := e.Plan(ctx, caller, c.Request)
		switch {
		case err != nil:
			return Change{}, at(op, err)
		case !d.Allowed: // which is about the caller's own request, whatever the id named before
			return Change{}, d.err(op)
		}
	}
	if old.State != Refused && old.State != Failed {
		return old, nil
	}
	if heardOf {
		return old, nil // what it asked for has been tried
	}
	// Nothing stands of a refusal or a failure: the same request is another run, and so
	// is another one that takes the id of what came to nothing.
	c.Generation, c.Version, c.Outbox = old.Generation+1, old.Version, old.Outbox
	if same {
		c.Created = old.Created
	}
	c.Heard = heard(old.Heard, caller)
	saved, err := e.keep(ctx, c)
	if CodeOf(err) != CodeConflict {
		return saved, at(op, err)
	}
	// Somebody else has begun another run, or has only sent the outcomes of this one.
	if old, err = e.Ledger.Load(ctx, c.ID()); err != nil {
		return Change{}, at(op, err)
	}
	return e.again(ctx, caller, c, old)
}

// idle reports whether the change came to nothing: the rules never allowed it, and PIM
// was never asked for anything.
func (c Change) idle() bool {
	return (c.State == Refused || c.State == Failed) && !c.Decision.Allowed &&
		!slices.ContainsFunc(c.Effects, func(e Effect) bool { return e.Tried > 0 })
}

// heard adds the message that begins a run to those that began others.
func heard(before []string, caller Caller) []string {
	if caller.Message == "" {
		return before
	}
	return append(slices.Clone(before[max(0, len(before)+1-mostHeard):]), caller.Message)
}
