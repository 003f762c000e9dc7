package pim

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Advance takes the change one step further, on behalf of whoever drives it; only
// caller's token matters, and only to a change in mode self. It may be called again
// at any time and from anywhere: a change that another worker has in hand, or that
// is not due, comes back as it is, with Due set. Its error means that the journal
// cannot be read or written, so nothing was done.
func (e *Engine) Advance(ctx context.Context, caller Caller, id string) (Change, error) {
	c, err := e.Ledger.Load(ctx, id)
	if err != nil {
		return Change{}, at("Engine.Advance", err)
	}
	return e.advance(ctx, caller, c)
}

// advance is Advance for a change as the journal held it a moment ago: whoever has
// written it since is found out at the first write, which comes before any effect.
func (e *Engine) advance(ctx context.Context, caller Caller, c Change) (Change, error) {
	const op = "Engine.Advance"
	now := time.Now().UTC()
	if c.Ended() || now.Before(c.Due) {
		return c, nil
	}
	if now.Before(c.Lease.Until) {
		c.Due = c.Lease.Until
		return c, nil
	}
	w := &work{Engine: e, caller: caller, change: c, worker: uuid.NewString()}
	err := w.step(ctx)
	if err == nil && w.announces() {
		err = w.step(ctx)
	}
	if err == nil {
		err = w.save(ctx)
	}
	switch {
	case errors.Is(err, errLost):
		if c, err = e.Ledger.Load(ctx, c.ID()); err != nil {
			return Change{}, at(op, err)
		}
		switch {
		case c.Ended():
		case time.Now().Before(c.Lease.Until):
			c.Due = c.Lease.Until
		case c.Due.Before(now.Add(lookAgain)):
			c.Due = now.Add(lookAgain)
		}
		return c, nil
	case err != nil:
		return w.change, at(op, err)
	}
	return w.change, nil
}

// announces reports whether the step that was just taken leads to an effect that can
// be asked for at once: then one write of the journal holds both, what came of the
// one and the announcement of the other.
func (w *work) announces() bool {
	c := &w.change
	return c.State == Pending && c.Step == StepSubmit && c.Tries == 0 && c.effect().Tried == 0
}

// work is one Advance of one change.
type work struct {
	*Engine
	caller Caller
	change Change
	worker string
}

// errLost says that another worker has the change: what this one did not write
// down, it must not do.
var errLost = errors.New("another worker has the change")

// save ends a step: it gives the lease back.
func (w *work) save(ctx context.Context) error {
	w.change.Lease = Lease{}
	return w.write(ctx)
}

// claim announces that an effect is about to be asked for, and keeps others away.
func (w *work) claim(ctx context.Context) error {
	w.change.Lease = Lease{Worker: w.worker, Until: time.Now().UTC().Add(w.lease())}
	return w.write(ctx)
}

func (w *work) write(ctx context.Context) error {
	// What was done must be written down, even if the invocation's time is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeFor)
	defer cancel()
	w.change.Updated = time.Now().UTC()
	c, err := w.keep(ctx, w.change)
	if CodeOf(err) == CodeConflict {
		return errLost
	}
	if err != nil {
		return err
	}
	w.change = c
	return nil
}

// step does the next thing. What goes wrong with the tenant ends in the change; an
// error is about the journal alone.
func (w *work) step(ctx context.Context) error {
	if w.change.State == AwaitingApproval {
		w.expireApproval(ctx)
		return nil
	}
	if w.stale() {
		w.change.enter(StepDecide, time.Now().UTC())
	}
	switch w.change.Step {
	case StepDecide:
		return w.decide(ctx)
	case StepLook:
		w.look(ctx)
	case StepSubmit:
		return w.submit(ctx)
	case StepAwait:
		w.await(ctx)
	case StepConfirm:
		w.confirm(ctx)
	default:
		// A journal of another version: nothing is known, so nothing is done.
		w.fail(ctx, &Error{Code: CodeInternal, Detail: "the journal names an unknown step"})
	}
	return nil
}

// stale reports whether the change must be decided anew before it goes on: its
// decision is old, so that the rules or the facts may have changed, or everything
// has been stopped since. What may have been asked of PIM is first looked for.
func (w *work) stale() bool {
	c := &w.change
	switch {
	case c.Step == StepLook:
	case c.Step == StepSubmit && c.effect().Tried == 0:
	default:
		return false
	}
	return w.outdated()
}

func (w *work) outdated() bool {
	return w.Guard.Stopped || time.Since(w.change.Decision.At) > decisionHolds
}

// end finishes the change and says so.
func (w *work) end(ctx context.Context, s State, t EventType) {
	now := time.Now().UTC()
	w.change.State = s
	w.change.enter(StepEnd, now)
	w.change.tell(t, now)
	r := w.change.record(AuditEnd, now)
	if err := w.audit(ctx, r); err != nil {
		// The effect stands and the ledger knows it; there is nothing to undo.
		w.logger().ErrorContext(ctx, "the end of a change is missing from the audit log", "change", w.change.ID(), "error", err)
	}
}

func (w *work) fail(ctx context.Context, err error) {
	w.logger().WarnContext(ctx, "change failed", "change", w.change.ID(), "error", err)
	w.change.Fault = faultOf(err)
	w.end(ctx, Failed, EventFailed)
}

// unaudited stops before what the audit log has no line for. An audit log that is out
// of reach is waited for; one that takes no line is a refusal.
func (w *work) unaudited(ctx context.Context, err error) {
	if CodeOf(err) == CodeBusy {
		w.later(ctx, err)
		return
	}
	w.fail(ctx, &Error{Code: CodeInternal, Detail: "the audit log cannot be written", Err: err})
}

// later leaves the change in its step until asking again can help, or ends it if
// that cannot be.
func (w *work) later(ctx context.Context, err error) {
	c := &w.change
	retry, wait := RetryOf(err)
	now := time.Now().UTC()
	if c.Stuck.IsZero() {
		c.Stuck = now
	}
	spent := now.Sub(c.Stuck) > giveUp
	switch CodeOf(err) {
	case CodeNotFound, CodeConflict:
		if c.Missing.IsZero() {
			c.Missing, c.Missed = now, 0
		}
		c.Missed++
		spent = spent || now.Sub(c.Missing) > giveUpMissing && c.Missed >= missedOften
	default:
		c.Missing = time.Time{} // while PIM is out of reach, nothing can appear or go
	}
	if retry == RetryNever || retry == StepUp || spent {
		w.fail(ctx, err)
		return
	}
	w.logger().InfoContext(ctx, "change waits", "change", c.ID(), "step", c.Step, "error", err)
	w.wait(max(wait, backoff(c.Tries)))
}

// wait keeps the step and looks again after d.
func (w *work) wait(d time.Duration) {
	w.change.Tries++
	w.change.Due = time.Now().UTC().Add(d)
}

// backoff doubles from two seconds to one minute.
func backoff(tries int) time.Duration {
	return min(2*time.Second<<min(tries, 5), time.Minute)
}
