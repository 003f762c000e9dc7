package simtenant

import "strings"

// The rights that the planes ask about on ARM.
const (
	rightWriteAssignments = "Microsoft.Authorization/roleAssignments/write"
	rightReadAssignments  = "Microsoft.Authorization/roleAssignments/read"
	rightWritePolicies    = "Microsoft.Authorization/roleManagementPolicies/write"
	rightReadGroups       = "Microsoft.Resources/subscriptions/resourceGroups/read"
)

// may reports whether a principal holds a right at an Azure scope, itself or
// through its groups, at the scope or above.
func (t *Tenant) may(principal, right, scope string) bool {
	now := t.now()
	for _, s := range t.schedules.of(t.withGroups(principal)) {
		if s.plane != PlaneAzure || s.kind != Assignment || s.unbacked || !s.inForce(now) {
			continue
		}
		if r := t.roles[strings.ToLower(s.role)]; r != nil && r.allows(right) && t.tree.contains(s.scope, scope) {
			return true
		}
	}
	return false
}

// The directory roles that administer PIM.
const (
	RoleGlobalAdmin         = "62e90394-69f5-4237-9190-012177145e10"
	RolePrivilegedRoleAdmin = "e8611ab8-c189-46e8-94e1-60213ab1f814"
)

// defaultApprover reports whether a person approves where a policy names nobody:
// who administers the role.
func (t *Tenant) defaultApprover(r *request, oid string) bool {
	if r.plane == PlaneAzure {
		return t.may(oid, rightWriteAssignments, r.scope)
	}
	return t.holdsDirectoryRole(oid, RoleGlobalAdmin) || t.holdsDirectoryRole(oid, RolePrivilegedRoleAdmin)
}

// holdsDirectoryRole reports whether a principal, itself or through its groups,
// has a directory role in force over the whole tenant.
func (t *Tenant) holdsDirectoryRole(oid, role string) bool {
	if t.holds(place{PlaneDirectory, Assignment, "/", role, oid}) {
		return true
	}
	for group := range t.groupsOf(oid) {
		if t.holds(place{PlaneDirectory, Assignment, "/", role, group}) {
			return true
		}
	}
	return false
}
