// Package simtenant is a simulated Entra tenant: the parts of Azure Resource
// Manager, Microsoft Graph and the sign-in service that Privileged Identity
// Management needs, in this process and in memory. It is strict where the
// services are strict and late where they are late; a simulator kinder than
// Azure would be a defect. It imports nothing of this module, so a wrong path or
// JSON name in the client is not repeated here.
//
// A [Tenant] is an [net/http.Handler] and an azcore transport. Tests seed it,
// drive the product against it, and ask it afterwards what is true
// ([Tenant.Assignments], [Tenant.Calls]).
//
// # How a call travels
//
// [Tenant.ServeHTTP] and [Tenant.Do] read the request into a call and hand it to
// exchange, which notes it, plays the injected [Fault], takes the lock, lets time
// pass (settle) and gives the call to the first surface that claims its path. A
// surface authenticates (authenticate), authorizes, decodes its own wire shape
// into an ask, and renders what the plane-neutral core answers. Unexported
// methods of Tenant expect the lock to be held; exported ones take it.
//
// The files arm*.go are Azure Resource Manager, graph*.go are Microsoft Graph: the
// look-ups in the directory, PIM for directory roles and for groups, which are one
// collection with two vocabularies, and the audit log. The others are shared.
//
// # How to add a plane
//
// The core knows three planes by name (PlaneAzure, PlaneDirectory, PlaneGroup)
// and keeps requests, schedules, policies, approvals and audit events of all of
// them together. To serve a new one:
//
//  1. write a surface (claims, serve) and add it to the list in New;
//  2. decode a body into an ask and call submit, which applies the policy, the
//     waiting times and the conflicts and answers a request or a refusal;
//  3. render requests, schedules (those with visible(now) are listed, those that
//     are also inForce(now) are instances), policies and approvals;
//  4. call cancel and decide for the two verbs that are not requests.
package simtenant
