package simtenant

import (
	"maps"
	"slices"
	"strings"
)

// groupsOf is the set of groups that a principal is in: directly, through other
// groups, and by memberships that PIM has in force.
func (t *Tenant) groupsOf(id string) map[string]bool {
	in := map[string]bool{}
	queue := []string{strings.ToLower(id)}
	for len(queue) > 0 {
		member := queue[0]
		queue = queue[1:]
		for _, id := range t.directGroups(member) {
			if g := t.principals[id]; g != nil && g.kind == TypeGroup && !g.deleted && !in[id] {
				in[id] = true
				queue = append(queue, id)
			}
		}
	}
	return in
}

// directGroups are the groups that list a member, or have one through PIM.
func (t *Tenant) directGroups(member string) []string {
	if t.memberOf == nil {
		t.memberOf = map[string][]string{}
		for _, g := range t.principals {
			for _, m := range g.members {
				m = strings.ToLower(m)
				t.memberOf[m] = append(t.memberOf[m], g.id)
			}
		}
	}
	now := t.now()
	list := slices.Clone(t.memberOf[member])
	for _, s := range t.schedules.byHolder[member] {
		if s.plane == PlaneGroup && s.kind == Assignment && sameID(s.role, "member") && s.inForce(now) && !s.unbacked {
			list = append(list, strings.ToLower(s.scope))
		}
	}
	return list
}

// circle is a principal, or one and the groups that it is in: their ids in lower
// case. A nil circle stands for everybody.
type circle map[string]bool

func (c circle) has(principal string) bool { return c == nil || c[strings.ToLower(principal)] }

func alone(id string) circle { return circle{strings.ToLower(id): true} }

// withGroups is a principal and the groups that it is in.
func (t *Tenant) withGroups(id string) circle {
	all := alone(id)
	maps.Copy(all, t.groupsOf(id))
	return all
}
