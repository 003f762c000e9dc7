package simtenant

// The built-in roles that tests name.
const (
	RoleOwner           = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	RoleContributor     = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	RoleReader          = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
	RoleUserAccessAdmin = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
	RoleRBACAdmin       = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
)

// builtInRoles are the roles of a new tenant; the few of several hundred that
// tell the rights apart which matter here.
func builtInRoles() map[string]*roleDefinition {
	list := []*roleDefinition{
		{id: RoleOwner, name: "Owner", actions: []string{"*"},
			description: "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC."},
		{id: RoleContributor, name: "Contributor", actions: []string{"*"},
			notActions: []string{"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write",
				"Microsoft.Authorization/elevateAccess/Action"},
			description: "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC."},
		{id: RoleReader, name: "Reader", actions: []string{"*/read"},
			description: "View all resources, but does not allow you to make any changes."},
		{id: RoleUserAccessAdmin, name: "User Access Administrator",
			actions:     []string{"*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"},
			description: "Lets you manage user access to Azure resources."},
		{id: RoleRBACAdmin, name: "Role Based Access Control Administrator",
			actions: []string{"Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",
				"*/read", "Microsoft.Support/*"},
			description: "Manage access to Azure resources by assigning roles using Azure RBAC."},
		{id: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", name: "Storage Blob Data Reader",
			actions:     []string{"Microsoft.Storage/storageAccounts/blobServices/containers/read"},
			dataActions: []string{"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"},
			description: "Allows for read access to Azure Storage blob containers and data."},
		{id: "4633458b-17de-408a-b874-0445c86b69e6", name: "Key Vault Secrets User",
			dataActions: []string{"Microsoft.KeyVault/vaults/secrets/getSecret/action"},
			description: "Read secret contents."},
		{id: "9980e02c-c2be-4d73-94e8-173b1dc7cf3c", name: "Virtual Machine Contributor",
			actions:     []string{"Microsoft.Compute/virtualMachines/*", "Microsoft.Resources/subscriptions/resourceGroups/read"},
			description: "Lets you manage virtual machines, but not access to them."},
	}
	roles := map[string]*roleDefinition{}
	for _, r := range list {
		r.assignable = []string{"/"}
		roles[r.id] = r
	}
	return roles
}
