@description('Somebody who is given a right.')
type principal = {
  @description('Object id.')
  principalId: string
  @description('Kind of principal.')
  principalType: 'User' | 'Group' | 'ServicePrincipal'
}

@description('Name of the storage account.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@allowed([ 'Standard_LRS', 'Standard_ZRS', 'Standard_GZRS' ])
@description('How many copies are kept, and where.')
param redundancy string

@description('Object id of the identity that the app runs as.')
param principalId string

@description('Who may read the audit log, for example to verify its hash chain.')
param auditReaders principal[]

@minValue(1)
@maxValue(146000)
@description('Days that an audit record can be neither changed nor deleted.')
param auditRetentionDays int

@description('The policy has been locked by hand: leave it alone, since a locked policy takes no update.')
param auditPolicyLocked bool

@description('Workspace that audit events go to.')
param workspaceId string

@description('Close the public endpoint.')
param privateOnly bool

resource st 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: redundancy }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: privateOnly ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }

  resource blob 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: { enabled: true, days: 14 }
      containerDeleteRetentionPolicy: { enabled: true, days: 14 }
    }

    resource package 'containers' = {
      name: 'app-package'
      properties: { publicAccess: 'None' }
    }

    resource audit 'containers' = {
      name: 'audit'
      properties: { publicAccess: 'None' }

      // Days become append blobs: adding to them must stay possible, everything else must not.
      // The policy starts unlocked; docs/deployment.md says how, and when, to lock it.
      resource policy 'immutabilityPolicies' = if (!auditPolicyLocked) {
        name: 'default'
        properties: {
          immutabilityPeriodSinceCreationInDays: auditRetentionDays
          allowProtectedAppendWrites: true
        }
      }
    }

    resource sweeps 'containers' = {
      name: 'sweeps'
      properties: { publicAccess: 'None' }
    }
  }

  resource table 'tableServices' = {
    name: 'default'

    resource changes 'tables' = {
      name: 'PimChanges'
    }
  }
}

// Host locks, timer state and the deployment package are blobs, in containers the host makes
// itself: Owner on the account is what the host asks for.
var blobDataOwner = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b')
// The ledger, and the host's diagnostic events.
var tableDataContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3')
var blobDataReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1')

resource grants 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [ blobDataOwner, tableDataContributor ]: {
  scope: st
  name: guid(st.id, principalId, role)
  properties: { roleDefinitionId: role, principalId: principalId, principalType: 'ServicePrincipal' }
}]

resource readAudit 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for r in auditReaders: {
  scope: st::blob::audit
  name: guid(st::blob::audit.id, r.principalId, blobDataReader)
  properties: { roleDefinitionId: blobDataReader, principalId: r.principalId, principalType: r.principalType }
}]

// the linter counts 2016-09-01 as the newest version; that one has no categoryGroup
#disable-next-line use-recent-api-versions
resource blobDiag 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: st::blob
  name: 'log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [ { categoryGroup: 'audit', enabled: true } ]
    metrics: [ { category: 'Transaction', enabled: true } ]
  }
}

#disable-next-line use-recent-api-versions
resource tableDiag 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: st::table
  name: 'log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [ { categoryGroup: 'audit', enabled: true } ]
    metrics: [ { category: 'Transaction', enabled: true } ]
  }
}

@description('Resource id.')
output id string = st.id

@description('Name of the account.')
output name string = st.name

@description('Container that the deployed package lies in.')
output packageContainer string = st::blob::package.name

@description('Container of the append-only audit log.')
output auditContainer string = st::blob::audit.name

@description('Container of the sweep plans.')
output sweepContainer string = st::blob::sweeps.name
