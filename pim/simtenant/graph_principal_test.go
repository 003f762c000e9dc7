package simtenant_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const graphHost = "https://graph.microsoft.com"

// graph calls Microsoft Graph as a principal: an application with its own
// permissions, a person with those named.
func (w *world) graph(principal, method, path string, body any, scopes ...string) reply {
	w.t.Helper()
	return w.graphAs(w.UserToken(principal, simtenant.AudienceGraph, simtenant.WithScopes(scopes...), simtenant.WithMFA()), method, path, body)
}

func (w *world) graphAs(token, method, path string, body any) reply {
	w.t.Helper()
	path, query, found := strings.Cut(path, "?")
	address := graphHost + (&url.URL{Path: path}).EscapedPath()
	if found {
		address += "?" + strings.NewReplacer(" ", "%20", "'", "%27").Replace(query)
	}
	return w.send(token, method, address, body)
}

// reader is an application with Graph permissions.
func (w *world) reader(permissions ...string) string {
	return w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "reader " + strings.Join(permissions, " "), AppRoles: permissions})
}

func TestReadingAnObjectTakesThePermissionOfItsType(t *testing.T) {
	w := newWorld(t)
	group := w.AddGroup(simtenant.Group{Name: "Operators", Members: []string{w.alice}})
	appID := w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot", AppID: uuid.NewString()})
	paths := map[string]string{
		"user":  "/v1.0/users/" + w.alice,
		"group": "/v1.0/groups/" + group,
		"app":   "/v1.0/servicePrincipals/" + appID,
		"any":   "/v1.0/directoryObjects/" + w.alice,
	}
	for permission, readable := range map[string]string{
		"User.Read.All": "user", "Group.Read.All": "group", "GroupMember.Read.All": "group",
		"Application.Read.All": "app", "AuditLog.Read.All": "", "Directory.Read.All": "user group app any",
	} {
		app := w.reader(permission)
		for kind, path := range paths {
			r := w.graph(app, "GET", path, nil)
			if strings.Contains(readable, kind) {
				require.Equal(t, http.StatusOK, r.Status, "%s on %s: %s", permission, kind, r.Body)
				continue
			}
			require.Equal(t, http.StatusForbidden, r.Status, "%s on %s", permission, kind)
			require.Equal(t, "Authorization_RequestDenied", r.code())
		}
	}
}

func TestDelegatedPermissionsAreScopesAndApplicationPermissionsRoles(t *testing.T) {
	w := newWorld(t)
	app := w.reader("User.Read.All")
	user := "/v1.0/users/" + w.alice
	require.Equal(t, http.StatusOK, w.graph(w.bob, "GET", user, nil, "User.Read.All").Status)
	require.Equal(t, http.StatusForbidden, w.graph(w.bob, "GET", user, nil, "User.Read").Status, "User.Read is about oneself")
	require.Equal(t, http.StatusOK, w.graph(w.alice, "GET", user, nil, "User.Read").Status)
	forged := w.UserToken(app, simtenant.AudienceGraph, simtenant.WithClaim("roles", nil), simtenant.WithClaim("scp", "User.Read.All"))
	require.Equal(t, http.StatusForbidden, w.graphAs(forged, "GET", user, nil).Status, "an application has no scopes")
}

func TestObjectsThatAreNotThereAreTheDirectorysOwn404(t *testing.T) {
	w := newWorld(t)
	app := w.reader("Directory.Read.All")
	gone := w.AddUser(simtenant.User{Name: "Gone"})
	w.Delete(gone)
	for _, path := range []string{
		"/v1.0/users/" + gone, "/v1.0/users/nobody@contoso.example", "/v1.0/directoryObjects/" + gone,
		"/v1.0/groups/" + w.alice, "/v1.0/servicePrincipals(appId='" + uuid.NewString() + "')",
		"/v1.0/groups/" + gone + "/members", "/v1.0/users/" + gone + "/transitiveMemberOf",
	} {
		r := w.graph(app, "GET", path, nil)
		require.Equal(t, http.StatusNotFound, r.Status, path)
		require.Equal(t, "Request_ResourceNotFound", r.code())
		inner := r.at("error", "innerError").(map[string]any)
		require.Equal(t, r.Header.Get("request-id"), inner["request-id"])
	}
}

func TestUsersAreFoundByEitherNameAndTellTheirAccountOnlyIfAsked(t *testing.T) {
	w := newWorld(t)
	app := w.reader("User.Read.All")
	guest := w.AddUser(simtenant.User{Name: "Guest", Guest: true, Disabled: true})
	dollar := w.AddUser(simtenant.User{Name: "Dollar", UPN: "$dollar@contoso.example"})

	r := w.graph(app, "GET", "/v1.0/users/ALICE@contoso.example", nil)
	require.Equal(t, w.alice, r.at("id"))
	require.NotContains(t, r.at(), "accountEnabled")
	r = w.graph(app, "GET", "/v1.0/users/guest_fabrikam.example#EXT#@contoso.example?$select=id,accountEnabled,userType", nil)
	require.Equal(t, guest, r.at("id"))
	require.Equal(t, false, r.at("accountEnabled"))
	require.Equal(t, "Guest", r.at("userType"))
	require.NotContains(t, r.at(), "displayName")
	require.Equal(t, 400, w.graph(app, "GET", "/v1.0/users/"+guest+"?$select=shoeSize", nil).Status)

	require.Equal(t, 400, w.graph(app, "GET", "/v1.0/users/$dollar@contoso.example", nil).Status)
	require.Equal(t, dollar, w.graph(app, "GET", "/v1.0/users('$dollar@contoso.example')", nil).at("id"))
}

