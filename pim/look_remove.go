package pim

import (
	"context"
	"slices"
	"time"
)

func (w *work) lookRemove(ctx context.Context) error {
	c := &w.change
	now := time.Now().UTC()
	k := c.Request.kind()
	i, err := w.own(ctx, k, w.change.Access())
	if err != nil {
		return err
	}
	if i == nil {
		return w.lookUnseen(ctx, k, now)
	}
	if k == Assignment && i.Start != nil && now.Before(i.Start.Add(MinActive)) {
		w.wait(i.Start.Add(MinActive).Sub(now))
		return nil
	}
	w.planRemoval(now, k, i.Activated)
	return nil
}

func (w *work) planRemoval(now time.Time, k Kind, activated bool) {
	r := w.ask(k, AdminRemove)
	if w.change.Decision.Mode == Self && activated {
		r.Type = SelfDeactivate
	}
	r.Name = requestName(w.Tenant, w.change, r.Kind, r.Type)
	w.plan(now, r)
}

// lookUnseen goes on where listings show nothing to remove, which may be because they
// are late. What PIM has granted by its own account counts as held until PIM itself
// says that it is not there; what still waits is not held yet, and would start later.
func (w *work) lookUnseen(ctx context.Context, k Kind, now time.Time) error {
	given, coming, err := w.given(ctx, k, now)
	switch {
	case err != nil:
		return err
	case given == nil && coming != nil:
		return coming.notYet(now)
	case given == nil || w.saidMissing() && now.Sub(given.from()) >= confirmFor:
		w.already(ctx, nil, now)
	case w.saidMissing() || now.Sub(w.change.Since) < unseen:
		w.wait(30 * time.Second)
	default:
		w.planRemoval(now, k, given.Type == SelfActivate)
	}
	return nil
}

// notYet refuses to end what r has not begun to give: that is withdrawn, not ended.
// What PIM alone still works on may begin any moment.
func (r ScheduleRequest) notYet(now time.Time) error {
	people := r.Status.Class() == Waiting && r.Status != Granted
	err := &Error{Code: CodeConflict, Retry: RetryNever, Detail: "it has not started, and a request for it still waits: cancel it"}
	if !people && !r.from().After(now.Add(soon)) {
		err.Retry, err.RetryAfter = RetryLater, 30*time.Second
	}
	return err
}

// saidMissing reports whether PIM was asked to remove it and knew of nothing.
func (w *work) saidMissing() bool {
	asked := slices.ContainsFunc(w.change.Effects, func(e Effect) bool { return e.Type.removes() && e.Tried > 0 })
	return asked && !w.change.Missing.IsZero()
}

// own finds what is held by the principal itself at the very scope: only that can
// be removed or prolonged there.
func (e *Engine) own(ctx context.Context, k Kind, a Access) (*Instance, error) {
	q := Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal, Exact: true}
	for i, err := range e.Client.Instances(ctx, k, q) {
		if err != nil {
			return nil, err
		}
		if i.Access.Same(a) && i.Member == Direct {
			return &i, nil
		}
	}
	return nil, nil
}

// given finds the request by which PIM has granted the same access, if by its account
// the access has neither ended nor been ended since; and one that will give it, since
// it is still on its way or its start lies ahead.
func (w *work) given(ctx context.Context, k Kind, now time.Time) (given, coming *ScheduleRequest, err error) {
	a := w.change.Access()
	var latest ScheduleRequest
	for r, err := range w.Client.Requests(ctx, k, Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}) {
		switch {
		case err != nil:
			return nil, nil, err
		case !r.Access.Same(a) || r.Status.Class() == Bad:
		case r.Status.Class() != Good || r.from().After(now.Add(soon)):
			if ended := r.Window.End != nil && r.over(now); !r.Type.removes() && !ended {
				coming = &r
			}
		case r.from().After(latest.from()):
			latest = r
		}
	}
	if latest.Name == "" || latest.Type.removes() || latest.over(now) {
		return nil, coming, nil
	}
	return &latest, coming, nil
}

// from is when what r asked for took effect: what starts later, or waited for its
// approval, is younger than the request.
func (r ScheduleRequest) from() time.Time {
	if s := r.Window.Start; s != nil && s.After(r.Created) {
		return *s
	}
	return r.Created
}

// over reports whether what r asked for has come to its end. One that names none has
// none.
func (r ScheduleRequest) over(now time.Time) bool {
	switch {
	case r.Window.End != nil:
		return !now.Before(*r.Window.End)
	case r.Window.Duration > 0:
		return !now.Before(r.from().Add(time.Duration(r.Window.Duration)))
	}
	return false
}

// givenLately reports whether PIM granted the same access so recently that listings
// may not show it.
func (w *work) givenLately(ctx context.Context, k Kind, now time.Time) (bool, error) {
	given, _, err := w.given(ctx, k, now)
	return given != nil && now.Sub(given.from()) < unseen, err
}
