package pim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestWhatLiesBelowAScope(t *testing.T) {
	const other = "50b00000-0000-4000-8000-000000000016"
	w := simulate(t, simtenant.Options{})
	w.AddManagementGroup("prod", "")
	w.AddManagementGroup("deep", "prod")
	w.AddSubscription(subID, "Payments", "deep")
	w.AddSubscription(other, "Elsewhere", w.AddManagementGroup("test", ""))
	ledger := w.AddResourceGroup(subPath, "ledger")
	app := w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "pim"})
	w.Assign(simtenant.Grant{Scope: "/", Role: "Reader", Principal: app})
	w.AddUser(simtenant.User{ID: alice, Name: "Alice"})
	w.MakeEligible(simtenant.Grant{Scope: ledger, Role: "Contributor", Principal: alice})
	c := clientOf(t, w.Transport(), w.Credential(app))
	user := clientOf(t, w.Transport(), w.Credential(alice))

	prod := scope(t, pim.Azure, "/providers/Microsoft.Management/managementGroups/prod")
	payments := pim.Place{Scope: scope(t, pim.Azure, subPath), Level: pim.LevelSubscription, Name: "Payments"}
	group := pim.Place{Scope: scope(t, pim.Azure, ledger), Level: pim.LevelResourceGroup, Name: "ledger"}
	require.Equal(t, []pim.Place{payments}, all(t, c.Subscriptions(t.Context(), prod)), "also below other groups")
	require.Len(t, all(t, c.Subscriptions(t.Context(), scope(t, pim.Azure, "/"))), 2)
	require.Equal(t, []pim.Place{group}, all(t, c.ResourceGroups(t.Context(), group.Scope)))
	require.Equal(t, []pim.Place{group}, all(t, user.EligibleChildren(t.Context(), payments.Scope)))
	require.Empty(t, all(t, c.EligibleChildren(t.Context(), payments.Scope)), "an application is eligible for nothing")

	require.Equal(t, pim.CodeInvalid, pim.CodeOf(failure(c.Subscriptions(t.Context(), payments.Scope))))
	require.Equal(t, pim.CodeInvalid, pim.CodeOf(failure(c.ResourceGroups(t.Context(), prod))))
	require.Equal(t, pim.CodeInvalid, pim.CodeOf(failure(c.EligibleChildren(t.Context(), scope(t, pim.Group, crew)))))
}
