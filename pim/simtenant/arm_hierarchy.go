package simtenant

import (
	"maps"
	"net/http"
	"slices"
)

// below lists the scopes of a kind under a scope, in a fixed order.
func (t *Tenant) below(scope, kind string) []*node {
	var out []*node
	for _, id := range slices.Sorted(maps.Keys(t.tree)) {
		n := t.tree[id]
		if n.kind == kind && !sameID(n.id, scope) && t.tree.contains(scope, n.id) {
			out = append(out, n)
		}
	}
	return out
}

// sees reports whether a caller has any right at a scope, above it or below it:
// that is what ARM lists a subscription by.
func (t *Tenant) sees(c caller, scope string) bool {
	return slices.ContainsFunc(t.backed(t.withGroups(c.oid)), func(s *schedule) bool {
		return (t.tree.contains(s.scope, scope) || t.tree.contains(scope, s.scope))
	})
}

func (t *Tenant) serveSubscriptions(c *armCall) *answer {
	if c.method != http.MethodGet {
		return notAllowed(c)
	}
	if id := c.name(0); id != "" {
		n, err := t.resolveScope("/subscriptions/" + id)
		if err != nil {
			return armError(err)
		}
		if !t.sees(c.caller, n.id) {
			return armError(forbidden(c.caller, "Microsoft.Resources/subscriptions/read", n.id))
		}
		return reply(http.StatusOK, t.renderSubscription(n))
	}
	var items []any
	for _, n := range t.below("/", "subscription") {
		if t.sees(c.caller, n.id) {
			items = append(items, t.renderSubscription(n))
		}
	}
	return t.page(c, items)
}

func (t *Tenant) renderSubscription(n *node) any {
	return map[string]any{
		"id": n.id, "subscriptionId": lastSegment(n.id), "tenantId": t.opt.TenantID, "displayName": n.name,
		"state": "Enabled", "authorizationSource": "RoleBased", "managedByTenants": []any{},
	}
}

func (t *Tenant) serveResourceGroups(c *armCall) *answer {
	if c.method != http.MethodGet {
		return notAllowed(c)
	}
	if !t.sees(c.caller, c.at.id) {
		return armError(forbidden(c.caller, rightReadGroups, c.at.id))
	}
	var items []any
	for _, n := range t.below(c.at.id, "resourcegroup") {
		if t.may(c.caller.oid, rightReadGroups, n.id) {
			items = append(items, map[string]any{
				"id": n.id, "name": n.name, "type": "Microsoft.Resources/resourceGroups", "location": "westeurope",
				"tags": map[string]any{}, "properties": map[string]any{"provisioningState": "Succeeded"},
			})
		}
	}
	return t.page(c, items)
}

// serveDescendants serves what is below a management group: everything but
// resource groups (descendants), or the subscriptions directly in it.
func (t *Tenant) serveDescendants(c *armCall) *answer {
	const right = "Microsoft.Management/managementGroups/descendants/read"
	if c.method != http.MethodGet {
		return notAllowed(c)
	}
	if !t.may(c.caller.oid, right, c.at.id) {
		return armError(forbidden(c.caller, right, c.at.id))
	}
	direct := sameID(c.kind, "subscriptions")
	nodes := t.below(c.at.id, "subscription")
	if !direct {
		nodes = append(t.below(c.at.id, "managementgroup"), nodes...)
	}
	var items []any
	for _, n := range nodes {
		if direct && !sameID(n.parent, c.at.id) {
			continue
		}
		kind := "Microsoft.Management/managementGroups"
		if n.kind == "subscription" {
			kind += "/subscriptions"
		}
		items = append(items, map[string]any{
			"id": n.id, "name": lastSegment(n.id), "type": kind,
			"properties": map[string]any{"displayName": n.name, "parent": map[string]any{"id": t.tree[n.parent].id}},
		})
	}
	return t.page(c, items)
}
