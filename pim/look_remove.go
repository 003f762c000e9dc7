package pim

import (
	"context"
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
