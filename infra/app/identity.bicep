@description('Name of the identity.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

resource id 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id, for the app to run as.')
output id string = id.id

@description('Client id, for credentials to name the identity by.')
output clientId string = id.properties.clientId

@description('Object id, for role assignments.')
output principalId string = id.properties.principalId
