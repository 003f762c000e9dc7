package pim

import (
	"context"
	"time"
)

const (
	// soon is how far ahead a start may lie and yet be waited for.
	soon = time.Minute
	// confirmFor is how long an instance may be missing after PIM provisioned it
	// before we say so: terraform polls as long.
	confirmFor = 5 * time.Minute
)

// await asks how the current request fares.
func (w *work) await(ctx context.Context) {
	got, err := w.Client.Find(ctx, w.change.effect().ScheduleRequest)
	if err != nil {
		w.later(ctx, err)
		return
	}
	w.adopt(ctx, got)
}

// clocksDiffer bounds how far our clock and PIM's are apart.
const clocksDiffer = time.Minute

// found goes on with a request that PIM has under the current one's name. The name
// follows from the change id, and PIM remembers it for longer than the journal may
// remember the change: what is older than our entry was asked for by an earlier one,
// and tells nothing of this. Then the next run begins, under names of its own.
func (w *work) found(ctx context.Context, got ScheduleRequest) {
	c := &w.change
	if !got.Created.IsZero() && got.Created.Before(c.Created.Add(-clocksDiffer)) {
		c.Generation++
		c.enter(StepLook, time.Now().UTC())
		return
	}
	w.adopt(ctx, got)
}

// adopt takes over what PIM says of the current request.
func (w *work) adopt(ctx context.Context, got ScheduleRequest) {
	c := &w.change
	e := c.effect()
	now := time.Now().UTC()
	e.Status, e.Approval = got.Status, got.Approval
	c.Stuck, c.Missing = time.Time{}, time.Time{}
	if got.Name != "" {
		e.Name = got.Name
	}
	switch class := got.Status.Class(); {
	case class == Bad:
		w.fail(ctx, &Error{Code: CodeRejected, PIMCode: string(got.Status), Detail: "PIM ended the request: " + string(got.Status)})
	case class == Good || ahead(*e, now):
		e.Done = &now
		if c.Current+1 < len(c.Effects) {
			c.Current++
			c.enter(StepSubmit, now)
			return
		}
		if ahead(*e, now) {
			w.scheduled(ctx)
			return
		}
		c.enter(StepConfirm, now)
	default:
		if c.Step != StepAwait {
			c.enter(StepAwait, now)
		}
		// People take their time. Granted means them no more: its start is not ahead.
		if people := class == Waiting && got.Status != Granted; !people && now.Sub(c.Since) > giveUp {
			w.fail(ctx, &Error{Code: CodeBusy, PIMCode: string(got.Status), Detail: "PIM does not finish the request"})
			return
		}
		if class == Waiting {
			// Every minute at first, every five when it has taken an hour.
			w.wait(min(time.Minute<<min(c.Tries/8, 3), 5*time.Minute))
			return
		}
		w.wait(backoff(c.Tries))
	}
}

// ahead reports whether PIM has taken a request whose start lies in the future: it
// needs nothing more from us.
func ahead(e Effect, now time.Time) bool {
	return e.Window.Start != nil && e.Window.Start.After(now.Add(soon)) &&
		(e.Status.Class() == Good || e.Status == Granted)
}

func (w *work) scheduled(ctx context.Context) {
	c := &w.change
	from, until := c.Request.span(time.Now().UTC())
	c.Result = &Result{From: &from, Until: &until, Scheduled: true}
	w.end(ctx, Done, c.Request.Action.outcome())
}

// confirm looks whether the tenant is as PIM says. A listing that lags is no
// failure: then the result says that it was not seen.
func (w *work) confirm(ctx context.Context) {
	c := &w.change
	i, err := w.own(ctx, c.effect().Kind, c.Access())
	if err != nil {
		w.later(ctx, err)
		return
	}
	now := time.Now().UTC()
	gone := c.effect().Type.removes()
	seen := (i == nil) == gone
	if !seen && now.Sub(c.Since) < confirmFor {
		w.wait(min(2*time.Second<<min(c.Tries, 3), 10*time.Second))
		return
	}
	res := &Result{Confirmed: seen}
	switch {
	case gone:
	case i != nil:
		res.From, res.Until = i.Start, i.End
	default:
		from, until := c.Request.span(*c.effect().Asked)
		res.From, res.Until = &from, &until
	}
	if !seen {
		res.Note = "PIM says that it is done; its listings do not show it yet"
	}
	c.Result = res
	w.end(ctx, Done, c.Request.Action.outcome())
}
