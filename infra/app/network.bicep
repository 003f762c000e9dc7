@description('Name of the virtual network.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags object

@description('Address space; two /24 subnets are cut from it.')
param addressPrefix string

resource vnet 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [ addressPrefix ] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 24, 0)
          // Flex Consumption takes its instances from the Container Apps platform. No resource of ours is
          // of that provider, so Azure does not register it by itself: docs/deployment.md says how.
          delegations: [ { name: 'flex', properties: { serviceName: 'Microsoft.App/environments' } } ]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: cidrSubnet(addressPrefix, 24, 1), privateEndpointNetworkPolicies: 'Disabled' }
      }
    ]
  }
}

@description('Resource id, for the private DNS zones to link to.')
output vnetId string = vnet.id

@description('Subnet the app reaches out from.')
output appSubnetId string = '${vnet.id}/subnets/app'

@description('Subnet the private endpoints live in.')
output endpointSubnetId string = '${vnet.id}/subnets/endpoints'
