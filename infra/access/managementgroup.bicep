// What the app's identity may do in a management group and all below it. access/subscription.bicep is the same for a subscription.
targetScope = 'managementGroup'

@description('Object id of the identity that the app runs as.')
param principalId string

@description('GUIDs of the role definitions that the identity may assign here. Empty: it is given no right to assign, and keeps what it was given before until that is deleted.')
param roleIds string[] = []

@description('Let roleIds hold Owner, User Access Administrator or Role Based Access Control Administrator. Who can assign one of these can make anyone, and so itself, all-powerful here.')
param allowPrivilegedRoles bool = false

@description('Hold the identity to roleIds and principalTypes by a condition that Azure evaluates. Without it the identity can assign every role here, and only the app\'s own rules hold it back.')
param constrainDelegation bool = true

@description('Kinds of principals that roles may be assigned to.')
param principalTypes ('User' | 'Group' | 'ServicePrincipal')[] = [ 'User', 'Group' ]

var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
var rbacAdministrator = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'
var privileged = [
  '8e3af657-a8ff-443c-a75c-2fe8c4bcb635' // Owner
  '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9' // User Access Administrator
  rbacAdministrator
]

// A GUID has 36 characters in the one form compared here; a form that slipped past the list of privileged roles would open it.
var wanted = map(roleIds, r => toLower(trim(r)))
var malformed = filter(wanted, r => length(r) != 36 || length(split(r, '-')) != 5)
var escalating = filter(wanted, r => contains(privileged, r))
var checked = !empty(malformed)
  ? fail('roleIds must be GUIDs of role definitions: ${join(malformed, ', ')}')
  : !empty(escalating) && !allowPrivilegedRoles
      ? fail('roleIds holds roles that can raise their holder to anything: ${join(escalating, ', ')}; allowPrivilegedRoles must say that this is meant')
      : wanted

var types = '\'${join(principalTypes, '\', \'')}\''
var condition = replace(replace(loadTextContent('delegation.condition.txt'), '<roles>', join(checked, ', ')), '<types>', types)

// Reading is a right of its own: taking the delegation away in an emergency leaves the app able to tell what stands.
resource read 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, principalId, reader)
  properties: {
    roleDefinitionId: tenantResourceId('Microsoft.Authorization/roleDefinitions', reader)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'azure-pim: lists assignments, eligibilities, policies and role definitions.'
  }
}

resource delegate 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(checked)) {
  name: guid(managementGroup().id, principalId, rbacAdministrator)
  properties: {
    roleDefinitionId: tenantResourceId('Microsoft.Authorization/roleDefinitions', rbacAdministrator)
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'azure-pim: makes eligible and assigns for a time the roles of the condition.'
    condition: constrainDelegation ? condition : null
    conditionVersion: constrainDelegation ? '2.0' : null
  }
}
