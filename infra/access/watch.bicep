// Sends a subscription's activity log to the workspace, where alerts compare it with the audit log.
// Deploy it to every subscription the identity has rights in.
targetScope = 'subscription'

@description('Resource id of the workspace.')
param workspaceId string

// A second environment in the subscription has a workspace of its own, and must not take over the
// setting of the first. Ids are equal whatever their case.
var name = 'azure-pim-${uniqueString(toLower(workspaceId))}'

// the linter counts 2016-09-01 as the newest version; that one is for resources only
#disable-next-line use-recent-api-versions
resource activity 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: name
  properties: {
    workspaceId: workspaceId
    logs: [ { category: 'Administrative', enabled: true } ]
  }
}
