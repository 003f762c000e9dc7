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

// resumedAtOnce is how many changes are put back with one sending.
const resumedAtOnce = 100

// Resume finds changes that stand still, because a process died between journal and
// effect or a message was lost, and puts them back on the way; it sends outcomes
// that were not sent, and ends approvals that nobody gave. Without an Outbox it
// drives them itself, until the given time. It stops with ctx, and once the queues
// cannot be reached: the next run finds what is left.
func (e *Engine) Resume(ctx context.Context, until time.Time) (Resumed, error) {
	const op = "Engine.Resume"
	r := resumption{Engine: e, now: time.Now().UTC(), until: until}
	// Longer than a lease, so that nobody has the change in hand, nor its message on
	// the way.
	r.grace = e.lease() + time.Minute
	if e.Outbox == nil {
		r.grace = 0 // nobody else carries them on
	}
	r.carryOnWhatStands(ctx)
	r.tellWhatWaits(ctx)
	return r.done, at(op, errors.Join(r.errs...))
}

// resumption is one run of Resume.
type resumption struct {
	*Engine
	now, until time.Time
	grace      time.Duration
	silent     bool // the queues cannot be reached
	still      []Change
	done       Resumed
	errs       []error
}

func (r *resumption) over(ctx context.Context) bool { return r.silent || ctx.Err() != nil }

func (r *resumption) carryOnWhatStands(ctx context.Context) {
	for c, err := range r.Ledger.List(ctx, Filter{States: []State{Pending, AwaitingApproval}}) {
		if r.over(ctx) {
			return
		}
		switch {
		case err != nil:
			r.errs = append(r.errs, err) // one entry that cannot be read stops no other
		case r.now.Before(c.Due) || r.now.Before(c.Lease.Until) || r.now.Sub(c.Updated) < r.grace || r.now.Sub(c.Due) < r.grace:
		case c.State == AwaitingApproval:
			r.expire(ctx, c)
		case r.Outbox != nil:
			if r.still = append(r.still, c); len(r.still) == resumedAtOnce {
				r.putBack(ctx)
			}
		case time.Now().Before(r.until):
			_, err := r.Drive(ctx, r.caller(), c.ID(), time.Now())
			r.note(err)
			r.done.Carried++
		}
	}
	r.putBack(ctx)
}

func (r *resumption) caller() Caller { return Caller{Kind: CallerSystem, ID: "resume"} }

func (r *resumption) note(err error) {
	if err != nil {
		r.errs = append(r.errs, err)
	}
}

// expire ends what nobody has approved in time.
func (r *resumption) expire(ctx context.Context, c Change) {
	c, err := r.Advance(ctx, r.caller(), c.ID())
	if err != nil {
		r.note(err)
		return
	}
	r.done.Expired++
	r.tell(ctx, c)
}

// putBack queues what stands still. The ids of the lost messages are known to the
// queue, so these have others.
func (r *resumption) putBack(ctx context.Context) {
	if len(r.still) == 0 || r.over(ctx) {
		return
	}
	err := r.carryOn(ctx, "resume-"+strconv.FormatInt(r.now.Unix()/60, 10), r.still...)
	r.note(err)
	r.silent = err != nil
	if err == nil {
		r.done.Carried += len(r.still)
	}
	r.still = nil
}

func (r *resumption) tellWhatWaits(ctx context.Context) {
	if r.Outbox == nil {
		return
	}
	for c, err := range r.Ledger.List(ctx, Filter{Unsent: true}) {
		if r.over(ctx) {
			return
		}
		switch {
		case err != nil:
			r.errs = append(r.errs, err)
		case r.now.Sub(c.Updated) >= r.grace && r.tell(ctx, c):
			r.done.Told++
		}
	}
}

// tell sends the outcomes of c, and reports whether the journal knows that now.
func (r *resumption) tell(ctx context.Context, c Change) bool {
	if r.Outbox == nil || len(c.Outbox) == 0 {
		return false
	}
	if !r.publish(ctx, c) {
		r.silent = true
		return false
	}
	return len(r.strike(ctx, c).Outbox) == 0
}
