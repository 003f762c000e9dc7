package simtenant

import (
	"net/http"
	"strings"
)

// serveChildren serves eligibleChildResources: the scopes below one at which the
// caller could activate something.
func (t *Tenant) serveChildren(c *armCall) *answer {
	if c.method != http.MethodGet || len(c.names) > 0 {
		return notAllowed(c)
	}
	kinds, err := childFilter(c.query.Get("$filter"))
	if err != nil {
		return armError(err)
	}
	all := sameID(c.query.Get("$getAllChildren"), "true")
	now, mine := t.now(), t.schedules.of(t.withGroups(c.caller.oid))
	reachable := func(n *node) bool {
		for _, s := range mine {
			if s.plane == PlaneAzure && s.kind == Eligibility && s.inForce(now) &&
				(t.tree.contains(s.scope, n.id) || t.tree.contains(n.id, s.scope)) {
				return true
			}
		}
		return false
	}
	var items []any
	for _, kind := range []string{"managementgroup", "subscription", "resourcegroup"} {
		if len(kinds) > 0 && !kinds[kind] {
			continue
		}
		for _, n := range t.below(c.at.id, kind) {
			nested := kind == "managementgroup" && !sameID(n.parent, c.at.id)
			if reachable(n) && (all || !nested) {
				items = append(items, map[string]any{"id": n.id, "name": n.name, "type": kind})
			}
		}
	}
	return t.page(c, items)
}

// childFilter reads resourceType eq '...', joined with "or".
func childFilter(text string) (map[string]bool, *refusal) {
	kinds := map[string]bool{}
	list, ok := terms(text, " or ")
	if !ok {
		return nil, invalidFilter(text)
	}
	for _, term := range list {
		m := equality.FindStringSubmatch(term)
		if m == nil || m[1] != "resourceType" {
			return nil, invalidFilter(text)
		}
		kinds[strings.ToLower(m[2])] = true
	}
	return kinds, nil
}
