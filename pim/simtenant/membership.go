package simtenant

import "strings"

// groupsOf is the set of groups that a principal is in: directly, through other
// groups, and by memberships that PIM has in force.
func (t *Tenant) groupsOf(id string) map[string]bool {
	in := map[string]bool{}
	queue := []string{strings.ToLower(id)}
	for len(queue) > 0 {
		member := queue[0]
		queue = queue[1:]
		for _, g := range t.principals {
			if g.kind == TypeGroup && !g.deleted && !in[g.id] && t.isMember(g, member) {
				in[g.id] = true
				queue = append(queue, g.id)
			}
		}
	}
	return in
}

func (t *Tenant) isMember(g *principal, id string) bool {
	for _, m := range g.members {
		if strings.EqualFold(m, id) {
			return true
		}
	}
	return t.holds(place{PlaneGroup, Assignment, g.id, "member", id})
}

// withGroups matches a principal and the groups that it is in.
func (t *Tenant) withGroups(id string) func(principal string) bool {
	groups := t.groupsOf(id)
	return func(principal string) bool { return sameID(id, principal) || groups[strings.ToLower(principal)] }
}
