package pim

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// UpdatePolicy changes rules of p, which was read before, and returns the policy as
// it is then. A rule is sent whole: what PolicyRule does not show stays as the
// service has it, and so does a part that is nil, other than Enabled, where nil asks
// for nothing. If the service has given the policy another id since p was read, as
// ARM does with each change, it is CodeConflict.
func (c *Client) UpdatePolicy(ctx context.Context, p Policy, changed ...PolicyRule) (Policy, error) {
	const op = "Client.UpdatePolicy"
	s, err := policyScope(p.Scope)
	if err != nil {
		return Policy{}, at(op, err)
	}
	now, err := c.ownPolicy(ctx, op, s, p.Role)
	if err != nil {
		return Policy{}, at(op, err)
	}
	if p.ID != "" && !strings.EqualFold(p.ID, now.ID) {
		return Policy{}, &Error{Op: op, Code: CodeConflict, Detail: "the policy has changed since it was read: read it again"}
	}
	var places []int
	for _, r := range changed {
		i := slices.IndexFunc(now.Rules, func(old PolicyRule) bool { return old.ID == r.ID })
		if i < 0 {
			return Policy{}, at(op, invalid("rules", "the policy has no rule %q", clip(r.ID)))
		}
		raw, err := r.onto(now.Rules[i], s.Plane())
		if err != nil {
			return Policy{}, at(op, err)
		}
		if now.Rules[i], err = readRule(raw); err != nil {
			return Policy{}, at(op, err)
		}
		if !slices.Contains(places, i) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return now, nil
	}
	defer c.policies.forget(policyKey(s, p.Role))
	if s.Plane() == Azure {
		return c.patchARM(ctx, op, now, places)
	}
	return now, c.patchGraph(ctx, op, now, places)
}

// ownPolicy is the policy with its own rules, past the cache. On ARM those can
// differ from the effective ones, and are the ones that can be changed.
func (c *Client) ownPolicy(ctx context.Context, op string, s Scope, r Role) (Policy, error) {
	if s.Plane() != Azure {
		return c.graphPolicy(ctx, op, s, r)
	}
	p, err := c.armPolicy(ctx, op, s, r)
	if err != nil {
		return p, err
	}
	w, err := c.armPolicyByID(ctx, op, p.ID)
	if err != nil {
		return p, err
	}
	p.Rules, err = readRules(w.Properties.Rules)
	return p, err
}

// patchARM sends the changed rules alone. The policy's name is another afterwards.
func (c *Client) patchARM(ctx context.Context, op string, p Policy, changed []int) (Policy, error) {
	path, err := policyPath(p.ID)
	if err != nil {
		return Policy{}, at(op, err)
	}
	var body armPolicyPatch
	for _, i := range changed {
		body.Properties.Rules = append(body.Properties.Rules, p.Rules[i].raw)
	}
	var out armPolicyWire
	err = c.armCall(ctx, call{
		op: op, method: http.MethodPatch, path: path, query: armVersion(armPIM), body: body, want: []int{http.StatusOK}, out: &out,
	})
	if err != nil {
		return Policy{}, err
	}
	if out.ID != "" {
		p.ID = out.ID
	}
	return p, nil
}

type armPolicyPatch struct {
	Properties struct {
		Rules []json.RawMessage `json:"rules"`
	} `json:"properties"`
}

// patchGraph sends one rule by itself. Several, or the approvers, go with the whole
// policy: Graph checks the approvers against the mails to them, so that neither
// can be changed before the other.
func (c *Client) patchGraph(ctx context.Context, op string, p Policy, changed []int) error {
	path, err := graphPolicyPath(p.ID)
	if err != nil {
		return at(op, err)
	}
	in := call{op: op, method: http.MethodPatch, path: path, want: []int{http.StatusNoContent, http.StatusOK}}
	if rule := p.Rules[changed[0]]; len(changed) == 1 && rule.Type != approvalRule {
		in.path += "/rules/" + rule.ID
		in.body = rule.raw
	} else {
		var raws []json.RawMessage
		for _, r := range p.Rules {
			raws = append(raws, r.raw)
		}
		in.body = map[string][]json.RawMessage{"rules": raws}
	}
	return c.graphCall(ctx, in)
}
