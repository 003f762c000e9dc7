package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// target is one scope whose listings are read: a management group for itself, a
// subscription and whatever else with all that lies below it.
type target struct {
	scope pim.Scope
	count Count
	// foreign says why the principals at the target cannot be judged by our
	// directory; empty if they can.
	foreign   string
	proposals []Proposal
	unread    error
	// When what was seen ends, at the longest; for the next sweep.
	assigned, eligible []time.Time
}

func newTarget(s pim.Scope, name string) *target {
	return &target{scope: s, count: Count{Scope: s.String(), Plane: s.Plane(), Name: name}}
}

// query is what is listed at the target.
func (t *target) query() pim.Query {
	// Without a filter a listing holds what lies at and below its scope. A management
	// group is read for itself: the subscriptions below have listings of their own.
	return pim.Query{Plane: t.scope.Plane(), Scope: t.scope, Exact: t.scope.Level() == pim.LevelManagementGroup}
}

// covers reports whether what is held at s is counted at t.
func (t *target) covers(s pim.Scope) bool {
	if t.scope.Level() == pim.LevelManagementGroup {
		return t.scope.Key() == s.Key()
	}
	return t.scope.Contains(s)
}

// fail makes the target one that proposes nothing.
func (t *target) fail(err error) {
	t.unread = errors.Join(t.unread, err)
	t.proposals = nil
	t.count.Proposed, t.count.Removable, t.count.Held = 0, 0, 0
	if t.count.Unread == "" {
		t.count.Unread = words(err)
	}
}

// words is an error for people: the code and what the error says to callers.
func words(err error) string {
	s := string(pim.CodeOf(err))
	if e, ok := errors.AsType[*pim.Error](err); ok && e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// discover turns the watched scopes into targets, each scope once.
func (s *Sweeper) discover(ctx context.Context, r *Rules) []*target {
	var out []*target
	known := map[string]bool{}
	add := func(ts ...*target) {
		for _, t := range ts {
			if k := key(t.scope); !known[k] {
				known[k] = true
				out = append(out, t)
			}
		}
	}
	for _, scope := range r.watch {
		root := newTarget(scope, "")
		var found []*target
		if scope.Level() == pim.LevelManagementGroup {
			var err error
			if found, err = s.below(ctx, scope); err != nil {
				// A tree that was read in part looks like a smaller one.
				root.fail(err)
				found = nil
			}
		}
		add(root)
		add(found...)
	}
	// What two targets cover would be proposed twice.
	return slices.DeleteFunc(out, func(t *target) bool {
		path := t.scope.Key()
		for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path, '/') {
			if path = path[:at]; known[string(pim.Azure)+":"+path] && t.scope.Subscription() != "" {
				return true
			}
		}
		return false
	})
}

// below lists the management groups and subscriptions below one.
func (s *Sweeper) below(ctx context.Context, scope pim.Scope) ([]*target, error) {
	var out []*target
	for p, err := range s.Client.ManagementGroups(ctx, scope) {
		if err != nil {
			return nil, err
		}
		out = append(out, newTarget(p.Scope, p.Name))
	}
	for p, err := range s.Client.Subscriptions(ctx, scope) {
		if err != nil {
			return nil, err
		}
		out = append(out, newTarget(p.Scope, p.Name))
	}
	return out, nil
}

// home finds out whether the principals at t belong to our directory.
func (s *Sweeper) home(ctx context.Context, t *target) {
	if t.scope.Subscription() == "" {
		return
	}
	switch tenant, err := s.Client.HomeTenant(ctx, t.scope); {
	case err != nil:
		t.foreign = "the directory that the subscription trusts could not be read: " + words(err)
	case tenant != lower(s.Engine.Tenant):
		t.foreign = fmt.Sprintf("the subscription trusts another directory (%s)", tenant)
	}
}
