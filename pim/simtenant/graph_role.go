package simtenant

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// directoryRole is an Entra role.
type directoryRole struct {
	id, name string
	// inUnits and onApps say where it can be limited to.
	inUnits, onApps bool
	custom          bool
	description     string
}

// Directory roles that tests name, and those that the planes of Graph ask about.
// RoleGlobalAdmin and RolePrivilegedRoleAdmin are others.
const (
	RoleGroupsAdmin      = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
	RoleUserAdmin        = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	RoleHelpdeskAdmin    = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	RoleApplicationAdmin = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
	RoleGlobalReader     = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	RoleSecurityReader   = "5d6b6bb7-de71-4623-b4af-96380a352509"

	roleSecurityAdmin    = "194ae4cb-b126-40b2-bd5b-6091b380977d"
	roleSecurityOperator = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"
	roleReportsReader    = "4a5d8f65-41da-4de4-8968-e035b65339cf"
	roleDirectoryWriters = "9360feb5-f418-4baa-8175-e2a00bac4301"
	roleGovernanceAdmin  = "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e"
)

// builtInDirectoryRoles are some of the hundred or so, with the same ids in every
// tenant.
func builtInDirectoryRoles() []*directoryRole {
	return []*directoryRole{
		{id: RoleGlobalAdmin, name: "Global Administrator"},
		{id: RolePrivilegedRoleAdmin, name: "Privileged Role Administrator"},
		{id: "7be44c8a-adaf-4e2a-84d6-ab2649e08a13", name: "Privileged Authentication Administrator"},
		{id: RoleGlobalReader, name: "Global Reader"},
		{id: RoleSecurityReader, name: "Security Reader"},
		{id: roleSecurityAdmin, name: "Security Administrator"},
		{id: roleSecurityOperator, name: "Security Operator"},
		{id: roleReportsReader, name: "Reports Reader"},
		{id: roleDirectoryWriters, name: "Directory Writers"},
		{id: "88d8e3e3-8f55-4a1e-953a-9b9898b8876b", name: "Directory Readers"},
		{id: roleGovernanceAdmin, name: "Identity Governance Administrator"},
		{id: RoleGroupsAdmin, name: "Groups Administrator", inUnits: true},
		{id: RoleUserAdmin, name: "User Administrator", inUnits: true},
		{id: RoleHelpdeskAdmin, name: "Helpdesk Administrator", inUnits: true},
		{id: "966707d0-3269-4727-9be2-8c3a10f19b9d", name: "Password Administrator", inUnits: true},
		{id: "c4e39bd9-1100-46d3-8c65-fb160da0071f", name: "Authentication Administrator", inUnits: true},
		{id: "4d6ac14f-3453-41d0-bef9-a3e0c569773a", name: "License Administrator", inUnits: true},
		{id: RoleApplicationAdmin, name: "Application Administrator", onApps: true},
		{id: "158c047a-c907-4556-b7ef-446551a6b5f7", name: "Cloud Application Administrator", onApps: true},
		{id: "29232cdf-9323-42fd-ade2-1d097af3e4de", name: "Exchange Administrator"},
		{id: "f28a1f50-f6e7-4571-818b-6a12f2af6b6c", name: "SharePoint Administrator"},
		{id: "8424c6f0-a189-499e-bbd0-26c1753c96d4", name: "Attribute Definition Administrator"},
	}
}

// AddDirectoryRole seeds a custom directory role and returns its id.
func (t *Tenant) AddDirectoryRole(name, description string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &directoryRole{id: t.namedID("directoryRole", name), name: name, description: description, custom: true, onApps: true}
	t.directory.roles = append(t.directory.roles, r)
	return r.id
}

// directoryRoleByID finds a directory role, or nil.
func (t *Tenant) directoryRoleByID(id string) *directoryRole {
	i := slices.IndexFunc(t.directory.roles, func(r *directoryRole) bool { return sameID(r.id, id) })
	if i < 0 {
		return nil
	}
	return t.directory.roles[i]
}

// readRoles are the permissions that let role definitions be read.
var readRoles = slices.Concat([]string{"RoleManagement.Read.Directory", "RoleManagement.Read.All", "RoleManagement.ReadWrite.Directory"}, readDirectory)

const roleDefinitions = "roleManagement/directory/roleDefinitions"

func (t *Tenant) graphRoleDefinitions(c *graphCall) *answer {
	if !c.caller.allowed(readRoles...) {
		return graphError(errDenied)
	}
	terms, ok := parseComparisons(c.query.Get("$filter"), "displayName", "id", "isBuiltIn")
	if !ok {
		return graphError(invalidFilter(c.query.Get("$filter")))
	}
	var items []map[string]any
	for _, r := range t.directory.roles {
		if keeps(terms, r.field) {
			items = append(items, r.render())
		}
	}
	return t.graphItems(c, roleDefinitions, (&directoryRole{}).render(), items)
}

func (t *Tenant) graphRoleDefinition(c *graphCall) *answer {
	if !c.caller.allowed(readRoles...) {
		return graphError(errDenied)
	}
	r := t.directoryRoleByID(c.args[0])
	if r == nil {
		return graphError(noObject(c.args[0]))
	}
	return c.one(roleDefinitions, r.render())
}

func (r *directoryRole) field(name string) string {
	switch name {
	case "displayName":
		return r.name
	case "id":
		return r.id
	}
	return strconv.FormatBool(!r.custom)
}

func (r *directoryRole) render() map[string]any {
	description := r.description
	if description == "" {
		description = "Can do what the role " + strings.ToLower(r.name) + " is for."
	}
	return map[string]any{
		"id": r.id, "displayName": r.name, "description": description, "isBuiltIn": !r.custom, "isEnabled": true,
		"resourceScopes": []string{"/"}, "templateId": r.id, "version": "1",
		"rolePermissions": []any{map[string]any{"allowedResourceActions": []string{"microsoft.directory/users/standard/read"}, "condition": nil}},
	}
}

// noSuch is the 404 of PIM on Graph.
func noSuch() *refusal {
	return &refusal{http.StatusNotFound, "ResourceNotFound", "The requested resource does not exist."}
}
