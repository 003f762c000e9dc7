targetScope = 'subscription'

@description('Somebody who is given a right.')
type principal = {
  @description('Object id.')
  principalId: string
  @description('Kind of principal.')
  principalType: 'User' | 'Group' | 'ServicePrincipal'
}

@minLength(1)
@maxLength(64)
@description('Name of the environment; part of the resource group\'s name, and every other name follows from it.')
param environmentName string

@minLength(1)
@description('Azure region; it must offer Flex Consumption.')
@metadata({ azd: { type: 'location' } })
param location string

// A deployment only ever adds role assignments: docs/deployment.md, Taking rights back.

// What it may do

@description('GUIDs, comma separated, of the role definitions that the app may assign in this subscription. Empty: it is given no access here, and keeps what it was given before until that is deleted.')
param managedRoleIds string = ''

@description('Let managedRoleIds hold Owner, User Access Administrator or Role Based Access Control Administrator.')
param allowPrivilegedRoles bool = false

@description('Hold the app to managedRoleIds by a condition that Azure evaluates.')
param constrainDelegation bool = true

@description('Object ids, comma separated, of break-glass accounts and groups that the app must never touch.')
param protectedPrincipalIds string = ''

@description('Object ids, comma separated, of the groups that administer the app: never granted anything, nor changed by it.')
param adminGroupIds string = ''

@description('Proof of the API registration, as keyvault:<name>. Empty: a federated credential of the identity vouches for it.')
param apiCredential string = ''

@description('Where the rules are: a file in the package, or keyvault:<name> for a secret in the vault.')
param rules string = 'rules.yaml'

@description('Where the sweep rules are, in the same form. Empty: nothing is swept.')
param sweepRules string = 'sweep.yaml'

@description('Refuse everything: the switch for an emergency.')
param disabled bool = false

// Who may talk to it

@description('Client id of the app registration that callers ask tokens for. Empty: no tokens, only function keys and queues.')
param apiClientId string = ''

@description('Turn callers without a token away in front of the handler (App Service authentication). Needs apiClientId; function keys alone no longer do then.')
param easyAuth bool = false

@description('Client ids of the applications that App Service authentication lets in, besides the registration itself.')
param apiCallers string[] = []

@description('Who may send to the queue pim-requests. Somebody taken out keeps the right until it is deleted.')
param requestSenders principal[] = []

@description('Who may receive from the queue pim-outcomes. Somebody taken out keeps the right until it is deleted.')
param outcomeReceivers principal[] = []

@description('Who may write the rules in the key vault. This is as much power as the app itself has. Somebody taken out keeps the right until it is deleted.')
param rulesEditors principal[] = []

@description('Who may read the audit log. Somebody taken out keeps the right until it is deleted.')
param auditReaders principal[] = []

// How it runs

@description('When the sweep runs: NCRONTAB, six fields, seconds first, UTC. At least every two days, or its alert tells.')
param sweepSchedule string = '0 0 3 * * *'

@description('How long the ledger keeps a change that has ended.')
param ledgerRetention string = 'P400D'

@minValue(1)
@maxValue(146000)
@description('Days that an audit record can be neither changed nor deleted.')
param auditRetentionDays int = 400

@description('The audit log\'s retention policy has been locked by hand: leave it alone.')
param auditPolicyLocked bool = false

@minValue(30)
@maxValue(730)
@description('Days that logs stay searchable.')
param logRetentionDays int = 90

@allowed([ 'Standard_LRS', 'Standard_ZRS', 'Standard_GZRS' ])
@description('How many copies of package, ledger and audit log are kept, and where. Not every region has zones.')
param storageRedundancy string = 'Standard_ZRS'

@allowed([ 512, 2048, 4096 ])
@description('Memory of an instance, in MB.')
param instanceMemoryMB int = 512

