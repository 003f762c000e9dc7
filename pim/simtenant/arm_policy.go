package simtenant

import (
	"net/http"
	"slices"
	"strings"
)

const policiesType = "roleManagementPolicies"

// servePolicies serves roleManagementPolicies.
func (t *Tenant) servePolicies(c *armCall) *answer {
	switch {
	case len(c.names) == 0 && c.method == http.MethodGet:
		return t.listPolicies(c, func(p *Policy) any { return t.renderPolicy(p) })
	case len(c.names) == 1 && c.method == http.MethodGet:
		return t.getPolicy(c)
	case len(c.names) == 1 && c.method == http.MethodPatch:
		return t.patchPolicy(c)
	}
	return notAllowed(c)
}

// servePolicyAssignments serves roleManagementPolicyAssignments.
func (t *Tenant) servePolicyAssignments(c *armCall) *answer {
	switch {
	case c.method != http.MethodGet || len(c.names) > 1:
		return notAllowed(c)
	case len(c.names) == 0:
		return t.listPolicies(c, func(p *Policy) any { return t.renderPolicyAssignment(p) })
	}
	if err := t.mayReadPolicies(c); err != nil {
		return armError(err)
	}
	id, role, _ := strings.Cut(c.name(0), "_")
	p := t.policyByID(c.at.id, id)
	if p == nil || !sameID(p.key.role, role) {
		return notFound(c)
	}
	return reply(http.StatusOK, t.renderPolicyAssignment(p))
}

func (t *Tenant) mayReadPolicies(c *armCall) *refusal {
	if t.may(c.caller.oid, rightReadAssignments, c.at.id) {
		return nil
	}
	return forbidden(c.caller, "Microsoft.Authorization/"+c.kind+"/read", c.at.id)
}

// listPolicies lists one entry for each role that can be assigned at the scope.
// The filter by role is not documented, and used by every client.
func (t *Tenant) listPolicies(c *armCall, render func(*Policy) any) *answer {
	if err := t.mayReadPolicies(c); err != nil {
		return armError(err)
	}
	role := ""
	if text := c.query.Get("$filter"); text != "" {
		m := equality.FindStringSubmatch(text)
		if m == nil || m[1] != "roleDefinitionId" || !isGUID(lastSegment(m[2])) {
			return armError(invalidFilter(text))
		}
		role = lastSegment(m[2])
	}
	var items []any
	for _, r := range t.rolesAt(c.at.id) {
		if role == "" || sameID(role, r.id) {
			items = append(items, render(t.policy(PlaneAzure, c.at.id, r.id)))
		}
	}
	return t.page(c, items)
}

// policyByID finds an ARM policy by the id that it has now.
func (t *Tenant) policyByID(scope, id string) *Policy {
	for _, p := range t.policies {
		if p.key.plane == PlaneAzure && sameID(p.key.scope, scope) && sameID(p.id, id) {
			return p
		}
	}
	return nil
}

func (t *Tenant) getPolicy(c *armCall) *answer {
	if err := t.mayReadPolicies(c); err != nil {
		return armError(err)
	}
	p := t.policyByID(c.at.id, c.name(0))
	if p == nil {
		return notFound(c)
	}
	return reply(http.StatusOK, t.renderPolicy(p))
}

// patchPolicy replaces rules, each whole, or none at all. The policy has another
// id afterwards.
func (t *Tenant) patchPolicy(c *armCall) *answer {
	if !t.may(c.caller.oid, rightWritePolicies, c.at.id) {
		return armError(forbidden(c.caller, rightWritePolicies, c.at.id))
	}
	p := t.policyByID(c.at.id, c.name(0))
	if p == nil {
		return notFound(c)
	}
	var body struct {
		Properties struct {
			Rules []armRule `json:"rules"`
		} `json:"properties"`
	}
	if err := c.decode(&body); err != nil {
		return armError(err)
	}
	next := p.clone()
	for _, r := range body.Properties.Rules {
		err := t.applyRule(next, r)
		if err == nil {
			err = r.aims()
		}
		if err != nil {
			return armError(err)
		}
	}
	if err := next.consistent(body.Properties.Rules); err != nil {
		return armError(err)
	}
	next.id, next.modified, next.modifiedBy = t.newID(), t.now(), c.caller.name
	*p = *next
	t.notePolicy(p, c.caller)
	return reply(http.StatusOK, t.renderPolicy(p))
}

// consistent refuses settings that exclude each other.
func (p *Policy) consistent(changed []armRule) *refusal {
	if p.AuthenticationContext != "" && slices.Contains(p.ActivationRequires, RequireMFA) {
		return invalidPolicy("Multi-factor authentication and an authentication context exclude each other.")
	}
	touches := func(id string) bool {
		return slices.ContainsFunc(changed, func(r armRule) bool { return r.ID == id })
	}
	const notification = "Notification_Approver_EndUser_Assignment"
	if touches("Approval_EndUser_Assignment") && !touches(notification) &&
		(len(p.Approval.Approvers) > 0 || p.Approval.byManager()) && len(p.Notifications[notification].Recipients) > 0 {
		return refuse("ActivationCustomApproversNotEmpty", "The notification of approvers has recipients of its own while approvers are set.")
	}
	return nil
}

func invalidPolicy(message string) *refusal { return refuse("InvalidPolicy", message) }
