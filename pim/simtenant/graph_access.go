package simtenant

import (
	"net/http"
	"slices"
	"strings"
)

// notGranted is PIM's answer to a token without any of the permissions.
func notGranted(permissions []string) *refusal {
	return wrapped(&refusal{http.StatusForbidden, "PermissionScopeNotGranted",
		"Authorization failed due to missing permission scope " + strings.Join(permissions, ",") + "."})
}

// The directory roles that let people read what PIM knows, and write it for
// groups that hold no directory roles. An application's permission is enough.
var (
	rolesReadPIM = []string{RoleGlobalAdmin, RolePrivilegedRoleAdmin, RoleGlobalReader, RoleSecurityReader,
		roleSecurityAdmin, roleSecurityOperator}
	rolesManageRoles  = []string{RoleGlobalAdmin, RolePrivilegedRoleAdmin}
	rolesManageGroups = []string{RoleGlobalAdmin, RolePrivilegedRoleAdmin, roleDirectoryWriters, RoleGroupsAdmin,
		roleGovernanceAdmin, RoleUserAdmin}
)

func (t *Tenant) holdsAny(oid string, roles []string) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return t.holdsDirectoryRole(oid, role) })
}

// manages reports whether the caller may change what PIM holds at a scope of a
// plane: a person by role or as the owner of the group.
func (t *Tenant) manages(c caller, plane Plane, scope string) bool {
	if c.appOnly {
		return true
	}
	g := t.principal(scope)
	if plane != PlaneGroup || g == nil {
		return t.holdsAny(c.oid, rolesManageRoles)
	}
	if slices.Contains(t.holders(g, "owner"), c.oid) {
		return true
	}
	if g.roleAssignable {
		return t.holdsAny(c.oid, rolesManageRoles)
	}
	return t.holdsAny(c.oid, rolesManageGroups)
}

// reads reports whether the caller may read what PIM holds about others.
func (t *Tenant) reads(c caller, plane Plane, scope string) bool {
	return t.manages(c, plane, scope) || t.holdsAny(c.oid, rolesReadPIM)
}
