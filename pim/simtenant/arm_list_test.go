package simtenant_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestFiltersMeanWhatIsDocumentedAndNothingElse(t *testing.T) {
	w := newWorld(t)
	team := w.AddGroup(simtenant.Group{Name: "team", Members: []string{w.alice}})
	hold := func(scope, principal string) {
		w.MakeEligible(simtenant.Grant{Scope: scope, Role: "Contributor", Principal: principal})
	}
	hold(w.group, w.alice)
	hold(subscription, w.alice)
	hold(subscription, team)
	hold(w.rg, w.bob)
	const instances = rbac + "roleEligibilityScheduleInstances"
	for _, test := range []struct {
		filter string
		want   int
	}{
		{"", 3},
		{"atScope()", 3},
		{"principalId eq '" + strings.ToUpper(w.alice) + "'", 2},
		{"assignedTo('" + w.alice + "')", 3},
		{"assignedTo('" + w.alice + "') and atScope()", 3},
		{"(principalId eq '" + w.bob + "') and atScope()", 0},
		{"principalId eq '" + w.bob + "'", 1},
		{"(principalId eq '" + w.bob + "' and roleDefinitionId eq '" + subscription + rbac + "roleDefinitions/" + simtenant.RoleContributor + "')", 1},
		{"((principalId eq '" + w.alice + "') and (atScope()))", 2},
		{"(atScope())", 3},
		{"principalId eq '" + w.alice + "' and roleDefinitionId eq '" + subscription + rbac + "roleDefinitions/" + simtenant.RoleContributor + "'", 2},
		{"principalId eq '" + w.alice + "' and roleDefinitionId eq '" + simtenant.RoleOwner + "'", 0},
		{"asTarget()", 0},
	} {
		require.Len(t, w.list(w.armToken(w.carol), subscription+instances, test.filter), test.want, "filter %q", test.filter)
	}
	for _, bad := range []string{
		"status eq 'Provisioned'", "principalId eq 'alice'", "principalId ne '" + w.alice + "'", "asApprover()", "atScope() or asTarget()",
		"(atScope()", "atScope())", "(atScope() and )", "() and atScope()", "atScope() and and atScope()", "principalId eq '" + w.bob,
		"(principalId eq '" + w.bob + "') or (atScope())", ")atScope()(", "(atScope()) x", "()",
		"startswith(principalId,'a')", "roleDefinitionId eq '" + simtenant.RoleOwner + "'",
	} {
		r := w.arm(w.armToken(w.carol), "GET", subscription+instances+"?$filter="+url.QueryEscape(bad), nil)
		require.Equal(t, http.StatusBadRequest, r.Status, bad)
		require.Equal(t, "InvalidFilter", r.code())
	}
	r := w.arm(w.armToken(w.carol), "GET", subscription+instances+"?$filter=principalId%20eq%20'"+w.alice+"'", nil)
	require.Len(t, r.values(), 2, "a blank may be written %%20 as well as +")
}

func TestTheInheritedAreMarkedAtTheScopesBelow(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	below := w.list(w.armToken(w.carol), w.rg+rbac+"roleEligibilityScheduleInstances", "atScope()")
	require.Len(t, below, 1)
	require.Equal(t, "Inherited", below[0]["properties"].(map[string]any)["memberType"])
	require.Equal(t, subscription, below[0]["properties"].(map[string]any)["scope"])
	r := w.put(w.armToken(w.app), w.rg, eligible, newProps("AdminRemove", w.alice, w.rg).with("scheduleInfo", nil))
	require.Equal(t, "RoleAssignmentDoesNotExist", r.code(), "and cannot be removed there")
}

func TestListsAreRefusedWith400ToWhoMayNotRead(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	for _, path := range []string{subscription, ""} {
		r := w.arm(w.armToken(w.alice), "GET", path+rbac+"roleEligibilityScheduleInstances", nil)
		require.Equal(t, http.StatusBadRequest, r.Status)
		require.Equal(t, "InsufficientPermissions", r.code())
		require.Contains(t, r.message(), w.alice)
		require.Len(t, w.list(w.armToken(w.alice), path+rbac+"roleEligibilityScheduleInstances", "asTarget()"), 1)
	}
	require.Empty(t, w.list(w.armToken(w.app), rbac+"roleEligibilityScheduleInstances", "asTarget()"), "an application asks about itself, and there is no error")
}

