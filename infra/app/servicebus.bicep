@description('Somebody who is given a right.')
type principal = {
  @description('Object id.')
  principalId: string
  @description('Kind of principal.')
  principalType: 'User' | 'Group' | 'ServicePrincipal'
}

@description('Name of the namespace.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('DNS suffix of Service Bus in this cloud.')
param suffix string

@description('Object id of the identity that the app runs as.')
param principalId string

@description('Who may ask: may send to pim-requests.')
param requestSenders principal[]

@description('Who is told: may receive from pim-outcomes.')
param outcomeReceivers principal[]

@description('Workspace that audit events go to.')
param workspaceId string

@description('Close the public endpoint; private endpoints need the Premium tier.')
param privateOnly bool

// The host renews a lock while an invocation runs, so the lock is short: when an instance dies, its
// messages come back after a minute. A send that went wrong is repeated within seconds, while a
// message that is wanted once more carries an id of its own: ten minutes is ample, and swallows nothing.
var lock = 'PT1M'
var duplicateWindow = 'PT10M'
var deliveries = 10

resource ns 'Microsoft.ServiceBus/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: privateOnly ? { name: 'Premium', tier: 'Premium', capacity: 1 } : { name: 'Standard', tier: 'Standard' }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
  }

  // The front door for others. A request nobody could take within a day is stale, and is kept to be looked at.
  resource requests 'queues' = {
    name: 'pim-requests'
    properties: {
      lockDuration: lock
      maxDeliveryCount: deliveries
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: duplicateWindow
      defaultMessageTimeToLive: 'P1D'
      deadLetteringOnMessageExpiration: true
    }
  }

  // Our own continuations, scheduled for their time; the time to live counts from then.
  resource changes 'queues' = {
    name: 'pim-changes'
    properties: {
      lockDuration: lock
      maxDeliveryCount: deliveries
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: duplicateWindow
      defaultMessageTimeToLive: 'P14D'
      deadLetteringOnMessageExpiration: true
    }
  }

  // Events for others. Where nobody is named to read them they end after two weeks without a trace;
  // where somebody is, an unread event becomes a dead letter, and that an alert.
  resource outcomes 'queues' = {
    name: 'pim-outcomes'
    properties: {
      lockDuration: lock
      maxDeliveryCount: deliveries
      requiresDuplicateDetection: true
      duplicateDetectionHistoryTimeWindow: duplicateWindow
      defaultMessageTimeToLive: 'P14D'
      deadLetteringOnMessageExpiration: !empty(outcomeReceivers)
    }
  }
}

var dataReceiver = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0')
var dataSender = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39')

// Rights are given queue by queue. Our own identity has both on each: it takes from two and tells
// the third, and it shows the dead letters of all three and puts them back by sending them again.
// Nobody else may send to pim-changes: a message there continues a change that was decided already.
resource onRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [ dataReceiver, dataSender ]: {
  scope: ns::requests
  name: guid(ns::requests.id, principalId, role)
  properties: { roleDefinitionId: role, principalId: principalId, principalType: 'ServicePrincipal' }
}]

resource onChanges 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [ dataReceiver, dataSender ]: {
  scope: ns::changes
  name: guid(ns::changes.id, principalId, role)
  properties: { roleDefinitionId: role, principalId: principalId, principalType: 'ServicePrincipal' }
}]

resource onOutcomes 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in [ dataReceiver, dataSender ]: {
  scope: ns::outcomes
  name: guid(ns::outcomes.id, principalId, role)
  properties: { roleDefinitionId: role, principalId: principalId, principalType: 'ServicePrincipal' }
}]

resource othersSendRequests 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for s in requestSenders: {
  scope: ns::requests
  name: guid(ns::requests.id, s.principalId, dataSender)
  properties: { roleDefinitionId: dataSender, principalId: s.principalId, principalType: s.principalType }
}]

resource othersReceiveOutcomes 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for r in outcomeReceivers: {
  scope: ns::outcomes
  name: guid(ns::outcomes.id, r.principalId, dataReceiver)
  properties: { roleDefinitionId: dataReceiver, principalId: r.principalId, principalType: r.principalType }
}]

// the linter counts 2016-09-01 as the newest version; that one has no categoryGroup
#disable-next-line use-recent-api-versions
resource diag 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: ns
  name: 'log-analytics'
  properties: {
    workspaceId: workspaceId
    logs: [ { categoryGroup: 'allLogs', enabled: true } ]
    metrics: [ { category: 'AllMetrics', enabled: true } ]
  }
}

@description('Resource id.')
output id string = ns.id

@description('Fully qualified name, as clients connect to it.')
output fqdn string = '${ns.name}.${suffix}'

@description('Names of the queues, for the alerts.')
output queues array = [ ns::requests.name, ns::changes.name, ns::outcomes.name ]
