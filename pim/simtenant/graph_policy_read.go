package simtenant

import (
	"slices"
	"strings"
)

func (t *Tenant) graphPolicyAssignments(c *graphCall) *answer {
	list, err := t.scopedPolicies(c, "roleDefinitionId")
	if err != nil {
		return graphError(err)
	}
	blank, err := t.renderTie(c, policyRef{Policy: &Policy{}})
	if err != nil {
		return graphError(err)
	}
	var items []map[string]any
	for _, p := range list {
		item, err := t.renderTie(c, p)
		if err != nil {
			return graphError(err)
		}
		items = append(items, item)
	}
	context := policyAssignmentPath
	if c.query.Get("$expand") != "" {
		context += "(policy(rules()))"
	}
	return t.graphItems(c, context, blank, items)
}

func (t *Tenant) graphPolicyAssignment(c *graphCall) *answer {
	at := strings.LastIndexByte(c.args[0], '_')
	p, err := t.policyNamed(c.args[0][:max(at, 0)])
	if err == nil && !sameID(p.key.role, c.args[0][at+1:]) {
		err = noSuch()
	}
	if err == nil {
		err = t.mayReadPolicy(c.caller, p.key.plane, p.key.scope)
	}
	if err != nil {
		return graphError(err)
	}
	item, err := t.renderTie(c, p)
	if err != nil {
		return graphError(err)
	}
	return c.one(policyAssignmentPath, item)
}

// renderTie is the assignment of a policy to its role.
func (t *Tenant) renderTie(c *graphCall, p policyRef) (map[string]any, *refusal) {
	expanded, err := c.expansions("policy")
	if err != nil {
		return nil, err
	}
	id := p.graphID(t)
	m := map[string]any{
		"id": id + "_" + p.key.role, "policyId": id, "scopeId": p.key.scope, "scopeType": p.scopeType, "roleDefinitionId": p.key.role,
	}
	for _, e := range expanded {
		inner := strings.FieldsFunc(e.nested, func(r rune) bool { return r == ',' })
		if slices.ContainsFunc(inner, func(s string) bool { return s != "rules" && s != "effectiveRules" }) {
			return nil, refuse("BadRequest", "Parsing OData Select and Expand failed: '"+e.nested+"'.")
		}
		m["policy"] = e.cut(t.renderGraphPolicy(p, inner))
	}
	return m, nil
}

func (t *Tenant) renderGraphPolicy(p policyRef, expanded []string) map[string]any {
	m := map[string]any{
		"id": p.graphID(t), "displayName": p.scopeType, "description": p.scopeType, "isOrganizationDefault": false,
		"scopeId": p.key.scope, "scopeType": p.scopeType, "lastModifiedDateTime": stampOrNil(p.modified),
		"lastModifiedBy": map[string]any{"id": nil, "displayName": textOrNil(p.modifiedBy)},
	}
	for _, name := range expanded {
		m[name] = t.graphRules(p.Policy)
	}
	return m
}

func (t *Tenant) graphPolicies(c *graphCall) *answer {
	list, err := t.scopedPolicies(c)
	if err != nil {
		return graphError(err)
	}
	rules, err := c.expandedRules()
	if err != nil {
		return graphError(err)
	}
	var items []map[string]any
	for _, p := range list {
		items = append(items, t.renderGraphPolicy(p, rules))
	}
	return t.graphItems(c, policyPath, t.renderGraphPolicy(policyRef{Policy: &Policy{}}, rules), items)
}

func (c *graphCall) expandedRules() ([]string, *refusal) {
	expanded, err := c.expansions("rules", "effectiveRules")
	var names []string
	for _, e := range expanded {
		names = append(names, e.name)
	}
	return names, err
}

// readPolicy finds the policy that a call names, if the caller may read it.
func (t *Tenant) readPolicy(c *graphCall) (policyRef, *refusal) {
	p, err := t.policyNamed(c.args[0])
	if err == nil {
		err = t.mayReadPolicy(c.caller, p.key.plane, p.key.scope)
	}
	return p, err
}

func (t *Tenant) graphPolicy(c *graphCall) *answer {
	p, err := t.readPolicy(c)
	if err != nil {
		return graphError(err)
	}
	rules, err := c.expandedRules()
	if err != nil {
		return graphError(err)
	}
	return c.one(policyPath, t.renderGraphPolicy(p, rules))
}

func listRules(noun string) func(*Tenant, *graphCall) *answer {
	return func(t *Tenant, c *graphCall) *answer {
		p, err := t.readPolicy(c)
		if err != nil {
			return graphError(err)
		}
		rules := t.graphRules(p.Policy)
		return t.graphItems(c, policyPath+"('"+c.args[0]+"')/"+noun, rules[0], rules)
	}
}

func (t *Tenant) graphRule(c *graphCall) *answer {
	p, err := t.readPolicy(c)
	if err != nil {
		return graphError(err)
	}
	row, ok := ruleByID(c.args[1])
	if !ok {
		return graphError(noSuch())
	}
	return c.one(policyPath+"('"+c.args[0]+"')/rules", t.renderGraphRule(p.Policy, row))
}
