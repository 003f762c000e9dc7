package simtenant

import (
	"net/http"
	"strings"
)

const (
	policyPath           = "policies/roleManagementPolicies"
	policyAssignmentPath = "policies/roleManagementPolicyAssignments"
)

var policyRoutes = []graphRoute{
	{get, "v1.0/" + policyAssignmentPath, (*Tenant).graphPolicyAssignments},
	{get, "v1.0/" + policyAssignmentPath + "/{id}", (*Tenant).graphPolicyAssignment},
	{get, "v1.0/" + policyPath, (*Tenant).graphPolicies},
	{get, "v1.0/" + policyPath + "/{id}", (*Tenant).graphPolicy},
	{http.MethodPatch, "v1.0/" + policyPath + "/{id}", (*Tenant).graphPatchPolicy},
	{get, "v1.0/" + policyPath + "/{id}/rules", listRules("rules")},
	{get, "v1.0/" + policyPath + "/{id}/effectiveRules", listRules("effectiveRules")},
	{get, "v1.0/" + policyPath + "/{id}/rules/{ruleId}", (*Tenant).graphRule},
	{http.MethodPatch, "v1.0/" + policyPath + "/{id}/rules/{ruleId}", (*Tenant).graphPatchRule},
}

// policyRef is a policy as Graph speaks of it: the type of the scope is part of
// its id, and a directory role's has two names.
type policyRef struct {
	*Policy
	scopeType string // DirectoryRole, Directory or Group
}

// The names of the types of scope.
const (
	scopeRole      = "DirectoryRole"
	scopeDirectory = "Directory"
	scopeGroup     = "Group"
)

func (p policyRef) graphID(t *Tenant) string {
	if p.scopeType == scopeGroup {
		return p.scopeType + "_" + p.key.scope + "_" + p.id
	}
	return p.scopeType + "_" + t.opt.TenantID + "_" + p.id
}

// policyPermissions are those that let the policies of a plane be read and
// changed.
func policyPermissions(plane Plane) (readers, writers []string) {
	if plane == PlaneGroup {
		writers = []string{"RoleManagementPolicy.ReadWrite.AzureADGroup"}
		return append([]string{"RoleManagementPolicy.Read.AzureADGroup"}, writers...), writers
	}
	writers = []string{"RoleManagementPolicy.ReadWrite.Directory", "RoleManagement.ReadWrite.Directory"}
	return append([]string{"RoleManagementPolicy.Read.Directory", "RoleManagement.Read.Directory", "RoleManagement.Read.All"}, writers...), writers
}

// scopedPolicies reads the filter of a list, which must name the scope and its
// type, and finds the policies there.
func (t *Tenant) scopedPolicies(c *graphCall, fields ...string) ([]policyRef, *refusal) {
	text := c.query.Get("$filter")
	terms, ok := parseComparisons(text, append(fields, "scopeId", "scopeType")...)
	scope, kind := termValue(terms, "scopeId"), termValue(terms, "scopeType")
	if !ok || scope == "" || kind == "" {
		return nil, invalidFilter(text)
	}
	plane, known := map[string]Plane{scopeRole: PlaneDirectory, scopeDirectory: PlaneDirectory, scopeGroup: PlaneGroup}[kind]
	if !known {
		return nil, invalidFilter(text)
	}
	if err := t.mayReadPolicy(c.caller, plane, scope); err != nil {
		return nil, err
	}
	var list []policyRef
	for _, role := range t.rolesWithPolicy(plane, scope) {
		if want := termValue(terms, "roleDefinitionId"); want == "" || sameID(want, role) {
			list = append(list, policyRef{t.policy(plane, strings.ToLower(scope), role), kind})
		}
	}
	return list, nil
}

// rolesWithPolicy are the roles that have settings at a scope.
func (t *Tenant) rolesWithPolicy(plane Plane, scope string) []string {
	if plane == PlaneGroup {
		if g := t.principal(scope); g == nil || g.kind != TypeGroup {
			return nil
		}
		return []string{"member", "owner"}
	}
	if scope != "/" {
		return nil
	}
	var list []string
	for _, r := range t.directory.roles {
		list = append(list, r.id)
	}
	return list
}

func (t *Tenant) mayReadPolicy(c caller, plane Plane, scope string) *refusal {
	readers, _ := policyPermissions(plane)
	if !c.allowed(readers...) {
		return notGranted(readers)
	}
	if !t.reads(c, plane, scope) {
		return errDenied
	}
	return nil
}

func (t *Tenant) mayWritePolicy(c caller, p policyRef) *refusal {
	_, writers := policyPermissions(p.key.plane)
	if !c.allowed(writers...) {
		return notGranted(writers)
	}
	if !t.manages(c, p.key.plane, p.key.scope) {
		return errDenied
	}
	return nil
}

// policyNamed finds a policy by the id that it has now.
func (t *Tenant) policyNamed(id string) (policyRef, *refusal) {
	kind, _, _ := strings.Cut(id, "_")
	for _, p := range t.policies {
		ref := policyRef{p, kind}
		ofGroup := kind == scopeGroup
		if p.key.plane != PlaneAzure && ofGroup == (p.key.plane == PlaneGroup) && (ofGroup || kind == scopeRole || kind == scopeDirectory) &&
			sameID(ref.graphID(t), id) {
			return ref, nil
		}
	}
	return policyRef{}, noSuch()
}
