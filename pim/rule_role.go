package pim

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// roleSet is the roles of a rule. Its zero value is every role.
type roleSet struct {
	any   bool // every role, as far as the rest of the rule goes
	ids   map[Plane][]string
	names map[Plane][]string // of roles that are not built in
}

// roles resolves built-in names now, so that no other role can come to bear them.
func (p *ruleParser) roles(r *rule, n *yaml.Node) {
	r.roles = roleSet{ids: map[Plane][]string{}, names: map[Plane][]string{}}
	p.texts(n, func(item *yaml.Node, s string) string {
		if s == "*" {
			r.roles.any = true
			return s
		}
		if strings.Contains(s, "/") {
			p.fail(item, "role %q is a path: write its name or its GUID", clip(s))
			return s
		}
		found := false
		for _, plane := range Planes() {
			if !r.on(plane) {
				continue
			}
			role, known, err := knownRole(Scope{plane: plane}, s)
			switch {
			case err != nil: // neither member nor owner: no role of a group
			case known:
				found = true
				r.roles.ids[plane] = append(r.roles.ids[plane], role.ID)
			default:
				found = true
				r.roles.names[plane] = append(r.roles.names[plane], s)
			}
		}
		if !found {
			p.fail(item, "role %q is neither member nor owner, the roles of a group", clip(s))
		}
		return s
	})
	if n == nil {
		r.roles.any = true
	}
}

// has reports whether the set holds the role on plane p, and whether it names it.
func (set roleSet) has(p Plane, r Role) (found truth, named bool) {
	switch {
	case r.ID == "" && !set.any: // not looked up yet
		return min(unknown, is(len(set.ids[p])+len(set.names[p]) > 0)), false
	case slices.Contains(set.ids[p], r.ID):
		return yes, true
	case r.Name != "" && slices.ContainsFunc(set.names[p], func(n string) bool { return sameName(n, r.Name) }):
		return yes, true
	case set.any:
		return yes, false
	case r.Name == "" && len(set.names[p]) > 0:
		return unknown, false
	}
	return no, false
}

// sameName compares as Azure does, without letter case. Equal lengths keep apart
// what [strings.EqualFold] takes for equal and Azure does not, such as the Kelvin
// sign and k.
func sameName(a, b string) bool { return len(a) == len(b) && strings.EqualFold(a, b) }
