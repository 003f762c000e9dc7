package pim

import (
	"context"
	"strings"
	"time"
)

const (
	// MinActive is how long an assignment must have been active before PIM lets it
	// be ended: until then it answers ActiveDurationTooShort.
	MinActive = 5 * time.Minute
	// unseen is how long after a request an instance may be missing from listings:
	// more than a minute has been observed on ARM.
	unseen = 2 * time.Minute
)

// look reads what stands and chooses the effects that are still missing. What
// stands already is not asked for again.
func (w *work) look(ctx context.Context) {
	var err error
	switch w.change.Request.Action {
	case Grant, Activate, MakeEligible, Assign:
		err = w.lookGive(ctx)
	case Deactivate, RemoveEligible:
		err = w.lookRemove(ctx)
	case Extend, Renew:
		err = w.lookProlong(ctx)
	case Cancel:
		err = w.lookCancel(ctx)
	default:
		err = &Error{Code: CodeInternal, Detail: "the journal names an unknown action"}
	}
	if err != nil {
		w.later(ctx, err)
	}
}

// kind is the side of PIM that the action leaves its mark on.
func (r Request) kind() Kind {
	switch r.Action {
	case MakeEligible, RemoveEligible:
		return Eligibility
	case Extend, Renew:
		return r.Kind
	}
	return Assignment
}

func (w *work) lookGive(ctx context.Context) error {
	c := &w.change
	now := time.Now().UTC()
	a := c.Access()
	i, err := w.standing(ctx, c.Request.kind(), a, now)
	if err != nil {
		return err
	}
	from, until := c.Request.span(now)
	if i != nil && (!from.After(now) || i.Until(until)) {
		w.already(ctx, i, until)
		return nil
	}
	effects := []Effect{w.give(c.Request.kind(), c.Request.Duration)}
	if c.Request.Action == Grant || c.Request.Action == Activate {
		e, err := w.standing(ctx, Eligibility, a, now)
		switch {
		case err != nil:
			return err
		case e != nil:
			effects[0].Linked = linked(*e, a.Scope)
		case c.Request.Action == Activate || !c.Decision.Make:
			return &Error{Code: CodeUnmet, Unmet: []Reason{{Code: NotEligible, Rule: c.Decision.Rule, Detail: "the principal is not eligible for the role at this scope"}}}
		default:
			d, err := w.eligibleFor(ctx, now, until)
			if err != nil {
				return err
			}
			effects = append([]Effect{w.give(Eligibility, d)}, effects...)
			effects[0].Window.Start = nil // eligible from now on, whenever the activation starts
		}
	}
	w.plan(now, effects...)
	return nil
}

// span is when what a request asks for starts and ends, if it begins now.
func (r Request) span(now time.Time) (from, until time.Time) {
	from = now
	if r.Start != nil && r.Start.After(now) {
		from = *r.Start
	}
	return from, from.Add(time.Duration(r.Duration))
}

// give is the effect that makes an eligibility or an assignment.
func (w *work) give(k Kind, d Duration) Effect {
	c := &w.change
	r := w.ask(k, AdminAssign)
	if k == Assignment && c.Decision.Mode == Self {
		r.Type = SelfActivate
	}
	r.Window = Window{Duration: d}
	if s := c.Request.Start; s != nil && s.After(time.Now()) {
		r.Window.Start = s
	}
	r.Condition = c.Request.Condition
	r.Name = requestName(w.Tenant, w.change, r.Kind, r.Type)
	return r
}

// eligibleFor is how long an eligibility lasts that the grant makes: what the
// request says, or a day, but never shorter than the activation needs it and never
// longer than the role's policy lets it be.
func (w *work) eligibleFor(ctx context.Context, now, until time.Time) (Duration, error) {
	c := &w.change
	d := c.Request.Eligible
	if d == 0 {
		d = DefaultEligible
	}
	d = max(d, Duration(until.Sub(now).Round(time.Second)))
	p, err := w.Client.Policy(ctx, c.Request.Scope, c.Role)
	if err != nil {
		return 0, err
	}
	return min(d, p.MaxEligible()), nil
}

// linked names the eligibility's schedule: by its full id where the activation is at
// a narrower scope, where a bare GUID has been seen to fail.
func linked(e Instance, at Scope) string {
	if e.Plane == Azure && e.Scope.Key() == at.Key() {
		return e.Schedule[strings.LastIndexByte(e.Schedule, '/')+1:]
	}
	return e.Schedule
}

