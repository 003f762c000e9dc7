package simtenant

import (
	"net/http"
	"slices"
	"strings"
)

// rolesAt are the roles that can be assigned at a scope, in a fixed order.
func (t *Tenant) rolesAt(scope string) []*roleDefinition {
	var out []*roleDefinition
	for _, r := range t.roles {
		if t.assignableAt(r, scope) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *roleDefinition) int { return strings.Compare(a.id, b.id) })
	return out
}

// serveRoles serves roleDefinitions, which are read only here.
func (t *Tenant) serveRoles(c *armCall) *answer {
	if c.method != http.MethodGet || len(c.names) > 1 {
		return notAllowed(c)
	}
	if c.at.id != "/" && !t.may(c.caller.oid, "Microsoft.Authorization/roleDefinitions/read", c.at.id) {
		return armError(forbidden(c.caller, "Microsoft.Authorization/roleDefinitions/read", c.at.id))
	}
	if len(c.names) == 1 {
		r := t.roles[strings.ToLower(c.name(0))]
		if r == nil || c.at.id != "/" && !t.assignableAt(r, c.at.id) {
			return armError(&refusal{http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '" + c.name(0) + "' does not exist."})
		}
		return reply(http.StatusOK, t.renderRole(c.at.id, r))
	}
	matches, err := roleFilter(c.query.Get("$filter"))
	if err != nil {
		return armError(err)
	}
	all := t.rolesAt(c.at.id)
	if strings.Contains(c.query.Get("$filter"), "atScopeAndBelow()") {
		all = t.rolesBelow(c.at.id)
	}
	var items []any
	for _, r := range all {
		if matches(r) {
			items = append(items, t.renderRole(c.at.id, r))
		}
	}
	return t.page(c, items)
}

// rolesBelow adds the roles that can be assigned somewhere below the scope.
func (t *Tenant) rolesBelow(scope string) []*roleDefinition {
	out := t.rolesAt(scope)
	for _, r := range t.roles {
		below := func(s string) bool { return t.tree.contains(scope, s) }
		if !t.assignableAt(r, scope) && slices.ContainsFunc(r.assignable, below) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *roleDefinition) int { return strings.Compare(a.id, b.id) })
	return out
}

// roleFilter reads roleName eq, type eq and atScopeAndBelow(), joined with "and".
// A name is matched whole; a quote in it is doubled.
func roleFilter(text string) (func(*roleDefinition) bool, *refusal) {
	name, kind := "", ""
	list, ok := conjuncts(text)
	if !ok {
		return nil, invalidFilter(text)
	}
	for _, term := range list {
		m := equality.FindStringSubmatch(term)
		switch {
		case term == "atScopeAndBelow()":
		case m != nil && m[1] == "roleName":
			name = strings.ReplaceAll(m[2], "''", "'")
		case m != nil && m[1] == "type" && (sameID(m[2], "BuiltInRole") || sameID(m[2], "CustomRole")):
			kind = m[2]
		default:
			return nil, invalidFilter(text)
		}
	}
	return func(r *roleDefinition) bool {
		return (name == "" || sameID(r.name, name)) && (kind == "" || sameID(r.kind(), kind))
	}, nil
}

func (t *Tenant) renderRole(scope string, r *roleDefinition) any {
	list := func(s []string) []string { return append([]string{}, s...) }
	return map[string]any{
		"id": roleID(scope, r.id), "name": r.id, "type": "Microsoft.Authorization/roleDefinitions",
		"properties": map[string]any{
			"roleName": r.name, "type": r.kind(), "description": r.description, "assignableScopes": list(r.assignable),
			"permissions": []any{map[string]any{
				"actions": list(r.actions), "notActions": list(r.notActions), "dataActions": list(r.dataActions), "notDataActions": []string{},
			}},
			"createdOn": "2015-02-02T21:55:09.8806423Z", "updatedOn": "2023-11-27T15:20:08.6211735Z", "createdBy": nil, "updatedBy": nil,
		},
	}
}

// serveDenyAssignments serves the empty list: only Azure itself makes any.
func (t *Tenant) serveDenyAssignments(c *armCall) *answer {
	switch {
	case c.method != http.MethodGet:
		return notAllowed(c)
	case len(c.names) > 0:
		return notFound(c)
	case !t.may(c.caller.oid, "Microsoft.Authorization/denyAssignments/read", c.at.id):
		return armError(forbidden(c.caller, "Microsoft.Authorization/denyAssignments/read", c.at.id))
	}
	return t.page(c, nil)
}
