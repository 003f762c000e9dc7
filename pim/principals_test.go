package pim_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

const userSelect = "?$select=id,userPrincipalName,displayName,accountEnabled"

func refusal(call string, status int, code string) turn {
	return turn{call: call, status: status, answer: `{"error":{"code":"` + code + `","message":"m"}}`}
}

func TestPrincipalsOfEachType(t *testing.T) {
	none := refusal("GET /v1.0/users/"+alice+userSelect, http.StatusNotFound, "Request_ResourceNotFound")
	for _, tt := range []struct {
		name  string
		turns []turn
		want  pim.Principal
	}{
		{"a user costs one call", []turn{{call: "GET /v1.0/users/" + alice + userSelect,
			answer: `{"id":"` + alice + `","userPrincipalName":"alice@contoso.example","displayName":"Alice","accountEnabled":true}`}},
			pim.Principal{ID: alice, Type: "user", Name: "Alice", UPN: "alice@contoso.example", Enabled: true}},
		{"a user who is barred", []turn{{call: "GET /v1.0/users/" + alice + userSelect,
			answer: `{"id":"` + alice + `","userPrincipalName":"alice@contoso.example","displayName":"Alice","accountEnabled":false}`}},
			pim.Principal{ID: alice, Type: "user", Name: "Alice", UPN: "alice@contoso.example"}},
		{"an account that is not said to be enabled is not", []turn{{call: "GET /v1.0/users/" + alice + userSelect,
			answer: `{"id":"` + alice + `","displayName":"Alice"}`}},
			pim.Principal{ID: alice, Type: "user", Name: "Alice"}},
		{"a group that PIM cannot manage", []turn{none, {call: "GET /v1.0/directoryObjects/" + alice,
			answer: `{"@odata.type":"#microsoft.graph.group","id":"` + alice + `","displayName":"All","groupTypes":["DynamicMembership"],"onPremisesSyncEnabled":true,"isAssignableToRole":null}`}},
			pim.Principal{ID: alice, Type: "group", Name: "All", Enabled: true, Dynamic: true, OnPremises: true}},
		{"a group that can hold directory roles", []turn{none, {call: "GET /v1.0/directoryObjects/" + alice,
			answer: `{"@odata.type":"#microsoft.graph.group","id":"` + alice + `","displayName":"Admins","groupTypes":[],"onPremisesSyncEnabled":null,"isAssignableToRole":true}`}},
			pim.Principal{ID: alice, Type: "group", Name: "Admins", Enabled: true, RoleAssignable: true}},
		{"an application", []turn{none, {call: "GET /v1.0/directoryObjects/" + alice,
			answer: `{"@odata.type":"#microsoft.graph.servicePrincipal","id":"` + alice + `","appId":"` + bob + `","displayName":"robot","accountEnabled":true}`}},
			pim.Principal{ID: alice, Type: "servicePrincipal", AppID: bob, Name: "robot", Enabled: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := play(t, tt.turns...).Principal(t.Context(), strings.ToUpper(alice))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

// Only the directory can say that somebody does not exist.
func TestNotAllowedToLookIsNotAbsent(t *testing.T) {
	user, object := "GET /v1.0/users/"+alice+userSelect, "GET /v1.0/directoryObjects/"+alice
	none := refusal(user, http.StatusNotFound, "Request_ResourceNotFound")
	for _, tt := range []struct {
		name  string
		turns []turn
		want  pim.Code
	}{
		{"the directory knows nobody", []turn{none, refusal(object, http.StatusNotFound, "Request_ResourceNotFound")}, pim.CodeNotFound},
		{"we may not look at users", []turn{refusal(user, http.StatusForbidden, "Authorization_RequestDenied")}, pim.CodeDenied},
		{"we may not look at others", []turn{none, refusal(object, http.StatusForbidden, "Authorization_RequestDenied")}, pim.CodeDenied},
		{"a gateway lost the path", []turn{refusal(user, http.StatusNotFound, "ResourceNotFound")}, pim.CodeInternal},
		{"a gateway lost the path of others", []turn{none, refusal(object, http.StatusNotFound, "")}, pim.CodeInternal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := play(t, tt.turns...).Principal(t.Context(), alice)
			require.Equal(t, tt.want, pim.CodeOf(err))
		})
	}
}

func TestUsersByName(t *testing.T) {
	for given, path := range map[string]string{
		"alice@contoso.example":                     "/v1.0/users/alice@contoso.example",
		"eve_fabrikam.example#EXT#@contoso.example": "/v1.0/users/eve_fabrikam.example%23EXT%23@contoso.example",
		"$o'hara@contoso.example":                   "/v1.0/users('$o''hara@contoso.example')",
		strings.ToUpper(alice):                      "/v1.0/users/" + alice,
	} {
		_, err := play(t, turn{call: "GET " + path + userSelect, answer: `{"id":"` + alice + `"}`}).User(t.Context(), given)
		require.NoError(t, err)
	}
	for _, bad := range []string{"", "alice", "../me@x", "a/b@contoso.example", "a?b@contoso.example", "a%2fb@contoso.example", strings.Repeat("a", 400) + "@x"} {
		_, err := play(t).User(t.Context(), bad)
		require.Equal(t, pim.CodeInvalid, pim.CodeOf(err), bad)
	}
}

func TestGroupsByName(t *testing.T) {
	call := "GET /v1.0/groups?$filter=displayName eq 'Bob''s team'&$select=id,displayName,isAssignableToRole,groupTypes,onPremisesSyncEnabled"
	one := `{"id":"` + crew + `","displayName":"Bob's team","groupTypes":[]}`
	got, err := play(t, turn{call: call, answer: `{"value":[` + one + `]}`}).GroupByName(t.Context(), "Bob's team")
	require.NoError(t, err)
	require.Equal(t, pim.Principal{ID: crew, Type: "group", Name: "Bob's team", Enabled: true}, got)
	for answer, want := range map[string]pim.Code{`{"value":[]}`: pim.CodeNotFound, `{"value":[` + one + `,` + one + `]}`: pim.CodeConflict} {
		_, err := play(t, turn{call: call, answer: answer}).GroupByName(t.Context(), "Bob's team")
		require.Equal(t, want, pim.CodeOf(err))
	}
}

func TestServicePrincipalsByAppID(t *testing.T) {
	call := "GET /v1.0/servicePrincipals(appId='" + bob + "')?$select=id,displayName,appId,accountEnabled"
	got, err := play(t, turn{call: call, answer: `{"id":"` + alice + `","appId":"` + bob + `","accountEnabled":true}`}).ServicePrincipal(t.Context(), bob)
	require.NoError(t, err)
	require.Equal(t, alice, got.ID)
	_, err = play(t).ServicePrincipal(t.Context(), "x')/owners('")
	require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
}

func TestMembershipIsAskedForTwentyGroupsAtATime(t *testing.T) {
	var groups []string
	for i := range 21 {
		groups = append(groups, uuid.NewSHA1(uuid.Nil, []byte(strconv.Itoa(i))).String())
	}
	call := "POST /v1.0/directoryObjects/" + alice + "/checkMemberGroups"
	in, err := play(t,
		turn{call: call, body: inJSON(t, map[string][]string{"groupIds": groups[:20]}), answer: `{"value":["` + groups[3] + `"]}`},
		turn{call: call, body: inJSON(t, map[string][]string{"groupIds": groups[20:]}), answer: `{"value":["` + groups[20] + `"]}`},
	).MemberOf(t.Context(), alice, groups)
	require.NoError(t, err)
	require.Equal(t, []string{groups[3], groups[20]}, in)
	in, err = play(t).MemberOf(t.Context(), alice, nil)
	require.NoError(t, err)
	require.Empty(t, in)
}

func TestNamesInBulk(t *testing.T) {
	names, err := play(t, turn{call: "POST /v1.0/directoryObjects/getByIds",
		body:   inJSON(t, map[string][]string{"ids": {crew, alice}, "types": {"user", "group", "servicePrincipal"}}),
		answer: `{"value":[{"@odata.type":"#microsoft.graph.user","id":"` + strings.ToUpper(alice) + `","displayName":"Alice"}]}`,
	}).Names(t.Context(), []string{alice, crew, alice})
	require.NoError(t, err)
	require.Equal(t, map[string]string{alice: "Alice"}, names)
}
