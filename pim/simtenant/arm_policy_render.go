package simtenant

import (
	"maps"
	"slices"
)

// clone copies a policy so far that changing the rules of one leaves the other.
func (p *Policy) clone() *Policy {
	next := *p
	next.Notifications = maps.Clone(p.Notifications)
	next.EligibilityRequires = slices.Clone(p.EligibilityRequires)
	next.AssignmentRequires = slices.Clone(p.AssignmentRequires)
	next.ActivationRequires = slices.Clone(p.ActivationRequires)
	return &next
}

func (p *Policy) lastModifiedBy() any {
	return map[string]any{"id": nil, "displayName": textOrNil(p.modifiedBy), "type": nil, "email": nil}
}

func (t *Tenant) renderPolicy(p *Policy) any {
	scope, rules := p.key.scope, t.renderRules(p)
	return resource(scope, policiesType, p.id, map[string]any{
		"scope": scope, "displayName": nil, "description": nil, "isOrganizationDefault": false,
		"lastModifiedDateTime": stampOrNil(p.modified), "lastModifiedBy": p.lastModifiedBy(),
		"rules": rules, "effectiveRules": rules,
		"policyProperties": map[string]any{"scope": t.expandedScope(scope)},
	})
}

// renderPolicyAssignment is the tie between a policy and its role, with the rules
// in effect.
func (t *Tenant) renderPolicyAssignment(p *Policy) any {
	scope, policyID := p.key.scope, armID(p.key.scope, policiesType, p.id)
	return resource(scope, "RoleManagementPolicyAssignment", p.id+"_"+p.key.role, map[string]any{
		"scope": scope, "roleDefinitionId": roleID(scope, p.key.role), "policyId": policyID,
		"effectiveRules": t.renderRules(p),
		"policyAssignmentProperties": map[string]any{
			"scope": t.expandedScope(scope), "roleDefinition": t.expandedRole(scope, p.key.role),
			"policy": map[string]any{
				"id": policyID, "lastModifiedBy": p.lastModifiedBy(), "lastModifiedDateTime": stampOrNil(p.modified),
			},
		},
	})
}
