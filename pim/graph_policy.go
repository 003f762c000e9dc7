package pim

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
)

// graphPolicyWire is the assignment of a policy on Graph, with the policy within.
type graphPolicyWire struct {
	PolicyID string `json:"policyId"`
	ScopeID  string `json:"scopeId"`
	RoleID   string `json:"roleDefinitionId"`
	Policy   *struct {
		Rules []json.RawMessage `json:"rules"`
	} `json:"policy"`
}

// graphPolicy reads the policy of a directory role, or of membership or ownership of
// a group. Graph demands both the scope's id and its type in the filter.
func (c *Client) graphPolicy(ctx context.Context, op string, s Scope, r Role) (Policy, error) {
	kind := "DirectoryRole"
	if s.Plane() == Group {
		kind = "Group"
	}
	for a, err := range graphList[graphPolicyWire](ctx, c, call{
		op:   op,
		path: "/v1.0/policies/roleManagementPolicyAssignments",
		query: url.Values{
			"$filter": {"scopeId eq '" + s.String() + "' and scopeType eq '" + kind + "' and roleDefinitionId eq '" + r.ID + "'"},
			"$expand": {"policy($expand=rules)"},
		},
	}) {
		if err != nil {
			return Policy{}, err
		}
		if a.ScopeID != s.String() || !strings.EqualFold(a.RoleID, r.ID) {
			continue
		}
		var raws []json.RawMessage
		if a.Policy != nil {
			raws = a.Policy.Rules
		}
		if len(raws) == 0 {
			if raws, err = c.graphRules(ctx, op, a.PolicyID); err != nil {
				return Policy{}, err
			}
		}
		rules, err := readRules(raws)
		return Policy{ID: a.PolicyID, Scope: s, Role: r, Rules: rules}, err
	}
	return Policy{}, noPolicy(s, r)
}

// graphRules reads the rules alone, for an answer that left the expansion out.
func (c *Client) graphRules(ctx context.Context, op, id string) ([]json.RawMessage, error) {
	path, err := graphPolicyPath(id)
	if err != nil {
		return nil, err
	}
	var raws []json.RawMessage
	for raw, err := range graphList[json.RawMessage](ctx, c, call{op: op, path: path + "/rules"}) {
		if err != nil {
			return nil, err
		}
		raws = append(raws, raw)
	}
	return raws, nil
}

// graphPolicyPath checks id, which the service wrote, before it stands in a path:
// kind, tenant or group and policy, joined by underscores.
func graphPolicyPath(id string) (string, error) {
	part := strings.Split(id, "_")
	ok := len(part) == 3 && part[0] != "" && !strings.ContainsFunc(part[0], outsideName)
	for _, p := range part[1:] {
		_, guid := parseGUID(p)
		ok = ok && guid
	}
	if !ok {
		return "", unreadable("the policy's id "+clip(id), nil)
	}
	return "/v1.0/policies/roleManagementPolicies/" + id, nil
}
