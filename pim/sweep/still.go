package sweep

import (
	"context"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// still says why q does not hold any more; empty if the tenant is as the plan says.
// Its error means that this could not be read, which is no reason to remove anything.
func (s *Sweeper) still(ctx context.Context, r *Rules, d *directory, q Proposal) (string, error) {
	a, err := q.access()
	if err != nil {
		return "", err
	}
	if q.Action == pim.Cancel {
		return s.stillWaits(ctx, r, a, q)
	}
	i, err := s.own(ctx, q.Kind, a)
	switch {
	case err != nil:
		return "", err
	case i == nil:
		return "it is gone already", nil
	case !sameTime(i.Start, q.Start) || !sameTime(i.End, q.End) || i.Activated != q.Activated:
		return "it has been changed since the plan was made", nil
	}
	switch q.Rule {
	case Deleted, Disabled:
		return s.stillOut(ctx, d, q)
	case Unused:
		return s.stillUnused(ctx, r, a)
	}
	return "", nil
}

// own finds what the principal itself holds at the very scope.
func (s *Sweeper) own(ctx context.Context, k pim.Kind, a pim.Access) (*pim.Instance, error) {
	q := pim.Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal, Exact: true}
	for i, err := range s.Client.Instances(ctx, k, q) {
		if err != nil {
			return nil, err
		}
		if i.Access.Same(a) && i.Member == pim.Direct {
			return &i, nil
		}
	}
	return nil, nil
}

func (s *Sweeper) stillOut(ctx context.Context, d *directory, q Proposal) (string, error) {
	now := d.learn(ctx, []string{q.Principal}, true)[q.Principal]
	switch {
	case d.err != nil:
		return "", d.err
	case q.Rule == Deleted && now == deleted, q.Rule == Disabled && now == disabled:
		return "", nil
	case now == unknown:
		return "", &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the principal could not be looked up"}
	}
	return "the principal is there again", nil
}

func (s *Sweeper) stillUnused(ctx context.Context, r *Rules, a pim.Access) (string, error) {
	limit := time.Now().Add(-r.unused)
	var odd odd
	of := odd.heardOf(pim.Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal})
	for q, err := range s.Client.Requests(ctx, pim.Assignment, of) {
		if err != nil {
			return "", err
		}
		if !q.Type.Removes() && q.Status.Class() != pim.Bad && q.Created.After(limit) {
			return "it has been used", nil
		}
	}
	if odd.n > 0 {
		return "it may have been used where no scope can be named", nil
	}
	return "", nil
}

func (s *Sweeper) stillWaits(ctx context.Context, r *Rules, a pim.Access, q Proposal) (string, error) {
	now, found := time.Now(), false
	for w, err := range s.Client.Requests(ctx, q.Kind, pim.Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}) {
		switch {
		case err != nil:
			return "", err
		case !w.Access.Same(a) || !w.Status.Cancelable():
		case w.Name == q.Request:
			found = true
		case now.Sub(w.Created) <= r.pending:
			return "a younger request of the same waits", nil
		}
	}
	if !found {
		return "the request waits no more", nil
	}
	return "", nil
}

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}
