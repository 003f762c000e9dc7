@description('Suffix of the action group\'s name.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Mail address for alerts; empty: they are only shown in the portal.')
param email string

@description('Resource id of the Service Bus namespace.')
param serviceBusId string

@description('Queues whose dead letters matter.')
param queues array

@description('Resource id of the Application Insights component.')
param applicationInsightsId string

@description('Resource id of the workspace that activity log and traces go to.')
param workspaceId string

@description('Client id of the identity that the app runs as.')
param identityClientId string

@description('Object id of that identity.')
param identityPrincipalId string

@minValue(1)
@description('Refusals within 15 minutes that are a burst.')
param refusalBurst int

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'pim'
    emailReceivers: empty(email) ? [] : [ { name: 'mail', emailAddress: email, useCommonAlertSchema: true } ]
  }
}

resource deadLetters 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'pim-dead-letters'
  location: 'global'
  tags: tags
  properties: {
    description: 'A message was given up. The alert names the queue; GET /api/deadletters shows the message.'
    severity: 1
    enabled: true
    scopes: [ serviceBusId ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead letters'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.ServiceBus/namespaces'
          metricName: 'DeadletteredMessages'
          // each queue is a time series, and so an alert, of its own
          dimensions: [ { name: 'EntityName', operator: 'Include', values: queues } ]
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Maximum'
        }
      ]
    }
    actions: [ { actionGroupId: group.id } ]
  }
}

// The handler writes its log to stdout, one JSON object a line; each becomes the message of a trace.
var audited = 'traces | where message has "audit" | extend line = parse_json(message) | where tostring(line.event) == "audit"'
var swept = 'traces | where message has "sweep" | extend line = parse_json(message) | where tostring(line.event) == "sweep"'

// What our identity did in the subscriptions whose activity log comes here (access/watch.bicep).
// Service principals appear under either id. Half of the window is left to the audit lines, which
// come before the effect they account for.
var ours = 'AzureActivity | where TimeGenerated > ago(1h) | where Caller in~ ("${identityClientId}", "${identityPrincipalId}") or Claims has "${identityPrincipalId}"'

var rules = [
  {
    name: 'pim-failures'
    title: 'azure-pim: invocations fail'
    severity: 2
    scope: applicationInsightsId
    every: 'PT5M'
    window: 'PT15M'
    query: 'requests | where success == false | summarize failures = count() by operation_Name | where failures > 3'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'pim-resume-silent'
    title: 'azure-pim: nobody looks for changes that stand still'
    severity: 1
    scope: applicationInsightsId
    every: 'PT15M'
    window: 'PT1H'
    query: 'requests | where operation_Name == "resume"'
    operator: 'LessThan'
    threshold: 1
  }
  {
    // On its first days an app has not swept either: two days of silence take two days of requests.
    // The resume timer makes some every five minutes, and its own alert tells when all is silent.
    name: 'pim-sweep-silent'
    title: 'azure-pim: the sweep did not run for two days'
    severity: 2
    scope: applicationInsightsId
    every: 'PT1H'
    window: 'P2D'
    query: 'requests | summarize swept = countif(operation_Name == "sweep"), since = min(timestamp) | where swept == 0 and since < ago(47h)'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'pim-refusals'
    title: 'azure-pim: many refusals, somebody may be trying doors'
    severity: 2
    scope: applicationInsightsId
    every: 'PT5M'
    window: 'PT15M'
    query: '${audited} and tostring(line.what) == "decision" and tobool(line.allowed) == false'
    operator: 'GreaterThan'
    threshold: refusalBurst
  }
  {
    name: 'pim-sweep-capped'
    title: 'azure-pim: a sweep wanted to remove more than its cap allows'
    severity: 1
    scope: applicationInsightsId
    every: 'PT15M'
    window: 'PT1H'
    query: '${swept} and tobool(line.capped)'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    // The app only ever writes PIM requests; everything else its identity does to access is somebody else's work.
    name: 'pim-direct-change'
    title: 'azure-pim: the identity changed access without PIM'
    severity: 0
    scope: workspaceId
    every: 'PT15M'
    window: 'PT2H'
    query: join([
      ours
      '| where OperationNameValue in~ ('
      '    "Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete",'
      '    "Microsoft.Authorization/roleDefinitions/write", "Microsoft.Authorization/roleDefinitions/delete",'
      '    "Microsoft.Authorization/roleManagementPolicies/write", "Microsoft.Authorization/elevateAccess/action")'
    ], '\n')
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    // A PIM request is named by a GUID, which the audit log holds before PIM is asked. One it does not hold was not made by the app.
    name: 'pim-unaccounted-request'
    title: 'azure-pim: the identity made a PIM request that the audit log does not know'
    severity: 0
    scope: workspaceId
    every: 'PT15M'
    window: 'PT2H'
    query: join([
      'let audited = AppTraces'
      '| where Message has "audit"'
      '| extend line = parse_json(Message)'
      '| where tostring(line.event) == "audit" and tostring(line.what) == "effect"'
      '| distinct id = tolower(tostring(line.pimRequest));'
      ours
      '| where OperationNameValue in~ ('
      '    "Microsoft.Authorization/roleAssignmentScheduleRequests/write", "Microsoft.Authorization/roleEligibilityScheduleRequests/write")'
      '| extend id = tolower(extract(@"([0-9a-fA-F-]{36})$", 1, coalesce(_ResourceId, tostring(Properties_d.entity))))'
      '| where id !in (audited)'
    ], '\n')
    operator: 'GreaterThan'
    threshold: 0
  }
]

resource log 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for r in rules: {
  name: r.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: r.title
    severity: r.severity
    enabled: true
    scopes: [ r.scope ]
    evaluationFrequency: r.every
    windowSize: r.window
    autoMitigate: true
    // a new workspace does not know its tables until the first row has come
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: r.query
          timeAggregation: 'Count'
          operator: r.operator
          threshold: r.threshold
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [ group.id ] }
  }
}]
