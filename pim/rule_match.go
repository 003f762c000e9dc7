package pim

import (
	"slices"
)

// truth is what can be said of a condition. The order counts: an "and" is the least
// of its parts, an "or" the greatest.
type truth int

const (
	no truth = iota
	unknown
	yes
)

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

func not(t truth) truth { return yes - t }

// on reports whether the rule speaks of plane p.
func (r *rule) on(p Plane) bool { return len(r.planes) == 0 || slices.Contains(r.planes, p) }

func (r *rule) does(a Action) bool { return len(r.actions) == 0 || slices.Contains(r.actions, a) }

// caller and principal hold all entries of the rule against the question. A deny
// rule without any speaks of everyone.
func (r *rule) caller(q *Question) truth {
	best := is(len(r.callers) == 0)
	for _, c := range r.callers {
		best = max(best, c.match(q))
	}
	return best
}

func (r *rule) principal(q *Question, deny bool) truth {
	best := is(len(r.principals) == 0)
	for _, s := range r.principals {
		best = max(best, s.match(q, deny))
	}
	return best
}

// denies holds a deny rule against the question.
func (r *rule) denies(q *Question) truth {
	a := q.Request
	if !r.on(a.Scope.Plane()) || !r.does(a.Action) || !r.scopes.touches(a.Scope) {
		return no
	}
	if r.when != nil && !r.when.holds(q.Now) && !r.when.holds(a.begins(q.Now)) {
		return no
	}
	role, _ := r.roles.has(a.Scope.Plane(), q.Role)
	return min(role, r.caller(q), r.principal(q, true))
}

// subject is why the rule does not speak of this caller, action, principal, role
// and scope.
func (r *rule) subject(q *Question) []Reason {
	a, plane := q.Request, q.Request.Scope.Plane()
	var out []Reason
	miss := func(c ReasonCode, detail string) { out = append(out, Reason{Code: c, Rule: r.name, Detail: detail}) }
	weigh := func(t truth, c ReasonCode, wrong, missing string) {
		switch t {
		case no:
			miss(c, wrong)
		case unknown:
			miss(Unproven, missing)
		}
	}
	if !r.does(a.Action) {
		miss(WrongAction, "the rule is not for the action "+string(a.Action))
	}
	weigh(r.caller(q), WrongCaller, "the rule is for other callers", "the caller's groups could not be read")
	weigh(r.principal(q, false), WrongPrincipal, "the rule is for other principals", "the principal's kind or groups could not be read")
	if !r.on(plane) {
		miss(WrongPlane, "the rule is not for the plane "+string(plane))
		return out // its scopes and roles are those of another plane
	}
	if !r.scopes.contains(a.Scope) {
		detail := "the scope does not lie within the rule's"
		if slices.ContainsFunc(r.scopes.listed, func(s Scope) bool { return s.Level() == LevelManagementGroup }) {
			detail += ", where a management group stands for itself alone"
		}
		miss(WrongScope, detail)
	}
	switch has, named := r.roles.has(plane, q.Role); {
	case q.Role.ID == "" && has != no:
		miss(Unproven, "the role has not been looked up")
	case has == yes && !named:
		weigh(not(q.escalates()), EscalatingRole, "the role can give its holder more: the rule must name it, a wildcard does not",
			"it could not be read whether the role can give its holder more; a rule that names it need not know")
	default:
		weigh(has, WrongRole, "the rule is for other roles", "the role's name could not be read; a rule with its GUID needs none")
	}
	if !r.ourScope && q.Guard.over(a.Scope) {
		miss(OurScope, "the scope is our own resource group or contains it: the rule must say ourScope: true")
	}
	if !r.escalating {
		weigh(not(q.brings(func(h Holdings) bool { return h.Escalating })), EscalatingRole,
			"the group holds a role that can give its holder more: the rule must say escalating: true",
			"it could not be read which roles the group holds; a rule that says escalating: true need not know")
	}
	if !r.ourScope && q.Guard.ResourceGroup != (Scope{}) {
		weigh(not(q.brings(func(h Holdings) bool { return h.Ours })), OurScope,
			"the group holds a role over our own resource group: the rule must say ourScope: true",
			"it could not be read which roles the group holds; a rule that says ourScope: true need not know")
	}
	return out
}
