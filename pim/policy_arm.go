package pim

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// policyVersion is the api-version of ARM's policies and their assignments.
const policyVersion = "2020-10-01"

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
		Properties struct {
			Scope          string            `json:"scope"`
			RoleID         string            `json:"roleDefinitionId"`
			PolicyID       string            `json:"policyId"`
			EffectiveRules []json.RawMessage `json:"effectiveRules"`
		} `json:"properties"`
	}
	for a, err := range armList[assignment](ctx, c, call{
		op:   op,
		path: authorizationPath(s, "roleManagementPolicyAssignments"),
		query: url.Values{
			"api-version": {policyVersion},
			"$filter":     {"roleDefinitionId eq '" + roleIDAt(s, r) + "'"},
		},
	}) {
		if err != nil {
			return Policy{}, err
		}
		p := a.Properties
		where, err := ParseScope(Azure, p.Scope)
		if err != nil || where.Key() != s.Key() || !strings.EqualFold(lastSegment(p.RoleID), r.ID) {
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
		query:  url.Values{"api-version": {policyVersion}},
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
	return authorizationPath(s, "roleManagementPolicies/"+name), nil
}

// authorizationPath is the path of what Microsoft.Authorization keeps at s.
func authorizationPath(s Scope, rest string) string {
	return strings.TrimSuffix(s.String(), "/") + "/providers/Microsoft.Authorization/" + rest
}

// roleIDAt is the full id of r for use at s: that of the subscription, also for what
// lies within it; that of the tenant for a management group. ARM refuses others.
func roleIDAt(s Scope, r Role) string {
	home := ""
	if sub := s.Subscription(); sub != "" {
		home = "/subscriptions/" + sub
	}
	return home + "/providers/Microsoft.Authorization/roleDefinitions/" + r.ID
}

func lastSegment(id string) string { return id[strings.LastIndex(id, "/")+1:] }
