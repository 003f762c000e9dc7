// Package e2e_test drives the function app as it is deployed: the handler's own binary
// under a host, with a tenant, queues and a journal that it reaches over the network,
// while processes die and services fail.
//
// A [world] is one deployment. Its tenant and its journal stand behind a [gate], which
// counts the calls that the handler makes and can kill, cut or refuse at any of them.
// What is claimed at the end is always the same: see [world.granted].
package e2e_test
