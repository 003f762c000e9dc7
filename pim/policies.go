package pim

import (
	"context"
	"slices"
)

// Policy is what PIM's own settings say about role r at scope s. It is remembered
// for five minutes, since the rules of a role may be tightened at any time. A
// directory role has one policy for the whole directory, which is the answer for an
// administrative unit too. A role without one is CodeNotFound.
func (c *Client) Policy(ctx context.Context, s Scope, r Role) (Policy, error) {
	const op = "Client.Policy"
	s, err := policyScope(s)
	if err != nil {
		return Policy{}, at(op, err)
	}
	p, err := c.policies.get(policyKey(s, r), func() (Policy, error) {
		if s.Plane() == Azure {
			return c.armPolicy(ctx, op, s, r)
		}
		return c.graphPolicy(ctx, op, s, r)
	})
	return p.clone(), at(op, err)
}

// policyScope is the scope whose policy counts at s.
func policyScope(s Scope) (Scope, error) {
	switch s.Plane() {
	case Azure, Group:
		return s, nil
	case Directory:
		return ParseScope(Directory, "/")
	}
	return Scope{}, invalid("scope", "scope is missing")
}

func policyKey(s Scope, r Role) string {
	return string(s.Plane()) + " " + s.Key() + " " + r.ID
}

// noPolicy is the error of a role that the service knows no settings for.
func noPolicy(s Scope, r Role) error {
	return &Error{Code: CodeNotFound, Detail: "PIM has no policy for the role " + r.ID + " at " + s.String()}
}

// clone is a copy that shares nothing that a caller may change, so that what the
// cache holds stays as the service said it.
func (p Policy) clone() Policy {
	p.Rules = slices.Clone(p.Rules)
	for i := range p.Rules {
		r := &p.Rules[i]
		r.Expiration, r.AuthContext = copied(r.Expiration), copied(r.AuthContext)
		r.Enabled = slices.Clone(r.Enabled)
		if r.Approval = copied(r.Approval); r.Approval != nil {
			r.Approval.Approvers = slices.Clone(r.Approval.Approvers)
		}
		if r.Notification = copied(r.Notification); r.Notification != nil {
			r.Notification.Recipients = slices.Clone(r.Notification.Recipients)
		}
	}
	return p
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
