package simulation

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

const (
	requestsQueue = "pim-requests"
	changesQueue  = "pim-changes"
)

// people are who and what there is in the tenant.
type people struct {
	app       string   // our own identity
	users     []string // who gain and lose
	approvers []string
	stalled   string // whom PIM never finishes with
	sub, rg   string
	group     string
}

// graphRights are the application permissions of docs/permissions.md.
var graphRights = []string{
	"RoleEligibilitySchedule.ReadWrite.Directory", "RoleAssignmentSchedule.ReadWrite.Directory",
	"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
	"RoleManagementPolicy.Read.Directory", "RoleManagementPolicy.Read.AzureADGroup", "RoleManagement.Read.Directory",
	"Directory.Read.All",
}

var ourIdentity = simtenant.ServicePrincipal{Name: "azure-pim", ManagedIdentity: true, AppRoles: graphRights}

// Roles by what the rules make of them.
const (
	freeRole     = "Contributor" // anybody may ask for it
	freeGraph    = "Groups Administrator"
	approvedRole = "Reader"                 // approvers must agree
	deniedRole   = "Key Vault Secrets User" // nobody gets it
)

const rulesText = `
version: 1
rules:
  - name: with approval
    effect: allow
    actions: [grant]
    callers: [{anyKey: true}, {queues: [pim-requests]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: ["/"]
    roles: [Reader]
    eligibility: make
    maxEligible: P30D
    maxDuration: PT8H
    approval:
      group: 51f0e2aa-7f3f-4d55-8f5e-2a6b0f0c9d77
      within: PT2H
    waives: [mfa]
  - name: without
    effect: allow
    actions: [grant, makeEligible, activate, assign, deactivate, removeEligible, extend, renew, cancel]
    callers: [{anyKey: true}, {queues: [pim-requests]}]
    principals: [{any: true}]
    planes: [azure, directory, group]
    scopes: ["/", "*"]
    roles: [Contributor, "Groups Administrator", member]
    eligibility: make
    maxEligible: P31D # what is extended by thirty days has stood for a while
    maxDuration: PT8H
    waives: [mfa]
  - name: never
    effect: deny
    roles: ["Key Vault Secrets User"]
`

// approversID is the group's that the rules name.
const approversID = "51f0e2aa-7f3f-4d55-8f5e-2a6b0f0c9d77"

// furnish makes the tenant and all who live in it.
func (w *world) furnish(seed uint64) {
	r := w.random
	o := simtenant.Options{Seed: seed, PageSize: 5 + 95*r.IntN(2)}
	if r.IntN(3) == 0 { // no service shares our clock
		skew := between(r, -5*time.Second, 5*time.Second)
		o.Now = func() time.Time { return time.Now().Add(skew) }
	}
	if r.IntN(3) == 0 {
		o.Provisioning = between(r, time.Second, 40*time.Second)
	}
	// Lists are late by a minute as a rule; where they are not, other things take their
	// turn.
	lag := []time.Duration{0, 8 * time.Second, simtenant.None}[r.IntN(3)]
	o.AzureDelay, o.DirectoryDelay, o.GroupDelay = lag, lag, lag
	w.tenant, w.ledger = simtenant.New(o), ledger.NewMemory()
	w.sub = w.tenant.AddSubscription("", "production", "")
	w.rg = w.tenant.AddResourceGroup(w.sub, "shop")
	for _, name := range []string{"ada", "bob", "carl"} {
		w.users = append(w.users, w.tenant.AddUser(simtenant.User{Name: name}))
	}
	for _, name := range []string{"dora", "emil"} {
		w.approvers = append(w.approvers, w.tenant.AddUser(simtenant.User{Name: name}))
	}
	w.stalled = w.tenant.AddUser(simtenant.User{Name: "zoe"})
	w.tenant.Stall(w.stalled)
	w.tenant.AddGroup(simtenant.Group{ID: approversID, Name: "approvers", Members: w.approvers})
	w.group = w.tenant.AddGroup(simtenant.Group{Name: "operators"})
	w.app = w.tenant.AddServicePrincipal(ourIdentity)
	w.tenant.Assign(simtenant.Grant{Scope: "/", Role: simtenant.RoleUserAccessAdmin, Principal: w.app})
	w.credential = &tokens{from: w.tenant.Credential(w.app), have: maps.Clone(firstTokens())}
	w.rules = rules()
	w.requests, w.changes = newQueue(requestsQueue), newQueue(changesQueue)
	w.queues = []*queue{w.requests, w.changes}
	w.slots = w.newSlots()
}

// rules are the same in every world.
var rules = sync.OnceValue(func() *pim.Rules {
	r, err := pim.ParseRules([]byte(rulesText))
	if err != nil {
		panic("simulation: " + err.Error())
	}
	return r
})

// tokens is the identity endpoint's own cache: it outlives a process.
type tokens struct {
	from azcore.TokenCredential
	mu   sync.Mutex
	have map[string]azcore.AccessToken
}

func (c *tokens) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.have[o.Scopes[0]]; ok && time.Until(t.ExpiresOn) > 10*time.Minute {
		return t, nil
	}
	t, err := c.from.GetToken(ctx, o)
	if err == nil {
		c.have[o.Scopes[0]] = t
	}
	return t, err
}

// firstTokens are good in every world, since all begin at the same time and have the
// same identities: signing takes longer than many a world.
var firstTokens = sync.OnceValue(func() map[string]azcore.AccessToken {
	t := simtenant.New(simtenant.Options{})
	c := t.Credential(t.AddServicePrincipal(ourIdentity))
	out := map[string]azcore.AccessToken{}
	for _, audience := range []string{simtenant.AudienceARM, simtenant.AudienceGraph} {
		scope := audience + "/.default"
		token, err := c.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			panic("simulation: " + err.Error())
		}
		out[scope] = token
	}
	return out
})
