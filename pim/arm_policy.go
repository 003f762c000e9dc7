package pim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// armPolicyWire is a policy on ARM.
type armPolicyWire struct {
	ID         string `json:"id"`
	Properties struct {
		Rules          []json.RawMessage `json:"rules"`
		EffectiveRules []json.RawMessage `json:"effectiveRules"`
	} `json:"properties"`
}

// armPolicy finds the policy by its assignment to the role: its own name changes
// with each update. The filter is not in the reference, so what it lets through is
// compared again. The effective rules are those that PIM applies.
func (c *Client) armPolicy(ctx context.Context, op string, s Scope, r Role) (Policy, error) {
	type assignment struct {
		ID         string `json:"id"`
		Properties struct {
			Scope          string            `json:"scope"`
			RoleID         string            `json:"roleDefinitionId"`
			PolicyID       string            `json:"policyId"`
			EffectiveRules []json.RawMessage `json:"effectiveRules"`
		} `json:"properties"`
	}
	for a, err := range armList[assignment](ctx, c, call{
		op:   op,
		path: armPath(s, "roleManagementPolicyAssignments"),
		query: url.Values{
			"api-version": {armPIM},
			"$filter":     {"roleDefinitionId eq '" + armRoleID(s, r) + "'"},
		},
	}) {
		if err != nil {
			return Policy{}, err
		}
		p := a.Properties
		where, err := armScope(p.Scope, a.ID)
		if err != nil || where.Key() != s.Key() || lastSegment(p.RoleID) != r.ID {
			continue
		}
		raws := p.EffectiveRules
		if len(raws) == 0 {
			w, err := c.armPolicyByID(ctx, op, p.PolicyID)
			if err != nil {
				return Policy{}, err
			}
			if raws = w.Properties.EffectiveRules; len(raws) == 0 {
				raws = w.Properties.Rules
			}
		}
		rules, err := readRules(raws)
		return Policy{ID: p.PolicyID, Scope: s, Role: r, Rules: rules}, err
	}
	return Policy{}, noPolicy(s, r)
}

func (c *Client) armPolicyByID(ctx context.Context, op, id string) (w armPolicyWire, err error) {
	path, err := policyPath(id)
	if err != nil {
		return w, err
	}
	err = c.armCall(ctx, call{
		op:     op,
		method: http.MethodGet,
		path:   path,
		query:  armVersion(armPIM),
		want:   []int{http.StatusOK},
		out:    &w,
	})
	return w, err
}

// policyPath is id, which the service wrote, taken apart and put together again.
func policyPath(id string) (string, error) {
	const kind = "/providers/Microsoft.Authorization/roleManagementPolicies/"
	i := strings.LastIndex(strings.ToLower(id), strings.ToLower(kind))
	if i < 0 {
		return "", unreadable("the policy's id "+clip(id), nil)
	}
	name, ok := parseGUID(id[i+len(kind):])
	s, err := ParseScope(Azure, id[:max(i, 1)])
	if !ok || err != nil {
		return "", unreadable("the policy's id "+clip(id), err)
	}
	return armPath(s, "roleManagementPolicies/"+name), nil
}