func (w *work) lookRemove(ctx context.Context) error {
	c := &w.change
	now := time.Now().UTC()
	k := c.Request.kind()
	i, err := w.own(ctx, k)
	if err != nil {
		return err
	}
	if i == nil {
		recent, err := w.givenLately(ctx, k, now)
		if err != nil {
			return err
		}
		if recent {
			w.wait(30 * time.Second) // it was given, and listings do not show it yet
			return nil
		}
		w.already(ctx, nil, now)
		return nil
	}
	if k == Assignment && i.Start != nil && now.Before(i.Start.Add(MinActive)) {
		w.wait(i.Start.Add(MinActive).Sub(now))
		return nil
	}
	r := w.ask(k, AdminRemove)
	if c.Decision.Mode == Self && i.Activated {
		r.Type = SelfDeactivate
	}
	r.Name = requestName(w.Tenant, w.change, r.Kind, r.Type)
	w.plan(now, r)
	return nil
}

// own finds what is held by the principal itself at the very scope: only that can
// be removed or prolonged there.
func (w *work) own(ctx context.Context, k Kind) (*Instance, error) {
	a := w.change.Access()
	q := Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal, Exact: true}
	for i, err := range w.Client.Instances(ctx, k, q) {
		if err != nil {
			return nil, err
		}
		if i.Access.Same(a) && i.Member == Direct {
			return &i, nil
		}
	}
	return nil, nil
}

// givenLately reports whether PIM granted the same access so recently that listings
// may not show it.
func (w *work) givenLately(ctx context.Context, k Kind, now time.Time) (bool, error) {
	a := w.change.Access()
	latest, given := time.Time{}, false
	for r, err := range w.Client.Requests(ctx, k, Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}) {
		if err != nil {
			return false, err
		}
		if r.Access.Same(a) && r.Status.Class() == Good && now.Sub(r.Created) < unseen && r.Created.After(latest) {
			latest, given = r.Created, !r.Type.removes()
		}
	}
	return given, nil
}

func (w *work) lookProlong(ctx context.Context) error {
	c := &w.change
	now := time.Now().UTC()
	k := c.Request.kind()
	i, err := w.own(ctx, k)
	if err != nil {
		return err
	}
	from, until := c.Request.span(now)
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
	if i != nil {
		r.Window.Start, r.Target = i.Start, i.Schedule[strings.LastIndexByte(i.Schedule, '/')+1:]
	}
	r.Name = requestName(w.Tenant, w.change, r.Kind, r.Type)
	w.plan(now, r)
	return nil
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

// ask is an effect without its window and name.
func (w *work) ask(k Kind, t RequestType) Effect {
	c := &w.change
	return Effect{ScheduleRequest: ScheduleRequest{
		Kind: k, Type: t, Access: c.Access(), Justification: c.Request.Justification, Ticket: c.Request.Ticket,
	}}
}

// plan sets what is to be done.
func (w *work) plan(now time.Time, effects ...Effect) {
	for i := range effects {
		e := &effects[i]
		if e.Name != "" && w.change.Request.Plane != Azure && w.change.Request.Action != Cancel {
			e.Mark, e.Name = e.Name[:13], "" // the service will choose the name
		}
		for _, old := range w.change.Effects {
			if old.Tried > 0 && old.Kind == e.Kind && old.Type == e.Type && (old.Mark == e.Mark && e.Mark != "" || old.Name == e.Name) {
				// Chosen anew in the same run: it may be there, though listings do not show
				// it yet, and is looked for before it is asked for again.
				e.Name, e.Tried, e.Asked = old.Name, old.Tried, old.Asked
			}
		}
	}
	w.change.Effects, w.change.Current = effects, 0
	w.change.enter(StepSubmit, now)
}

// already ends a change that the tenant needs no effect for.
func (w *work) already(ctx context.Context, i *Instance, until time.Time) {
	res := &Result{Already: true, Confirmed: true}
	if i != nil {
		res.From, res.Until = i.Start, i.End
		if i.End != nil && i.End.Before(until) {
			res.Note = "it stands already, and ends sooner than asked for: extend it, or end it and ask again"
		}
	}
	w.change.Result = res
	w.end(ctx, Done, w.change.Request.Action.outcome())
}

// outcome is the event of an action that is done.
func (a Action) outcome() EventType {
	if a.gives() {
		return EventGranted
	}
	return EventEnded
}
