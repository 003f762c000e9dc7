package pim

import (
	"context"
	"strings"
	"time"
)

func (w *work) lookProlong(ctx context.Context) error {
	c := &w.change
	now := time.Now().UTC()
	k := c.Request.kind()
	i, err := w.own(ctx, k, c.Access())
	if err != nil {
		return err
	}
	from, until := c.Request.span(now)
	if c.Request.Action == Extend && i != nil {
		// The length that was decided counts from the start that stood then.
		if !c.Decision.extends(*i) {
			c.enter(StepDecide, now)
			return &Error{Code: CodeBusy, Retry: RetryLater, Detail: "what is to be extended has changed since it was decided"}
		}
		until = *c.Decision.Window.End
	}
	if i != nil && (i.End == nil || !i.End.Before(until)) {
		w.already(ctx, i, until)
		return nil
	}
	switch {
	case c.Request.Action == Renew && i != nil:
		return &Error{Code: CodeConflict, Detail: "it has not ended: extend it", Retry: RetryNever}
	case c.Request.Action == Extend && i == nil:
		return &Error{Code: CodeNotFound, Detail: "there is nothing to extend: renew it", Retry: RetryNever}
	}
	typ := AdminExtend
	if c.Request.Action == Renew {
		typ = AdminRenew
	}
	r := w.ask(k, typ)
	r.Window = Window{Start: &from, End: &until}
	before := ""
	if i != nil {
		r.Window.Start, r.Target = i.Start, i.Schedule[strings.LastIndexByte(i.Schedule, '/')+1:]
		before = i.Condition
	} else if before, err = w.conditionBefore(ctx, k); err != nil {
		return err
	}
	if r.Condition, err = c.bears(before); err != nil {
		return err
	}
	r.Name = requestName(w.Tenant, w.change, r.Kind, r.Type)
	w.plan(now, r)
	return nil
}

// conditionBefore is the condition of what has ended and is renewed: the request that
// gave it outlives it.
func (w *work) conditionBefore(ctx context.Context, k Kind) (string, error) {
	a := w.change.Access()
	if a.Plane() != Azure {
		return "", nil // there are none
	}
	var last ScheduleRequest
	for r, err := range w.Client.Requests(ctx, k, Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}) {
		if err != nil {
			return "", err
		}
		if r.Access.Same(a) && r.Status.Class() == Good && !r.Type.removes() && r.Created.After(last.Created) {
			last = r
		}
	}
	return last.Condition, nil
}

func (w *work) lookCancel(ctx context.Context) error {
	c := &w.change
	a := c.Access()
	var effects []Effect
	for _, k := range []Kind{Assignment, Eligibility} {
		if c.Request.Kind != "" && c.Request.Kind != k {
			continue
		}
		for r, err := range w.Client.Requests(ctx, k, Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}) {
			if err != nil {
				return err
			}
			if r.Access.Same(a) && r.Status.Cancelable() {
				effects = append(effects, Effect{ScheduleRequest: r})
			}
		}
	}
	now := time.Now().UTC()
	if len(effects) == 0 {
		w.already(ctx, nil, now)
		return nil
	}
	w.plan(now, effects...)
	return nil
}
