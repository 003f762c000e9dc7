@description('Name of the function app.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Resource id of the identity that the app runs as.')
param identityId string

@description('Client id of that identity.')
param identityClientId string

@description('Object id of that identity.')
param identityPrincipalId string

@description('Name of the Application Insights component.')
param applicationInsightsName string

@description('Workspace that logs go to.')
param workspaceId string

@description('Name of the storage account.')
param storageName string

@description('Container that the deployed package lies in.')
param packageContainer string

@description('Container of the audit log.')
param auditContainer string

@description('Container of the sweep plans.')
param sweepContainer string

@description('Fully qualified name of the Service Bus namespace.')
param serviceBusFqdn string

@description('Address of the key vault.')
param keyVaultUri string

@description('Subnet the app reaches out from; empty: no private networking.')
param subnetId string

@description('Let the HTTP API be reached from the internet.')
param publicApi bool

@allowed([ 'public', 'usgov', 'china' ])
@description('Cloud whose ARM and Graph are asked.')
param cloud string

@description('Client id of the app registration that callers ask tokens for; empty: no tokens, only keys and queues.')
param apiClientId string

@description('Client ids of the applications that App Service authentication lets in, besides the registration itself.')
param apiCallers string[]

@description('Turn callers without a token away before the handler sees them.')
param easyAuth bool

@description('Where the rules are: a file in the package, or keyvault:<name>.')
param rules string

@description('Where the sweep rules are, in the same form; empty: nothing is swept.')
param sweepRules string

@description('Object ids, comma separated, that are never touched.')
param protectedPrincipalIds string

@description('Object ids, comma separated, of the groups that administer the app.')
param adminGroupIds string

@description('Proof of the API registration, as keyvault:<name>; empty: the identity vouches for it.')
param apiCredential string

@description('How long the ledger keeps a change that has ended.')
param ledgerRetention string

@description('When the sweep runs: six fields, seconds first, UTC.')
param sweepSchedule string

@description('Refuse everything: the switch for an emergency.')
param disabled bool

@allowed([ 512, 2048, 4096 ])
@description('Memory of an instance, in MB.')
param instanceMemoryMB int

@minValue(40)
@maxValue(1000)
@description('Most instances at once.')
param maximumInstanceCount int

@minValue(0)
@maxValue(20)
@description('Instances kept warm for HTTP.')
param alwaysReadyInstances int

resource st 'Microsoft.Storage/storageAccounts@2024-01-01' existing = { name: storageName }

resource appi 'Microsoft.Insights/components@2020-02-02' existing = { name: applicationInsightsName }

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

var authenticated = easyAuth && !empty(apiClientId)

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'pim' })
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: publicApi ? 'Enabled' : 'Disabled'
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: { minTlsVersion: '1.2', http20Enabled: true }
    functionAppConfig: {
      runtime: { name: 'custom', version: '1.0' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances > 0 ? [ { name: 'http', instanceCount: alwaysReadyInstances } ] : []
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${st.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identityId }
        }
      }
    }
  }

  // Every setting of ours is here; docs/settings.md says what each means.
  // Flex Consumption refuses FUNCTIONS_WORKER_RUNTIME and FUNCTIONS_EXTENSION_VERSION.
  resource settings 'config' = {
    name: 'appsettings'
    properties: {
      PIM_TENANT_ID: tenant().tenantId
      PIM_CLOUD: cloud
      PIM_IDENTITY_OBJECT_ID: identityPrincipalId
      PIM_RESOURCE_GROUP: resourceGroup().id
      PIM_PROTECTED_PRINCIPALS: protectedPrincipalIds
      PIM_ADMIN_GROUPS: adminGroupIds
      // Tokens of version 2.0 name the bare id.
      PIM_AUDIENCE: empty(apiClientId) ? '' : 'api://${apiClientId},${apiClientId}'
      PIM_APP_ID: apiClientId
      PIM_APP_SECRET: apiCredential
      PIM_RULES: rules
      PIM_SWEEP_RULES: sweepRules
      PIM_KEY_VAULT_URI: keyVaultUri
      PIM_LEDGER: st.properties.primaryEndpoints.table
      PIM_LEDGER_RETENTION: ledgerRetention
      PIM_AUDIT_CONTAINER: '${st.properties.primaryEndpoints.blob}${auditContainer}'
      PIM_SWEEP_STORE: '${st.properties.primaryEndpoints.blob}${sweepContainer}'
      PIM_DISABLED: disabled ? 'true' : ''
      SWEEP_SCHEDULE: sweepSchedule
      AZURE_CLIENT_ID: identityClientId
      ServiceBusConnection__fullyQualifiedNamespace: serviceBusFqdn
      ServiceBusConnection__credential: 'managedidentity'
      ServiceBusConnection__clientId: identityClientId
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      AzureWebJobsStorage__blobServiceUri: st.properties.primaryEndpoints.blob
      AzureWebJobsStorage__tableServiceUri: st.properties.primaryEndpoints.table
      APPLICATIONINSIGHTS_CONNECTION_STRING: appi.properties.ConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      // lets App Service authentication use the identity as the registration's federated credential: nothing to leak or to rotate
      OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
    }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  // A resource whose condition is false is left as it is. This one is deployed always, or what was
  // switched on once could never be switched off.
  resource auth 'config' = {
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: authenticated, runtimeVersion: '~1' }
      globalValidation: {
        requireAuthentication: authenticated
        unauthenticatedClientAction: 'Return401'
        excludedPaths: [ '/api/health' ]
      }
      httpSettings: { requireHttps: true }
      identityProviders: empty(apiClientId) ? {} : {
        azureActiveDirectory: {
          enabled: true
          registration: {
            clientId: apiClientId
            openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
            clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          }
          validation: {
            allowedAudiences: [ 'api://${apiClientId}', apiClientId ]
            defaultAuthorizationPolicy: { allowedApplications: concat([ apiClientId ], apiCallers) }
          }
        }
      }
      login: { tokenStore: { enabled: false } }
    }
  }
}

// the linter counts 2016-09-01 as the newest version; that one has no categoryGroup
#disable-next-line use-recent-api-versions
resource diag 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [ { category: 'FunctionAppLogs', enabled: true }, { category: 'AppServiceAuthenticationLogs', enabled: true } ]
    metrics: [ { category: 'AllMetrics', enabled: true } ]
  }
}

@description('Resource id.')
output id string = app.id

@description('Name of the function app.')
output name string = app.name

@description('Address of the HTTP API, without the route prefix.')
output uri string = 'https://${app.properties.defaultHostName}'
