@description('Somebody who is given a right.')
type principal = {
  @description('Object id.')
  principalId: string
  @description('Kind of principal.')
  principalType: 'User' | 'Group' | 'ServicePrincipal'
}

@description('Name of the vault.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Object id of the identity that reads secrets.')
param principalId string

@description('Who may write the rules that are kept as secrets.')
param editors principal[]

@description('Workspace that audit events go to.')
param workspaceId string

@description('Close the public endpoint.')
param privateOnly bool

@description('Bring back the vault that an earlier deletion left behind.')
param recover bool

resource kv 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    createMode: recover ? 'recover' : 'default'
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: privateOnly ? 'disabled' : 'enabled'
    networkAcls: { defaultAction: privateOnly ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')
var secretsOfficer = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7')

resource read 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: kv
  name: guid(kv.id, principalId, secretsUser)
  properties: { roleDefinitionId: secretsUser, principalId: principalId, principalType: 'ServicePrincipal' }
}

resource edit 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for e in editors: {
  scope: kv
  name: guid(kv.id, e.principalId, secretsOfficer)
  properties: { roleDefinitionId: secretsOfficer, principalId: e.principalId, principalType: e.principalType }
}]

// the linter counts 2016-09-01 as the newest version; that one has no categoryGroup
#disable-next-line use-recent-api-versions
resource diag 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: kv
  name: 'log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [ { categoryGroup: 'audit', enabled: true } ]
    metrics: [ { category: 'AllMetrics', enabled: true } ]
  }
}

@description('Resource id.')
output id string = kv.id

@description('Name, for az keyvault secret set.')
output name string = kv.name

@description('Address of the vault.')
output uri string = kv.properties.vaultUri
