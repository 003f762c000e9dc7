package simtenant

import (
	"maps"
	"slices"
	"strings"
)

// getPrincipal serves an object of a type by its id.
func getPrincipal(kind PrincipalType) func(*Tenant, *graphCall) *answer {
	return func(t *Tenant, c *graphCall) *answer {
		if !c.caller.mayRead(kind) {
			return graphError(errDenied)
		}
		p, err := t.objectByID(c.args[0])
		if err == nil && p.kind != kind {
			err = noObject(c.args[0])
		}
		if err != nil {
			return graphError(err)
		}
		return c.principal(p)
	}
}

func (c *graphCall) principal(p *principal) *answer {
	query := c.query.Get("$select")
	m, err := p.selected(query)
	if err != nil {
		return graphError(err)
	}
	context := graphCollection(p.kind)
	if query != "" {
		context += "(" + query + ")"
	}
	return c.entity(context, m)
}

// graphUser serves a user by object id or by user principal name.
func (t *Tenant) graphUser(c *graphCall) *answer {
	if strings.HasPrefix(c.args[0], "$") && !strings.Contains(c.path, "('") {
		return graphError(refuse("BadRequest", "Resource not found for the segment '"+c.args[0]+"'."))
	}
	p := t.user(c.args[0])
	if !c.caller.allowed(readUsers...) && (p == nil || !c.caller.isSelf(p)) {
		return graphError(errDenied)
	}
	if p == nil {
		return graphError(noObject(c.args[0]))
	}
	return c.principal(p)
}

// user finds a user by object id or by user principal name, or nil.
func (t *Tenant) user(id string) *principal {
	if p := t.principal(id); p != nil && p.kind == TypeUser {
		return p
	}
	return t.named(id, TypeUser)
}

// graphApplication serves a service principal by its application's id.
func (t *Tenant) graphApplication(c *graphCall) *answer {
	if !c.caller.allowed(readApps...) {
		return graphError(errDenied)
	}
	p := t.application(c.args[0])
	if p == nil {
		return graphError(noObject(c.args[0]))
	}
	return c.principal(p)
}

// The fields that the lists take in $filter.
var listFields = map[PrincipalType][]string{
	TypeUser:             {"displayName", "id", "mail", "userPrincipalName"},
	TypeGroup:            {"displayName", "id"},
	TypeServicePrincipal: {"appId", "displayName", "id"},
}

// listPrincipals serves the objects of a type.
func listPrincipals(kind PrincipalType) func(*Tenant, *graphCall) *answer {
	return func(t *Tenant, c *graphCall) *answer {
		if !c.caller.mayRead(kind) {
			return graphError(errDenied)
		}
		terms, ok := parseComparisons(c.query.Get("$filter"), listFields[kind]...)
		if !ok {
			return graphError(refuse("Request_UnsupportedQuery", "Unsupported or invalid query filter clause specified for a property of resource '"+string(kind)+"'."))
		}
		if _, err := (&principal{kind: kind}).selected(c.query.Get("$select")); err != nil {
			return graphError(err)
		}
		items := []any{}
		for _, id := range slices.Sorted(maps.Keys(t.principals)) {
			p := t.principals[id]
			field := func(name string) string {
				s, _ := p.properties()[name].(string)
				return s
			}
			if p.kind != kind || p.deleted || !keeps(terms, field) {
				continue
			}
			m, err := p.selected(c.query.Get("$select"))
			if err != nil {
				return graphError(err)
			}
			items = append(items, m)
		}
		context := graphCollection(kind)
		if s := c.query.Get("$select"); s != "" {
			context += "(" + strings.ReplaceAll(s, " ", "") + ")"
		}
		return t.graphPage(c, context, items)
	}
}
