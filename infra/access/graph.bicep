extension microsoftGraphV1

// Microsoft Graph application permissions of the app's identity, for the planes that are in use.
// Deploying this takes AppRoleAssignment.ReadWrite.All, or Privileged Role Administrator, so it is
// kept apart from main.bicep; scripts/grant-graph-permissions.sh does the same where Bicep may not.
// Either only adds: docs/deployment.md says how to take a permission back.

@description('Object id of the identity that the app runs as.')
param principalId string

@description('Serve Entra roles (plane "directory").')
param directoryPlane bool = false

@description('Serve PIM for groups (plane "group").')
param groupPlane bool = false

@description('Look principals up: names, group members, accounts that are disabled or gone. Less than Directory.Read.All does not do: Graph asks for it where the kind of an object is not known beforehand.')
param lookups bool = true

@description('Show the directory\'s own audit events (GET /api/audit).')
param audit bool = false

// RoleManagement.ReadWrite.Directory is left out on purpose: with it the app could make itself Global Administrator.
var permissions = union(
  directoryPlane ? [
    'RoleEligibilitySchedule.ReadWrite.Directory'
    'RoleAssignmentSchedule.ReadWrite.Directory'
    'RoleManagementPolicy.Read.Directory'
    'RoleManagement.Read.Directory'
  ] : [],
  groupPlane ? [
    'PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup'
    'PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup'
    'RoleManagementPolicy.Read.AzureADGroup'
  ] : [],
  lookups ? [
    'Directory.Read.All'
  ] : [],
  audit ? [
    'AuditLog.Read.All'
    'Directory.Read.All'
  ] : []
)

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: '00000003-0000-0000-c000-000000000000'
}

resource grants 'Microsoft.Graph/appRoleAssignedTo@v1.0' = [for p in permissions: {
  principalId: principalId
  resourceId: graph.id
  appRoleId: first(filter(graph.appRoles, r => r.value == p))!.id
}]
