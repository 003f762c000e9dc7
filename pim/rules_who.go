package pim

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// caller reads one way to be the caller.
func (p *ruleParser) caller(n *yaml.Node) callerEntry {
	f := p.fields(n, "objectIds", "appIds", "appRoles", "groups", "anyUser", "queues", "keys", "anyKey", "system")
	asIs := func(_ *yaml.Node, s string) string { return s }
	c := callerEntry{
		objectIDs: p.texts(f["objectIds"], p.guid),
		appIDs:    p.texts(f["appIds"], p.guid),
		appRoles:  p.texts(f["appRoles"], asIs),
		groups:    p.texts(f["groups"], p.guid),
		anyUser:   p.flag(f["anyUser"]),
		queues:    p.texts(f["queues"], asIs),
		anyKey:    p.flag(f["anyKey"]),
		system:    p.flag(f["system"]),
	}
	c.keys = p.texts(f["keys"], func(item *yaml.Node, s string) string {
		if !p.keyNames[s] {
			p.fail(item, "key %q is not among the keys at the top", clip(s))
		}
		return s
	})
	kinds := 0
	for _, kind := range [][]string{{"objectIds", "appIds", "appRoles", "groups", "anyUser"}, {"queues"}, {"keys"}, {"anyKey"}, {"system"}} {
		if slices.ContainsFunc(kind, func(k string) bool { return f[k] != nil }) {
			kinds++
		}
	}
	switch {
	case kinds == 0 && n.Kind == yaml.MappingNode && len(n.Content) == 0:
		p.fail(n, "the entry names no caller")
	case kinds > 1:
		p.fail(n, "no caller is all of this at once: write entries of their own")
	}
	return c
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

// caller holds an entry against who asks.
func (c callerEntry) match(q *Question) truth {
	who := q.Caller
	switch {
	case c.system:
		return is(who.Kind == CallerSystem)
	case len(c.queues) > 0:
		return is(who.Kind == CallerQueue && slices.Contains(c.queues, who.ID))
	case c.anyKey:
		return is(who.Kind == CallerKey)
	case len(c.keys) > 0:
		return is(who.Kind == CallerKey && slices.Contains(c.keys, who.ID))
	case who.ID == "" || who.Kind != CallerUser && who.Kind != CallerApp:
		return no
	case who.Kind == CallerApp && c.anyUser:
		return no
	case who.Kind == CallerUser && !c.anyUser && len(c.objectIDs)+len(c.appRoles)+len(c.groups) == 0:
		return no // an application's id alone names the application, not whoever signs in through it
	case len(c.objectIDs) > 0 && !hasID(c.objectIDs, who.ID),
		len(c.appIDs) > 0 && !hasID(c.appIDs, who.AppID),
		len(c.appRoles) > 0 && !slices.ContainsFunc(c.appRoles, func(r string) bool { return slices.Contains(who.Roles, r) }):
		return no
	}
	return c.inGroups(q)
}

// inGroups prefers what was looked up to what the token says, which may be an hour old.
func (c callerEntry) inGroups(q *Question) truth {
	if len(c.groups) == 0 {
		return yes
	}
	best := no
	for _, g := range c.groups {
		switch m, read := q.Members[g]; {
		case read:
			best = max(best, is(m.Caller))
		case hasID(q.Caller.Groups, g):
			return yes
		default:
			best = max(best, unknown)
		}
	}
	return best
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