@minValue(40)
@maxValue(1000)
@description('Most instances at once. The limits of ARM and Graph are reached long before.')
param maximumInstanceCount int = 40

@minValue(0)
@maxValue(20)
@description('Instances kept warm for HTTP: no cold start, at a price.')
param alwaysReadyInstances int = 0

@description('Mail address for alerts. Empty: they are only shown in the portal.')
param alertEmail string = ''

@minValue(1)
@description('Refusals within 15 minutes that are a burst.')
param refusalBurst int = 20

@description('Bring back the key vault that an earlier deletion of this environment left behind.')
param recoverKeyVault bool = false

// Where it is reached

@description('Put storage, Service Bus (then Premium) and key vault behind private endpoints. The provider Microsoft.App must be registered in the subscription.')
param privateNetworking bool = false

@description('Address space of the virtual network; two /24 subnets are cut from it.')
param addressPrefix string = '10.0.0.0/16'

@description('Let the HTTP API be reached from the internet. Without it (and with privateNetworking) the API has a private endpoint, and only a runner inside the network can deploy.')
param publicApi bool = true

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }
var roleIds = filter(map(split(managedRoleIds, ','), r => trim(r)), r => !empty(r))

var cloud = environment().name == 'AzureUSGovernment' ? 'usgov' : environment().name == 'AzureChinaCloud' ? 'china' : 'public'
var serviceBusSuffix = cloud == 'usgov' ? 'servicebus.usgovcloudapi.net' : cloud == 'china' ? 'servicebus.chinacloudapi.cn' : 'servicebus.windows.net'
var sitesZone = cloud == 'usgov' ? 'privatelink.azurewebsites.us' : cloud == 'china' ? 'privatelink.chinacloudsites.cn' : 'privatelink.azurewebsites.net'

resource rg 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  scope: rg
  params: { name: 'id-pim-${token}', location: location, tags: tags }
}

module monitoring 'app/monitoring.bicep' = {
  scope: rg
  params: {
    name: 'pim-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    retentionInDays: logRetentionDays
  }
}

module network 'app/network.bicep' = if (privateNetworking) {
  scope: rg
  params: { name: 'vnet-pim-${token}', location: location, tags: tags, addressPrefix: addressPrefix }
}

module storage 'app/storage.bicep' = {
  scope: rg
  params: {
    name: 'stpim${token}'
    location: location
    tags: tags
    redundancy: storageRedundancy
    principalId: identity.outputs.principalId
    auditReaders: auditReaders
    auditRetentionDays: auditRetentionDays
    auditPolicyLocked: auditPolicyLocked
    workspaceId: monitoring.outputs.workspaceId
    privateOnly: privateNetworking
  }
}

module serviceBus 'app/servicebus.bicep' = {
  scope: rg
  params: {
    name: 'sb-pim-${token}'
    location: location
    tags: tags
    suffix: serviceBusSuffix
    principalId: identity.outputs.principalId
    requestSenders: requestSenders
    outcomeReceivers: outcomeReceivers
    workspaceId: monitoring.outputs.workspaceId
    privateOnly: privateNetworking
  }
}

module keyVault 'app/keyvault.bicep' = {
  scope: rg
  params: {
    name: take('kv-pim-${token}', 24)
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    editors: rulesEditors
    workspaceId: monitoring.outputs.workspaceId
    privateOnly: privateNetworking
    recover: recoverKeyVault
  }
}

module endpoints 'app/privateendpoints.bicep' = if (privateNetworking) {
  scope: rg
  params: {
    location: location
    tags: tags
    vnetId: network!.outputs.vnetId
    subnetId: network!.outputs.endpointSubnetId
    targets: [
      { name: 'blob', id: storage.outputs.id, group: 'blob', zone: 'privatelink.blob.${environment().suffixes.storage}' }
      { name: 'table', id: storage.outputs.id, group: 'table', zone: 'privatelink.table.${environment().suffixes.storage}' }
      { name: 'servicebus', id: serviceBus.outputs.id, group: 'namespace', zone: 'privatelink.${serviceBusSuffix}' }
      { name: 'vault', id: keyVault.outputs.id, group: 'vault', zone: 'privatelink${replace(environment().suffixes.keyvaultDns, '.vault.', '.vaultcore.')}' }
    ]
  }
}

