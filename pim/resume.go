package pim

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// Resumed counts what one run of Resume did.
type Resumed struct {
	Carried int // changes put back on the way
	Told    int // changes whose outcomes were sent
	Expired int // approvals that nobody gave
}

// Resume finds changes that stand still, because a process died between journal and
// effect or a message was lost, and puts them back on the way; it sends outcomes
// that were not sent, and ends approvals that nobody gave. Without an Outbox it
// drives them itself, until the given time.
func (e *Engine) Resume(ctx context.Context, until time.Time) (Resumed, error) {
	const op = "Engine.Resume"
	var done Resumed
	var errs []error
	now := time.Now().UTC()
	system := Caller{Kind: CallerSystem, ID: "resume"}
	// Longer than a lease, so that nobody has the change in hand, nor its message on
	// the way.
	grace := e.lease() + time.Minute
	if e.Outbox == nil {
		grace = 0 // nobody else carries them on
	}
	for c, err := range e.Ledger.List(ctx, Filter{States: []State{Pending, AwaitingApproval}}) {
		if err != nil {
			errs = append(errs, err) // one entry that cannot be read stops no other
			continue
		}
		if now.Before(c.Due) || now.Before(c.Lease.Until) || now.Sub(c.Updated) < grace || now.Sub(c.Due) < grace {
			continue
		}
		switch {
		case c.State == AwaitingApproval:
			if c, err = e.Advance(ctx, system, c.ID()); err == nil {
				e.flush(ctx, c)
				done.Expired++
			}
		case e.Outbox == nil:
			if time.Now().Before(until) {
				_, err = e.Drive(ctx, system, c.ID(), time.Now())
				done.Carried++
			}
		default:
			// The id of the lost message is known to the queue: name another.
			err = e.carryOn(ctx, "resume-"+strconv.FormatInt(now.Unix()/60, 10), c)
			done.Carried++
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	for c, err := range e.Ledger.List(ctx, Filter{Unsent: true}) {
		if err != nil {
			errs = append(errs, err) // one entry that cannot be read stops no other
			continue
		}
		if now.Sub(c.Updated) >= grace && len(e.flush(ctx, c).Outbox) == 0 {
			done.Told++
		}
	}
	return done, at(op, errors.Join(errs...))
}
