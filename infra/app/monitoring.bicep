@description('Suffix of the resource names.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Object id of the identity that sends telemetry.')
param principalId string

@minValue(30)
@maxValue(730)
@description('Days that logs stay searchable.')
param retentionInDays int

resource log 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    features: { enableLogAccessUsingOnlyResourcePermissions: true, disableLocalAuth: true }
  }
}

resource appi 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: log.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

var monitoringMetricsPublisher = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: appi
  name: guid(appi.id, principalId, monitoringMetricsPublisher)
  properties: { roleDefinitionId: monitoringMetricsPublisher, principalId: principalId, principalType: 'ServicePrincipal' }
}

@description('Resource id of the workspace that every diagnostic setting sends to.')
output workspaceId string = log.id

@description('Name of the Application Insights component.')
output applicationInsightsName string = appi.name

@description('Resource id of the Application Insights component.')
output applicationInsightsId string = appi.id
