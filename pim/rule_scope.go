package pim

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// scopeSet is the scopes of a rule. Its zero value is every scope.
type scopeSet struct {
	listed   []Scope
	anyGroup bool // every scope of the group plane
}

// scopes reads each scope on every plane of the rule where it means something.
func (p *ruleParser) scopes(r *rule, n *yaml.Node, deny bool) {
	p.texts(n, func(item *yaml.Node, s string) string {
		if s == "*" {
			if !r.on(Group) {
				p.fail(item, `scope "*" is every group; the azure and directory planes have "/"`)
			}
			r.scopes.anyGroup = true
			return s
		}
		var first error
		found := false
		for _, plane := range Planes() {
			if !r.on(plane) {
				continue
			}
			scope, err := ParseScope(plane, s)
			if err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			found = true
			if deny && scope.Level() == LevelManagementGroup {
				p.fail(item, "scope %q is a management group, whose path does not show what lies below it: a deny rule lists the subscriptions, or \"/\"", clip(s))
			}
			r.scopes.listed = append(r.scopes.listed, scope)
		}
		if !found && first != nil {
			p.fail(item, "%s", detail(first))
		}
		return s
	})
}

// contains reports whether s lies within the set.
func (set scopeSet) contains(s Scope) bool {
	if set.anyGroup && s.Plane() == Group {
		return true
	}
	return slices.ContainsFunc(set.listed, func(of Scope) bool { return of.Contains(s) })
}

// touches reports whether a role at s could be used within the set: s lies in it or
// above it. A management group may lie above anything.
func (set scopeSet) touches(s Scope) bool {
	if set.listed == nil && !set.anyGroup || set.anyGroup && s.Plane() == Group {
		return true
	}
	return slices.ContainsFunc(set.listed, func(of Scope) bool { return of.mayContain(s) || s.above(of) })
}

// above reports whether s contains other for all we can tell from its path.
func (s Scope) above(other Scope) bool {
	return s.mayContain(other) || s.Level() == LevelManagementGroup && other.Plane() == Azure
}
