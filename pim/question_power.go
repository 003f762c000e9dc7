package pim

import "strings"

// escalates reports whether the role can give its holder more. What is not built in
// here is asked about only where access is given: whatever it is, it may end.
func (q *Question) escalates() truth {
	plane := q.Request.Scope.Plane()
	switch {
	case q.Role.Escalating(plane):
		return yes
	case plane != Azure || q.Role.known(Azure) || !q.Request.Action.gives():
		return no
	case q.Power == nil:
		return unknown
	}
	return is(*q.Power)
}

// brings reports whether the request gives a way into a group that holds such a thing.
func (q *Question) brings(such func(Holdings) bool) truth {
	switch {
	case q.Request.Scope.Plane() != Group || !q.Request.Action.gives():
		return no
	case q.Holds == nil:
		return unknown
	}
	return is(such(*q.Holds))
}

// ways lists what the request gives power over or to, and may lie in a guarded group:
// the group or object that is its scope, and a principal that is a group.
func (q *Question) ways() []string {
	if !q.Request.Action.gives() {
		return nil
	}
	var out []string
	if l := q.Request.Scope.Level(); l == LevelGroup || l == LevelObject {
		out = append(out, q.Request.Scope.object())
	}
	if t := q.Principal.Type; q.Principal.Known && !strings.EqualFold(t, TypeUser) && !strings.EqualFold(t, TypeServicePrincipal) {
		out = append(out, q.Request.Principal)
	}
	return out
}