func TestGroupsAreFoundByExactNameAndSayWhetherPIMCanHaveThem(t *testing.T) {
	w := newWorld(t)
	app := w.reader("Group.Read.All")
	w.AddGroup(simtenant.Group{Name: "O'Brien's", Dynamic: true})
	w.AddGroup(simtenant.Group{Name: "Synced", OnPremises: true, RoleAssignable: true})

	found := w.graph(app, "GET", "/v1.0/groups?$filter=displayName eq 'O''Brien''s'", nil).values()
	require.Len(t, found, 1)
	require.Equal(t, []any{"DynamicMembership"}, found[0].(map[string]any)["groupTypes"])
	sales := w.AddGroup(simtenant.Group{Name: "Sales and Marketing (EMEA"})
	found = w.graph(app, "GET", "/v1.0/groups?$filter=(displayName eq 'Sales and Marketing (EMEA' and id eq '"+sales+"')", nil).values()
	require.Len(t, found, 1)
	found = w.graph(app, "GET", "/v1.0/groups?$filter=displayName eq 'Synced'&$select=onPremisesSyncEnabled,isAssignableToRole", nil).values()
	require.Equal(t, []any{map[string]any{"onPremisesSyncEnabled": true, "isAssignableToRole": true}}, found)
	r := w.graph(app, "GET", "/v1.0/groups?$filter=description eq 'x'", nil)
	require.Equal(t, "Request_UnsupportedQuery", r.code())
}

func TestMembershipCountsThroughGroupsAndWhatMayNotBeReadHasNoName(t *testing.T) {
	w := newWorld(t)
	inner := w.AddGroup(simtenant.Group{Name: "Inner", Members: []string{w.alice}})
	outer := w.AddGroup(simtenant.Group{Name: "Outer", Members: []string{inner, w.bob}})
	other := w.AddGroup(simtenant.Group{Name: "Other"})
	app := w.reader("Directory.Read.All")

	check := func(caller, path string, n int) reply {
		ids := []string{outer, other}
		for len(ids) < n {
			ids = append(ids, uuid.NewString())
		}
		return w.graph(caller, "POST", path, map[string]any{"groupIds": ids})
	}
	require.Equal(t, []any{outer}, check(app, "/v1.0/directoryObjects/"+w.alice+"/checkMemberGroups", 20).values())
	require.Equal(t, 400, check(app, "/v1.0/users/"+w.alice+"/checkMemberGroups", 21).Status)
	require.Equal(t, 403, check(w.reader("GroupMember.Read.All"), "/v1.0/users/"+w.alice+"/checkMemberGroups", 2).Status,
		"whose groups they are is a permission of its own")

	require.Len(t, w.graph(app, "GET", "/v1.0/users/"+w.alice+"/transitiveMemberOf", nil).values(), 2)
	members := w.graph(w.reader("GroupMember.Read.All"), "GET", "/v1.0/groups/"+outer+"/members", nil).values()
	require.Len(t, members, 2)
	for _, m := range members {
		member := m.(map[string]any)
		if member["id"] == w.bob {
			require.Equal(t, map[string]any{"id": w.bob, "@odata.type": "#microsoft.graph.user"}, member)
		} else {
			require.Equal(t, "Inner", member["displayName"])
		}
	}
}

func TestObjectsByIDComeInOneCallUpToAThousand(t *testing.T) {
	w := newWorld(t)
	app := w.reader("Directory.Read.All")
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	ids := []string{w.alice, group, w.app, uuid.NewString()}
	ask := func(ids []string, types ...string) reply {
		return w.graph(app, "POST", "/v1.0/directoryObjects/getByIds", map[string]any{"ids": ids, "types": types})
	}
	require.Len(t, ask(ids).values(), 3)
	require.Len(t, ask(ids, "user", "servicePrincipal").values(), 2)
	require.Equal(t, 400, ask(ids, "spaceship").Status)
	for len(ids) <= 1000 {
		ids = append(ids, uuid.NewString())
	}
	require.Equal(t, 400, ask(ids).Status)
	require.Equal(t, 200, ask(ids[:1000]).Status)
}

func TestGraphTakesTokensForItselfAlone(t *testing.T) {
	w := newWorld(t)
	for name, token := range map[string]string{
		"none": "", "for ARM": w.UserToken(w.app, simtenant.AudienceARM),
		"expired": w.UserToken(w.app, simtenant.AudienceGraph, simtenant.WithLife(-1)),
	} {
		r := w.graphAs(token, "GET", "/v1.0/users/"+w.alice, nil)
		require.Equal(t, http.StatusUnauthorized, r.Status, name)
		require.Equal(t, "InvalidAuthenticationToken", r.code(), name)
		require.Contains(t, r.Header.Get("WWW-Authenticate"), "Bearer")
	}
	require.Equal(t, 400, w.graph(w.app, "GET", "/v1.0/nothing", nil).Status)
	require.Equal(t, 405, w.graph(w.app, "DELETE", "/v1.0/users/"+w.alice, nil).Status)
}
