package pim

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// callerEntry is one way to be the caller of a rule: all that it lists must hold,
// and of each list one value.
type callerEntry struct {
	objectIDs, appIDs, appRoles, groups []string
	queues, keys                        []string
	anyUser, anyKey, system             bool
}

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

// match holds an entry against who asks.
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
