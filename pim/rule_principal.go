package pim

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// principalEntry is one way to be the principal of a rule: all of it must hold.
type principalEntry struct {
	ids, memberOf []string
	self, any     bool
	types         []string // empty: of any type
}

// principal reads one way to be the principal. Where an allow rule does not list
// ids, it means people, unless it says otherwise: a group would hand the role to
// whoever is or will be in it.
func (p *ruleParser) principal(n *yaml.Node, deny bool) principalEntry {
	f := p.fields(n, "ids", "memberOf", "self", "any", "types")
	s := principalEntry{
		ids:      p.texts(f["ids"], p.guid),
		memberOf: p.texts(f["memberOf"], p.guid),
		self:     p.flag(f["self"]),
		any:      p.flag(f["any"]),
		types: p.texts(f["types"], func(item *yaml.Node, t string) string {
			if !slices.Contains([]string{"user", "group", "servicePrincipal"}, t) {
				p.fail(item, "type %q is not user, group or servicePrincipal", clip(t))
			}
			return t
		}),
	}
	who := f["ids"] != nil || f["memberOf"] != nil || f["self"] != nil
	switch {
	case n.Kind != yaml.MappingNode:
	case !who && f["any"] == nil:
		p.fail(n, "the entry names no principal: write any: true if you mean everyone")
	case who && f["any"] != nil:
		p.fail(n, "any is everyone: it means nothing beside ids, memberOf or self")
	}
	if f["types"] == nil && !deny && f["ids"] == nil && !s.self {
		s.types = []string{"user"}
	}
	return s
}

// match holds an entry against who would gain or lose.
func (s principalEntry) match(q *Question, deny bool) truth {
	id := q.Request.Principal
	if s.self && (q.Caller.Kind != CallerUser && q.Caller.Kind != CallerApp || !strings.EqualFold(q.Caller.ID, id)) {
		return no
	}
	if len(s.ids) > 0 && !hasID(s.ids, id) {
		return no
	}
	found := yes
	if len(s.memberOf) > 0 {
		found = no
		for _, g := range s.memberOf {
			if m, read := q.Members[g]; read {
				found = max(found, is(m.Principal))
			} else {
				found = max(found, unknown)
			}
		}
	}
	switch {
	case len(s.types) == 0 || found == no:
		return found
	case !q.Request.Action.gives():
		// What kind of principal it was need not be known to end its access.
		if deny {
			return no
		}
		return found
	case !q.Principal.Known || q.Principal.Type == "":
		return min(found, unknown)
	}
	return min(found, is(hasID(s.types, q.Principal.Type)))
}

// hasID reports whether one of ids is id, in whatever letter case it came.
func hasID(ids []string, id string) bool {
	return id != "" && slices.ContainsFunc(ids, func(i string) bool { return strings.EqualFold(i, id) })
}
