package main

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// Whom and what the sample request names.
const (
	sampleUser         = "3f1c1c0e-6d0c-4d6a-9a53-0c9d4c7f1a01"
	sampleSubscription = "8d2b5c1e-1f53-4c0b-8e2a-5b7a6f3d9c02"
)

// tenant is the simulated tenant on a port.
type tenant struct {
	*simtenant.Tenant
	server *http.Server
	url    string
}

// startTenant serves a seeded tenant at the address. Instantly, it shows every
// change at once.
func startTenant(address string, instant bool) (*tenant, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("tenant: %w", err)
	}
	t := &tenant{url: "http://" + ln.Addr().String()}
	o := simtenant.Options{BaseURL: t.url}
	if instant {
		o.AzureDelay, o.DirectoryDelay, o.GroupDelay = simtenant.None, simtenant.None, simtenant.None
		o.AuditDelay, o.Reactivation = simtenant.None, simtenant.None
	}
	t.Tenant = simtenant.New(o)
	seed(t.Tenant)
	t.server = &http.Server{Handler: t.Tenant, ReadHeaderTimeout: time.Minute}
	go func() { _ = t.server.Serve(ln) }() // ends with close
	return t, nil
}

func (t *tenant) close() { _ = t.server.Close() }

// settings lead a handler to the tenant, by the code paths it uses in Azure.
func (t *tenant) settings() map[string]string {
	return map[string]string{
		"PIM_TENANT_ID":      t.ID(),
		"PIM_ARM_ENDPOINT":   t.url,
		"PIM_GRAPH_ENDPOINT": t.url,
		"PIM_LOGIN_ENDPOINT": t.url,
		"IDENTITY_ENDPOINT":  t.url + "/msi/token",
		"IDENTITY_HEADER":    simtenant.DefaultIdentityHeader,
	}
}

// seed fills the tenant: the app's identity with the rights of the
// deployment, two people, a group and two subscriptions.
func seed(t *simtenant.Tenant) {
	identity := t.AddServicePrincipal(simtenant.ServicePrincipal{
		Name: "azure-pim", ManagedIdentity: true,
		AppRoles: []string{ // docs/permissions.md
			"RoleEligibilitySchedule.ReadWrite.Directory",
			"RoleAssignmentSchedule.ReadWrite.Directory",
			"RoleManagementPolicy.Read.Directory",
			"RoleManagement.Read.Directory",
			"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
			"PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
			"RoleManagementPolicy.Read.AzureADGroup",
			"Directory.Read.All",
			"AuditLog.Read.All",
		},
	})
	root := "/providers/Microsoft.Management/managementGroups/" + t.ID()
	t.Assign(simtenant.Grant{Scope: root, Role: "User Access Administrator", Principal: identity})

	alice := t.AddUser(simtenant.User{ID: sampleUser, Name: "Alice Lindqvist"})
	bob := t.AddUser(simtenant.User{Name: "Bob Okafor"})
	t.AddGroup(simtenant.Group{Name: "Operators", Members: []string{alice, bob}})

	production := t.AddSubscription(sampleSubscription, "Production", "")
	// Somebody was made Contributor outside PIM, for good: the sweep finds it.
	carol := t.AddUser(simtenant.User{Name: "Carol Silva"})
	t.Assign(simtenant.Grant{Scope: production, Role: "Contributor", Principal: carol, Ago: 200 * 24 * time.Hour})
	t.AddResourceGroup(production, "rg-web")
	t.AddResourceGroup(t.AddSubscription("", "Development", ""), "rg-web")
	// Bob is eligible already: his request only activates.
	t.MakeEligible(simtenant.Grant{Scope: production, Role: "Contributor", Principal: bob, For: 90 * 24 * time.Hour})
}
