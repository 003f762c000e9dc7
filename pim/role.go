package pim

import (
	"slices"
	"strings"
)

// Role is what is held at a Scope. The zero Role is none.
type Role struct {
	ID   string `json:"id"`             // GUID of the role definition; member or owner on the group plane
	Name string `json:"name,omitempty"` // display name, where known
}

const (
	roleOwner         = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	roleUserAccess    = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
	roleRBAC          = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
	roleGlobal        = "62e90394-69f5-4237-9190-012177145e10"
	rolePrivileged    = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	rolePrivilegedAut = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	// Those below make people members and owners of groups, administer their accounts,
	// add credentials to applications, or say who signs in for a domain: by each of them
	// its holder becomes somebody else, who may hold more.
	roleGroups      = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
	roleUsers       = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	roleApps        = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	roleCloudApps   = "158c047a-c907-4556-b7ef-446551a6b5f7"
	roleHybrid      = "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"
	rolePartner     = "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8"
	roleDomainNames = "8329153b-31d0-4727-b945-745eb3bc5f31"
	roleWriters     = "9360feb5-f418-4baa-8175-e2a00bac4301"
	roleIntune      = "3a2c62db-5318-420d-8d74-23affee5d9d5"
	rolePartnerTier = "4ba39ca4-527c-499a-b93d-d9b492c50246"
	roleAuth        = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
	roleHelpdesk    = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	rolePasswords   = "966707d0-3269-4727-9be2-8c3a10f19b9d"
	roleGovernance  = "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e"
)

const (
	roleMember     = "member"
	roleGroupOwner = "owner"
)

// OwnerRole is the GUID of the built-in role Owner, the one role that the first
// callers of activatePIMRole could ask for.
const OwnerRole = roleOwner

// builtIn holds roles whose GUIDs are the same in every tenant, so that the common
// names cost no look-up. Sources: Azure and Entra built-in role references.
var builtIn = map[Plane][]Role{
	Azure: {
		{roleOwner, "Owner"},
		{"b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor"},
		{"acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader"},
		{roleUserAccess, "User Access Administrator"},
		{roleRBAC, "Role Based Access Control Administrator"},
	},
	Directory: {
		{roleGlobal, "Global Administrator"},
		{rolePrivileged, "Privileged Role Administrator"},
		{rolePrivilegedAut, "Privileged Authentication Administrator"},
		{roleGroups, "Groups Administrator"},
		{roleUsers, "User Administrator"},
		{roleApps, "Application Administrator"},
		{roleCloudApps, "Cloud Application Administrator"},
		{roleHybrid, "Hybrid Identity Administrator"},
		{rolePartner, "Partner Tier2 Support"},
		{roleDomainNames, "Domain Name Administrator"},
		{roleWriters, "Directory Writers"},
		{roleIntune, "Intune Administrator"},
		{rolePartnerTier, "Partner Tier1 Support"},
		{roleAuth, "Authentication Administrator"},
		{roleHelpdesk, "Helpdesk Administrator"},
		{rolePasswords, "Password Administrator"},
		{roleGovernance, "Identity Governance Administrator"},
	},
	Group: {{roleMember, "member"}, {roleGroupOwner, "owner"}},
}

// Escalating reports whether the holder of r on plane p can give itself, or anyone,
// more than r. Such a role is granted only by a rule that names it. Whether a role of
// Azure does that is not built in here says its definition alone.
func (r Role) Escalating(p Plane) bool {
	switch r.ID {
	case roleOwner, roleUserAccess, roleRBAC:
		return p == Azure
	case roleGlobal, rolePrivileged, rolePrivilegedAut, roleGroups, roleUsers, roleApps, roleCloudApps, roleHybrid, rolePartner, roleDomainNames,
		roleWriters, roleIntune, rolePartnerTier, roleAuth, roleHelpdesk, rolePasswords, roleGovernance:
		return p == Directory
	case roleGroupOwner:
		return p == Group // who owns a group decides who is in it
	}
	return false
}

// known reports whether r is one of those that need no look-up on plane p.
func (r Role) known(p Plane) bool {
	return slices.ContainsFunc(builtIn[p], func(b Role) bool { return b.ID == r.ID })
}

// knownRole finds what needs no look-up: a built-in name in any letter case, a
// GUID, or a full role definition id. A full id of another subscription than the
// scope's is an error, since the role it names need not be the one that counts.
func knownRole(s Scope, text string) (Role, bool, error) {
	for _, r := range builtIn[s.Plane()] {
		if strings.EqualFold(text, r.Name) || strings.EqualFold(text, r.ID) {
			return r, true, nil
		}
	}
	if s.Plane() == Group {
		return Role{}, false, invalid("role", "role %q of a group is neither member nor owner", clip(text))
	}
	if id, ok := parseGUID(text); ok {
		return Role{ID: id}, true, nil
	}
	if !strings.Contains(text, "/") {
		return Role{}, false, nil
	}
	const mark = "/providers/microsoft.authorization/roledefinitions/"
	at := strings.LastIndex(strings.ToLower(text), mark)
	if s.Plane() != Azure || at < 0 {
		return Role{}, false, invalid("role", "role %q is not a name, a GUID or a role definition id", clip(text))
	}
	id, ok := parseGUID(text[at+len(mark):])
	if !ok {
		return Role{}, false, invalid("role", "role %q does not end in a GUID", clip(text))
	}
	if at > 0 {
		home, err := ParseScope(Azure, text[:at])
		if err != nil || !home.Contains(s) {
			return Role{}, false, invalid("role", "role %q is defined at another scope than %s", clip(text), s)
		}
	}
	role, _, err := knownRole(s, id)
	return role, true, err
}
