package pim

import (
	"context"
	"strconv"
	"time"
)

// Drive advances the change until it has ended, or must wait beyond until; then it
// puts a continuation on the queue. It is the one loop behind every trigger. Its
// error means that nothing will drive the change on by itself: the journal cannot
// be reached, or the continuation not be sent. The Resume timer would, in time.
//
// The journal is read once, and again after each wait: in between, whoever else
// writes the change is found out by the next write.
func (e *Engine) Drive(ctx context.Context, caller Caller, id string, until time.Time) (Change, error) {
	const op = "Engine.Drive"
	c, err := e.Ledger.Load(ctx, id)
	if err != nil {
		return Change{}, at(op, err)
	}
	for tell := true; ; {
		if c, err = e.advance(ctx, caller, c); err != nil {
			return c, err
		}
		// Each try costs seconds while the queues are out of reach, and the caller waits:
		// after one that failed, the end alone is worth another.
		sent := (tell || c.Ended()) && e.publish(ctx, c)
		tell = sent || len(c.Outbox) == 0
		// What PIM has finished may stay out of its listings for a minute: nobody is
		// kept waiting for that.
		late := c.Step == StepConfirm && c.Tries >= heldLooks
		wait := time.Until(c.Due)
		over := c.Ended() || c.State == AwaitingApproval || late || c.Due.After(until) || !time.Now().Before(until) || ctx.Err() != nil
		switch {
		case sent && !over && wait <= 0:
			c.Outbox = nil // the write of the next step strikes them off
		case sent:
			c = e.strike(ctx, c)
		}
		if c.Ended() {
			return c, nil
		}
		if over || !pause(ctx, wait) || !time.Now().Before(until) {
			return c, e.carryOn(ctx, "", c)
		}
		if wait > 0 {
			if c, err = e.Ledger.Load(ctx, id); err != nil {
				return Change{}, at(op, err)
			}
		}
	}
}

// heldLooks is how often a caller is kept while we look for what PIM says is done.
const heldLooks = 2

// pause waits for d, and reports whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Queue puts the changes on the queue as they stand, without driving them here.
func (e *Engine) Queue(ctx context.Context, changes ...Change) error {
	return e.carryOn(ctx, "", changes...)
}

// carryOn has the changes driven on when they are due.
func (e *Engine) carryOn(ctx context.Context, nonce string, changes ...Change) error {
	if e.Outbox == nil || len(changes) == 0 {
		return nil // Resume finds them
	}
	// The invocation may be over; the messages must get out all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendFor)
	defer cancel()
	now := time.Now()
	ns := make([]Continuation, 0, len(changes))
	for _, c := range changes {
		if c.State == AwaitingApproval { // a vote carries it on, or Resume ends it
			continue
		}
		n := Continuation{Change: c.ID(), Generation: c.Generation, Step: c.Step, Tries: c.Tries, Since: c.Since,
			Nonce: nonce, After: max(0, c.Due.Sub(now))}
		if nonce == "" && now.Before(c.Lease.Until) {
			n.Nonce = "lease-" + strconv.FormatInt(c.Lease.Until.UnixNano(), 36)
		}
		ns = append(ns, n)
	}
	if len(ns) == 0 {
		return nil
	}
	return at("Engine.Queue", e.Outbox.Continue(ctx, ns...))
}

// sendFor bounds one sending of messages.
const sendFor = 15 * time.Second

// flush tells the outcomes that the journal holds. One that cannot be sent stays in
// the journal, and Resume sends it.
func (e *Engine) flush(ctx context.Context, c Change) Change {
	if !e.publish(ctx, c) {
		return c
	}
	return e.strike(ctx, c)
}

// publish sends the outcomes that the journal holds, and reports whether there were
// any and they were sent.
func (e *Engine) publish(ctx context.Context, c Change) bool {
	if e.Outbox == nil || len(c.Outbox) == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendFor)
	defer cancel()
	if err := e.Outbox.Publish(ctx, c.Outbox...); err != nil {
		e.logger().WarnContext(ctx, "outcomes wait to be sent", "change", c.ID(), "error", err)
		return false
	}
	return true
}

// strike takes outcomes that were sent out of the journal.
func (e *Engine) strike(ctx context.Context, c Change) Change {
	if time.Now().Before(c.Lease.Until) {
		return c // whoever holds it is in the midst of an effect, and must be able to write what came of it
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeFor)
	defer cancel()
	sent := c
	sent.Outbox = nil
	saved, err := e.Ledger.Save(ctx, sent)
	if err != nil {
		// They will be sent again, under the same ids.
		e.logger().InfoContext(ctx, "sent outcomes stay in the journal", "change", c.ID(), "error", err)
		return c
	}
	return saved
}
