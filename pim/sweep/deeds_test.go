package sweep_test

import (
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// Others act in the tenant, too: these are their deeds.

// as is a client with a person's own token.
func (w *world) as(person string) *pim.Client {
	w.t.Helper()
	o := &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: w.tenant.Transport()}}
	c, err := pim.NewClient(w.tenant.Credential(person, simtenant.WithMFA()), o)
	require.NoError(w.t, err)
	return c
}

// remove ends ada's role as an administrator would in the portal.
func (w *world) remove(scope, role string) {
	w.t.Helper()
	s, err := pim.ParseScope(pim.Azure, scope)
	require.NoError(w.t, err)
	_, err = w.as(w.app).Submit(w.t.Context(), pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminRemove, Name: uuid.NewString(),
		Access: pim.Access{Scope: s, Role: pim.Role{ID: role}, Principal: w.ada}, Justification: "by hand"})
	require.NoError(w.t, err)
}

// activate has a person activate Owner of the subscription with a token of his own.
func (w *world) activate(person string) pim.ScheduleRequest {
	w.t.Helper()
	s, err := pim.ParseScope(pim.Azure, w.sub)
	require.NoError(w.t, err)
	got, err := w.as(person).Submit(w.t.Context(), pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.SelfActivate, Name: uuid.NewString(),
		Access: pim.Access{Scope: s, Role: pim.Role{ID: simtenant.RoleOwner}, Principal: person}, Justification: "work",
		Window: pim.Window{Duration: pim.DefaultDuration}})
	require.NoError(w.t, err)
	return got
}

// waitForApproval has a person ask for an activation that somebody must approve.
func (w *world) waitForApproval(person string) {
	w.t.Helper()
	w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: person, For: 100 * day})
	w.tenant.UpdatePolicy(simtenant.PlaneAzure, w.sub, simtenant.RoleOwner, func(p *simtenant.Policy) { p.RequireApproval(w.carl) })
	require.Equal(w.t, pim.PendingApproval, w.activate(person).Status)
}

// onCall is a fault that changes nothing and sees every call to the services.
func (w *world) onCall(f func()) func(*http.Request, []byte) bool {
	return func(r *http.Request, _ []byte) bool {
		if !strings.Contains(r.URL.Path, "/oauth2/") && !strings.HasPrefix(r.URL.Path, "/msi/") {
			f()
		}
		return false
	}
}

// removals counts what PIM was asked to remove, and did.
func (w *world) removals() int {
	n := 0
	for _, r := range w.tenant.Requests() {
		if r.Action == simtenant.AdminRemove && r.Status == "Revoked" {
			n++
		}
	}
	return n
}