func TestPagesAreSmallOneIsEmptyAndTheTokenIsOpaque(t *testing.T) {
	w := newWorld(t, simtenant.Options{PageSize: 2})
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.AddUser(simtenant.User{Name: name})})
	}
	token := w.armToken(w.carol)
	var sizes []int
	r := w.arm(token, "GET", subscription+rbac+"roleEligibilitySchedules?$filter=atScope()", nil)
	for {
		sizes = append(sizes, len(r.values()))
		next, _ := r.at("nextLink").(string)
		if next == "" {
			break
		}
		require.True(t, strings.HasPrefix(next, "https://management.azure.com/"), next)
		require.Contains(t, next, "api-version=2020-10-01")
		r = w.send(token, "GET", next, nil)
	}
	require.Equal(t, []int{2, 0, 2, 1}, sizes)
	r = w.arm(token, "GET", subscription+rbac+"roleEligibilitySchedules?$skiptoken=guess", nil)
	require.Equal(t, http.StatusBadRequest, r.Status)
}

func TestTheHierarchyIsListedToWhoCanSeeIt(t *testing.T) {
	w := newWorld(t)
	w.AddSubscription("22222222-2222-4222-8222-222222222222", "Other", "")
	names := func(token, path string) []string {
		var out []string
		r := w.arm(token, "GET", path, nil)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		for _, v := range r.values() {
			m := v.(map[string]any)
			name, _ := m["displayName"].(string)
			if name == "" {
				name, _ = m["name"].(string)
			}
			out = append(out, name)
		}
		return out
	}
	require.ElementsMatch(t, []string{"Payments", "Other"}, names(w.armToken(w.app), "/subscriptions?api-version=2022-12-01"))
	require.Equal(t, []string{"Payments"}, names(w.armToken(w.carol), "/subscriptions?api-version=2022-12-01"))
	require.Empty(t, names(w.armToken(w.outsider), "/subscriptions?api-version=2022-12-01"))
	require.Equal(t, []string{"ledger"}, names(w.armToken(w.carol), subscription+"/resourceGroups?api-version=2021-04-01"))
	root := "/providers/Microsoft.Management/managementGroups/" + w.ID()
	require.Len(t, names(w.armToken(w.app), root+"/descendants?api-version=2020-05-01"), 3, "a group and two subscriptions")
	require.Len(t, names(w.armToken(w.app), root+"/subscriptions?api-version=2020-05-01"), 1, "only one is directly below")
	require.Equal(t, http.StatusForbidden, w.arm(w.armToken(w.carol), "GET", root+"/descendants?api-version=2020-05-01", nil).Status)
}

func TestEligibleChildResourcesAreTheCallersOwn(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	children := func(token, filter string) []map[string]any {
		return w.list(token, w.group+rbac+"eligibleChildResources", filter)
	}
	require.Len(t, children(w.armToken(w.alice), ""), 2)
	require.Len(t, children(w.armToken(w.alice), "resourceType eq 'resourcegroup'"), 1)
	require.Len(t, children(w.armToken(w.alice), "resourceType eq 'subscription' or resourceType eq 'resourcegroup'"), 2)
	require.Empty(t, children(w.armToken(w.app), ""))
}

func TestRolesAreFoundByExactNameAndScope(t *testing.T) {
	w := newWorld(t)
	w.AddRole(simtenant.Role{Name: "Bob's keys", Actions: []string{"Microsoft.KeyVault/*"}, Scopes: []string{subscription}})
	find := func(scope, filter string) []any {
		path := scope + rbac + "roleDefinitions?api-version=2022-04-01&$filter=" + url.QueryEscape(filter)
		r := w.arm(w.armToken(w.app), "GET", path, nil)
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		return r.values()
	}
	require.Len(t, find(subscription, "roleName eq 'Reader'"), 1)
	require.Empty(t, find(subscription, "roleName eq 'Read'"))
	custom := find(subscription, "roleName eq 'Bob''s keys'")
	require.Len(t, custom, 1)
	require.Contains(t, custom[0].(map[string]any)["id"], subscription+rbac+"roleDefinitions/")
	require.Empty(t, find("", "roleName eq 'Bob''s keys'"), "it cannot be assigned at the root")
	require.Len(t, find("", "roleName eq 'Bob''s keys' and atScopeAndBelow()"), 1)
	require.Len(t, find(subscription, "type eq 'CustomRole'"), 1)
	w.AddRole(simtenant.Role{Name: "Backup and (or) restore", Actions: []string{"*/read"}, Scopes: []string{subscription}})
	require.Len(t, find(subscription, "(roleName eq 'Backup and (or) restore' and type eq 'CustomRole')"), 1)
	r := w.arm(w.armToken(w.app), "GET", w.group+rbac+"roleDefinitions?api-version=2022-04-01&$filter=roleName+gt+'a'", nil)
	require.Equal(t, "InvalidFilter", r.code())
}