module function 'app/function.bicep' = {
  scope: rg
  // the host's first start already looks its storage up by the private name
  dependsOn: [ endpoints ]
  params: {
    name: 'func-pim-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    identityPrincipalId: identity.outputs.principalId
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    workspaceId: monitoring.outputs.workspaceId
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    auditContainer: storage.outputs.auditContainer
    sweepContainer: storage.outputs.sweepContainer
    serviceBusFqdn: serviceBus.outputs.fqdn
    keyVaultUri: keyVault.outputs.uri
    subnetId: privateNetworking ? network!.outputs.appSubnetId : ''
    publicApi: publicApi || !privateNetworking
    cloud: cloud
    apiClientId: apiClientId
    apiCallers: apiCallers
    easyAuth: easyAuth
    rules: rules
    sweepRules: sweepRules
    protectedPrincipalIds: protectedPrincipalIds
    adminGroupIds: adminGroupIds
    apiCredential: apiCredential
    ledgerRetention: ledgerRetention
    sweepSchedule: sweepSchedule
    disabled: disabled
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
  }
}

module apiEndpoint 'app/privateendpoints.bicep' = if (privateNetworking && !publicApi) {
  scope: rg
  params: {
    location: location
    tags: tags
    vnetId: network!.outputs.vnetId
    subnetId: network!.outputs.endpointSubnetId
    targets: [ { name: 'sites', id: function.outputs.id, group: 'sites', zone: sitesZone } ]
  }
}

module alerts 'app/alerts.bicep' = {
  scope: rg
  params: {
    name: 'pim-${token}'
    location: location
    tags: tags
    email: alertEmail
    serviceBusId: serviceBus.outputs.id
    queues: serviceBus.outputs.queues
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    workspaceId: monitoring.outputs.workspaceId
    identityClientId: identity.outputs.clientId
    identityPrincipalId: identity.outputs.principalId
    refusalBurst: refusalBurst
  }
}

module watch 'access/watch.bicep' = {
  params: { workspaceId: monitoring.outputs.workspaceId }
}

// Access to what it manages: this subscription. docs/deployment.md says how to give more.
module access 'access/subscription.bicep' = if (!empty(roleIds)) {
  params: {
    principalId: identity.outputs.principalId
    roleIds: roleIds
    allowPrivilegedRoles: allowPrivilegedRoles
    constrainDelegation: constrainDelegation
  }
}

@description('Region of the deployment.')
output AZURE_LOCATION string = location

@description('Resource group of the app.')
output AZURE_RESOURCE_GROUP string = rg.name

@description('Name of the function app.')
output SERVICE_PIM_NAME string = function.outputs.name

@description('Address of the HTTP API, without the route prefix.')
output SERVICE_PIM_URI string = function.outputs.uri

@description('Object id of the app\'s identity: what access/*.bicep and scripts/grant-graph-permissions.sh ask for.')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId

@description('Client id of the app\'s identity.')
output IDENTITY_CLIENT_ID string = identity.outputs.clientId

@description('Name of the key vault.')
output KEY_VAULT_NAME string = keyVault.outputs.name

@description('Storage account of package, ledger and audit log.')
output STORAGE_ACCOUNT_NAME string = storage.outputs.name

@description('Service Bus namespace, as clients connect to it.')
output SERVICE_BUS_NAMESPACE string = serviceBus.outputs.fqdn

@description('Workspace that logs go to: what access/watch.bicep asks for.')
output LOG_ANALYTICS_WORKSPACE_ID string = monitoring.outputs.workspaceId
