package pim

import (
	"context"
	"errors"
	"time"
)

// submit asks PIM for the current effect. The journal comes first: should we die
// behind it, whoever goes on looks for the request before asking for it.
func (w *work) submit(ctx context.Context) error {
	cancel := w.change.Request.Action == Cancel
	if e := w.change.effect(); e.Tried > 0 && !cancel {
		// An earlier try may have got through, and its answer got lost.
		switch got, err := w.Client.Find(ctx, e.ScheduleRequest); CodeOf(err) {
		case "":
			w.found(ctx, got)
			return nil
		case CodeNotFound:
			if w.outdated() {
				w.change.enter(StepDecide, time.Now().UTC())
				return nil
			}
		default:
			w.later(ctx, err)
			return nil
		}
	}
	client, err := w.client(ctx)
	if err != nil {
		w.later(ctx, err)
		return nil
	}
	now := time.Now().UTC()
	if err := w.audit(ctx, w.change.record(AuditEffect, now)); err != nil {
		w.unaudited(ctx, err)
		return nil
	}
	e := w.change.effect()
	e.Tried++
	if e.Asked == nil {
		e.Asked = &now
	}
	if err := w.claim(ctx); err != nil {
		return err
	}
	// Whoever takes the change over once the lease is up must be alone with it: a
	// process that stood still meanwhile asks no more.
	ctx, end := context.WithDeadline(ctx, w.change.Lease.Until)
	defer end()
	if cancel {
		w.withdraw(ctx, client)
		return nil
	}
	got, err := client.Submit(ctx, w.change.effect().ScheduleRequest)
	if err != nil {
		w.refusedByPIM(ctx, client, err)
		return nil
	}
	w.adopt(ctx, got)
	return nil
}

// client is who asks: the user, for an effect in mode self, else our own identity.
func (w *work) client(ctx context.Context) (*Client, error) {
	if w.change.Request.Action == Cancel && w.change.Decision.Mode != Self {
		return w.Client, nil // an administrator withdraws what somebody else has asked for
	}
	t := w.change.effect().Type
	if t != SelfActivate && t != SelfDeactivate && t != SelfExtend && t != SelfRenew {
		return w.Client, nil
	}
	if w.As == nil || w.caller.Token == "" || w.caller.ID != w.change.Request.Principal {
		return nil, &Error{Code: CodeStepUp, Retry: StepUp, Detail: "the role is activated with the user's own token: ask again with it"}
	}
	return w.As(ctx, w.caller.Token)
}

// refusedByPIM sorts a Submit that failed.
func (w *work) refusedByPIM(ctx context.Context, client *Client, err error) {
	c := &w.change
	e := c.effect()
	own, _ := errors.AsType[*Error](err)
	now := time.Now().UTC()
	switch own.PIMCode {
	case "RoleAssignmentRequestExists":
		// An earlier delivery got through, and its answer got lost.
		got, err := client.Find(ctx, e.ScheduleRequest)
		if err != nil {
			w.later(ctx, err)
			return
		}
		w.found(ctx, got)
	case "RoleAssignmentExists":
		w.exists(ctx, err)
	case "RoleAssignmentDoesNotExist":
		if !e.Type.removes() {
			w.later(ctx, err)
			return
		}
		// Gone between our look and now, or not visible yet.
		c.enter(StepLook, now)
		w.later(ctx, err)
	case "RoleAssignmentRequestPolicyValidationFailed":
		if e.Type == SelfActivate && c.Current > 0 && now.Sub(c.Since) < MinActive && onlyEligibility(own.Rules) {
			w.wait(15 * time.Second) // the eligibility that we just made is not visible yet
			return
		}
		w.later(ctx, err)
	default:
		w.later(ctx, err)
	}
}

func onlyEligibility(rules []string) bool { return len(rules) == 1 && rules[0] == "EligibilityRule" }

// exists resolves RoleAssignmentExists: somebody's request for the same has been
// granted, though listings may not show it yet; or it was ended so recently that
// PIM still believes in it.
func (w *work) exists(ctx context.Context, err error) {
	c := &w.change
	e := c.effect()
	a := c.Access()
	now := time.Now().UTC()
	_, until := c.Request.span(now)
	i, lookErr := w.standing(ctx, e.Kind, a, now)
	if lookErr != nil {
		w.later(ctx, lookErr)
		return
	}
	if i != nil {
		w.stands(ctx, i, until)
		return
	}
	given, lookErr := w.givenLately(ctx, e.Kind, now)
	if lookErr != nil {
		w.later(ctx, lookErr)
		return
	}
	own, _ := errors.AsType[*Error](err)
	detail := "PIM says that the role is held already"
	if given {
		detail = "the same was granted a moment ago"
	}
	again := *own
	again.Retry, again.RetryAfter, again.Detail = RetryLater, 20*time.Second, detail
	w.later(ctx, &again)
}

// stands goes on behind an effect that turned out to be there.
func (w *work) stands(ctx context.Context, i *Instance, until time.Time) {
	c := &w.change
	if c.Current+1 < len(c.Effects) {
		c.Current++
		c.enter(StepSubmit, time.Now().UTC())
		return
	}
	w.already(ctx, i, until)
}

// withdraw cancels the current request. One that cannot be cancelled any more has
// ended by itself.
func (w *work) withdraw(ctx context.Context, client *Client) {
	c := &w.change
	err := client.CancelRequest(ctx, c.effect().ScheduleRequest)
	if r, _ := RetryOf(err); err != nil && r != RetryNever {
		w.later(ctx, err)
		return
	}
	got, findErr := client.Find(ctx, c.effect().ScheduleRequest)
	if findErr != nil && CodeOf(findErr) != CodeNotFound {
		w.later(ctx, findErr)
		return
	}
	now := time.Now().UTC()
	c.effect().Status, c.effect().Done = got.Status, &now
	if findErr == nil && got.Status.Cancelable() {
		w.later(ctx, err) // still there, and PIM would not cancel it
		return
	}
	if c.Current+1 < len(c.Effects) {
		c.Current++
		c.enter(StepSubmit, now)
		return
	}
	c.Result = &Result{Confirmed: true}
	w.end(ctx, Done, EventEnded)
}
