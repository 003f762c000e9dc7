package simtenant

import "regexp"

// filter is a $filter on a list of PIM, taken apart.
type filter struct {
	atScope, asTarget, asRequestor, asApprover bool
	// principal alone is the principal itself; assignedTo is with its groups.
	principal, assignedTo string
	role                  string
}

// own reports whether the filter asks about the caller only, which needs no right.
func (f filter) own() bool { return f.asTarget || f.asRequestor || f.asApprover }

var (
	equality   = regexp.MustCompile(`^(\w+) eq '((?:[^']|'')*)'$`)
	assignedTo = regexp.MustCompile(`^assignedTo\('([^']*)'\)$`)
)

func invalidFilter(text string) *refusal {
	return refuse("InvalidFilter", "The "+text+" filter is invalid.")
}

// parseFilter reads a filter of the documented forms, joined with "and". Anything
// else is invalid, as on ARM.
func parseFilter(text string, requests bool) (filter, *refusal) {
	var f filter
	list, ok := conjuncts(text)
	for _, term := range list {
		ok = ok && f.add(term, requests)
	}
	if !ok {
		return f, invalidFilter(text)
	}
	if f.role != "" && f.principal == "" && f.assignedTo == "" && !f.own() {
		return f, invalidFilter(text)
	}
	return f, nil
}

func (f *filter) add(term string, requests bool) bool {
	switch term {
	case "atScope()":
		f.atScope = true
		return true
	case "asTarget()":
		f.asTarget = true
		return true
	case "asRequestor()":
		f.asRequestor = requests
		return requests
	case "asApprover()":
		f.asApprover = requests
		return requests
	}
	if m := assignedTo.FindStringSubmatch(term); m != nil {
		f.assignedTo = m[1]
		return isGUID(m[1])
	}
	m := equality.FindStringSubmatch(term)
	switch {
	case m == nil:
		return false
	case m[1] == "principalId":
		f.principal = m[2]
		return isGUID(m[2])
	case m[1] == "roleDefinitionId":
		f.role = lastSegment(m[2])
		return isGUID(f.role)
	}
	return false
}

// covers reports whether something at a scope belongs into a list made at
// another: at and below it, with atScope at and above it, and for one principal
// all three.
func (t *Tenant) covers(f filter, list, scope string) bool {
	above, below := t.tree.contains(scope, list), t.tree.contains(list, scope)
	switch {
	case f.atScope:
		return above
	case f.principal != "" || f.assignedTo != "" || f.own():
		return above || below
	}
	return below
}

// concerns are those whose arrangements the filter asks about: a principal, with its
// groups or without, or everybody.
func (t *Tenant) concerns(f filter, c caller) circle {
	switch {
	case f.asTarget:
		return t.withGroups(c.oid)
	case f.assignedTo != "":
		return t.withGroups(f.assignedTo)
	case f.principal != "":
		return alone(f.principal)
	}
	return nil
}

// mayList refuses a list that the caller may not see: with 400, not 403.
func (t *Tenant) mayList(c *armCall, f filter) *refusal {
	if f.own() || c.at.id != "/" && t.may(c.caller.oid, rightReadAssignments, c.at.id) {
		return nil
	}
	return refuse("InsufficientPermissions", "The requestor "+c.caller.oid+" does not have permissions for this request. "+
		"Please use $filter=asTarget() to filter on the requestor's assignments.")
}
