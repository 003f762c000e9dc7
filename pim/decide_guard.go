package pim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// above is what no rule can allow.
func (r *Rules) above(q *Question) []Reason {
	var out []Reason
	never := func(c ReasonCode, format string, args ...any) {
		out = append(out, Reason{Code: c, Detail: fmt.Sprintf(format, args...)})
	}
	g, a := &q.Guard, &q.Request
	if g.Stopped {
		never(Stopped, "everything is stopped by setting")
	}
	// A Request that was built in Go did not pass its own parser.
	if err := a.normalise(); err != nil {
		never(Malformed, "%s", detail(err))
	}
	if a.Scope.Plane() == "" || a.Plane != "" && a.Plane != a.Scope.Plane() {
		never(Malformed, "the scope is not of the plane")
	}
	if _, ok := parseGUID(a.Principal); !ok {
		never(Malformed, "the principal is not an object id")
	}
	if q.Role == (Role{}) {
		never(Malformed, "the role is missing")
	}
	gives := a.Action.gives()
	if hasID(g.Identity, a.Principal) {
		never(OurIdentity, "the principal is the app itself")
	}
	if hasID(g.AdminGroups, a.Principal) {
		never(OurIdentity, "the principal is a group that administers the app")
	}
	if hasID(g.Protected, a.Principal) && (gives || !strings.EqualFold(q.Caller.ID, a.Principal)) {
		never(Protected, "the principal is protected: it gains nothing, and nobody else ends what it has")
	}
	if gives && r.approves(a.Principal) {
		never(ApproverGroup, "the principal is a group that approves: its members would decide about themselves")
	}
	if gives && q.Principal.Known && q.Principal.Disabled {
		never(Disabled, "the principal's account is disabled")
	}
	switch object := a.Scope.object(); a.Scope.Level() {
	case LevelGroup, LevelObject: // whoever administers a group by a role at it decides who is in it
		if hasID(g.Identity, object) {
			never(OurIdentity, "the scope is the app itself")
		}
		if hasID(g.AdminGroups, object) {
			never(OurIdentity, "the group administers the app")
		}
		if hasID(g.Protected, object) {
			never(Protected, "the scope is a group or object that is protected")
		}
		if gives && r.approves(object) {
			never(ApproverGroup, "the group approves: nobody gets into it this way")
		}
	}
	for _, id := range q.ways() {
		for _, outer := range q.Nested[id] {
			switch {
			case hasID(g.AdminGroups, outer):
				never(OurIdentity, "%s leads into a group that administers the app", id)
			case hasID(g.Protected, outer):
				never(Protected, "%s leads into a group that is protected", id)
			case r.approves(outer):
				never(ApproverGroup, "%s leads into a group that approves", id)
			}
		}
	}
	return out
}

// Guarded lists the groups that nobody may get into, not by way of another group
// either: those that administer the app, are protected, or approve.
func (r *Rules) Guarded(g Guard) []string {
	out := slices.Concat(g.AdminGroups, g.Protected)
	if r != nil {
		for i := range r.allow {
			if a := r.allow[i].approval; a != nil {
				out = append(out, a.Group)
			}
		}
	}
	for i := range out {
		out[i] = strings.ToLower(out[i])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// nesting is what must be known of groups before anything is given: whether they lead
// into one that is guarded.
func (r *Rules) nesting(q *Question) []Reason {
	var out []Reason
	for _, id := range q.ways() {
		if _, read := q.Nested[id]; !read && len(r.Guarded(q.Guard)) > 0 {
			out = append(out, Reason{Code: Unproven, Detail: "it could not be read whether " + id + " leads into a group that is guarded"})
		}
	}
	return out
}

// Ours reports whether s is our own resource group, or lies in it.
func (g *Guard) Ours(s Scope) bool {
	return g.ResourceGroup != Scope{} && g.ResourceGroup.mayContain(s)
}

// over reports whether a role at s reaches our own resource group: s lies in it or
// contains it. A management group may contain it.
func (g *Guard) over(s Scope) bool {
	return g.Ours(s) || g.ResourceGroup != Scope{} && s.above(g.ResourceGroup)
}

// approves reports whether the group is one whose members approve by these rules.
func (r *Rules) approves(group string) bool {
	if r == nil {
		return false
	}
	for i := range r.allow {
		if a := r.allow[i].approval; a != nil && strings.EqualFold(a.Group, group) {
			return true
		}
	}
	return false
}

// detail is what err says to the caller.
func detail(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Detail
	}
	return err.Error()
}
