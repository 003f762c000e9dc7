@description('A resource that is reached through a private endpoint.')
type target = {
  @description('Short name, unique in the resource group.')
  name: string
  @description('Resource id.')
  id: string
  @description('Sub-resource, for example blob.')
  group: string
  @description('Private DNS zone that answers for it.')
  zone: string
}

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Virtual network that resolves the private names.')
param vnetId string

@description('Subnet of the endpoints.')
param subnetId string

@description('What to make private.')
param targets target[]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for t in targets: {
  name: t.zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (t, i) in targets: {
  parent: zones[i]
  name: t.name
  location: 'global'
  properties: { registrationEnabled: false, virtualNetwork: { id: vnetId } }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [for t in targets: {
  name: 'pe-${t.name}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [ { name: t.name, properties: { privateLinkServiceId: t.id, groupIds: [ t.group ] } } ]
  }
}]

resource groups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [for (t, i) in targets: {
  parent: endpoints[i]
  name: 'default'
  properties: { privateDnsZoneConfigs: [ { name: t.name, properties: { privateDnsZoneId: zones[i].id } } ] }
}]
