package functions_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// whoRules let everyone who is somebody see by whom they are taken.
const whoRules = `
version: 1
keys:
  - {name: servicenow, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b} # of "secret"
rules:
  - name: anyone
    effect: allow
    actions: [grant]
    callers: [{anyUser: true}, {anyKey: true}, {objectIds: [APP]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [SUB]
    roles: [Reader]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
    waives: [mfa]
`

// who is how a request is taken: as whom, or with which status refused.
func (a *app) who(headers ...string) (string, int) {
	a.t.Helper()
	id := "CR-" + string(rune('a'+len(a.queues.seen)))
	body := a.ids(`{"id":"` + id + `","action":"grant","scope":"SUB","role":"Reader","principalId":"ADA","justification":"because"}`)
	rec := a.call(http.MethodPost, "/api/changes", body, append([]string{"Prefer", "respond-async"}, headers...)...)
	if rec.Code >= 400 {
		return "", rec.Code
	}
	return a.report(rec).RequestedBy, 0
}

// principal is the header of App Service authentication.
func principal(provider string, claims ...string) string {
	type claim struct {
		Type  string `json:"typ"`
		Value string `json:"val"`
	}
	doc := struct {
		Provider string  `json:"auth_typ"`
		Claims   []claim `json:"claims"`
	}{Provider: provider}
	for i := 0; i+1 < len(claims); i += 2 {
		doc.Claims = append(doc.Claims, claim{claims[i], claims[i+1]})
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

const (
	oidClaim    = "http://schemas.microsoft.com/identity/claims/objectidentifier"
	tenantClaim = "http://schemas.microsoft.com/identity/claims/tenantid"
	scopeClaim  = "http://schemas.microsoft.com/identity/claims/scope"
	nameClaim   = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
)

// By what comes with a request, and by nothing else, it is known who asks.
func TestCallers(t *testing.T) {
	type in struct{ a *app }
	easy := func(i in, provider string, claims ...string) []string {
		return []string{"X-MS-CLIENT-PRINCIPAL", principal(provider, append([]string{tenantClaim, i.a.tenant.ID()}, claims...)...)}
	}
	for _, tt := range []struct {
		name     string
		easyAuth bool
		headers  func(in) []string
		want     string
		refused  int
	}{
		{name: "a named key", headers: func(in) []string { return nil }, want: "key:servicenow"},
		{name: "another key", headers: func(in) []string { return []string{"x-functions-key", "another"} }, want: "key"},
		{name: "a named key in capitals", headers: func(in) []string { return []string{"x-functions-key", "SECRET"} }, want: "key"},
		{name: "no key", headers: func(in) []string { return []string{"x-functions-key", ""} }, refused: 401},
		{name: "a forged hash of a key without a key", headers: func(in) []string {
			return []string{"x-functions-key", "", "X-Functions-Key-Sha256", "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}
		}, refused: 401},
		{name: "a forged hash beside another key", headers: func(in) []string {
			return []string{"x-functions-key", "another", "X-Functions-Key-Sha256", "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}
		}, want: "key"},

		{name: "a user's token", headers: func(i in) []string { return bearer(i.a.token(i.a.bob)) }, want: "user:BOB"},
		{name: "a user's token beside a key", headers: func(i in) []string { return []string{"Authorization", "Bearer " + i.a.token(i.a.bob)} }, want: "user:BOB"},
		{name: "an application's token", headers: func(i in) []string { return bearer(i.a.token(i.a.identity)) }, want: "app:APP"},
		{name: "a bad token beside a good key", headers: func(in) []string { return []string{"Authorization", "Bearer x.y.z"} }, refused: 401},
		{name: "a token for another app beside a good key", headers: func(i in) []string {
			return []string{"Authorization", "Bearer " + i.a.tenant.UserToken(i.a.bob, simtenant.AudienceARM)}
		}, refused: 401},
		{name: "a password beside a good key", headers: func(in) []string { return []string{"Authorization", "Basic dXNlcjpwYXNz"} }, refused: 401},
		{name: "no token beside a good key", headers: func(in) []string { return []string{"Authorization", "Bearer"} }, refused: 401},
		{name: "a token in small letters", headers: func(i in) []string {
			return []string{"x-functions-key", "", "Authorization", "bearer " + i.a.token(i.a.bob)}
		}, want: "user:BOB"},

		{name: "App Service's header where it is off", headers: func(i in) []string {
			return append(easy(i, "aad", oidClaim, i.a.bob), "x-functions-key", "")
		}, refused: 401},
		{name: "App Service's header where it is off, beside a key", headers: func(i in) []string { return easy(i, "aad", oidClaim, i.a.bob) }, want: "key:servicenow"},
		{name: "App Service's user", easyAuth: true, headers: func(i in) []string {
			return easy(i, "aad", oidClaim, strings.ToUpper(i.a.bob), scopeClaim, "user_impersonation", nameClaim, "pairwise")
		}, want: "user:BOB"},
		{name: "App Service's user who signed in by browser", easyAuth: true, headers: func(i in) []string { return easy(i, "aad", "oid", i.a.bob, "sub", "pairwise") }, want: "user:BOB"},
		{name: "App Service's application", easyAuth: true, headers: func(i in) []string { return easy(i, "aad", oidClaim, i.a.identity, "idtyp", "app") }, want: "app:APP"},
		{name: "App Service's application without the mark", easyAuth: true, headers: func(i in) []string {
			return easy(i, "aad", oidClaim, i.a.identity, nameClaim, i.a.identity)
		}, want: "app:APP"},
		{name: "App Service names nobody, beside a key", easyAuth: true, headers: func(in) []string { return nil }, refused: 401},
		{name: "App Service names no object id", easyAuth: true, headers: func(i in) []string { return easy(i, "aad", "name", "bob") }, refused: 401},
		{name: "App Service names an object id that is none", easyAuth: true, headers: func(i in) []string { return easy(i, "aad", oidClaim, "x' or 1 eq 1") }, refused: 401},
		{name: "App Service names somebody of GitHub", easyAuth: true, headers: func(i in) []string { return easy(i, "github", oidClaim, i.a.bob) }, refused: 401},
		{name: "App Service names somebody of another tenant", easyAuth: true, headers: func(i in) []string {
			return []string{"X-MS-CLIENT-PRINCIPAL", principal("aad", tenantClaim, i.a.subID, oidClaim, i.a.bob)}
		}, refused: 401},
		{name: "App Service names somebody of no tenant", easyAuth: true, headers: func(i in) []string {
			return []string{"X-MS-CLIENT-PRINCIPAL", principal("aad", oidClaim, i.a.bob)}
		}, refused: 401},
		{name: "App Service's header that is no base64", easyAuth: true, headers: func(in) []string { return []string{"X-MS-CLIENT-PRINCIPAL", "{}"} }, refused: 401},
		{name: "App Service's header that is no JSON", easyAuth: true, headers: func(in) []string { return []string{"X-MS-CLIENT-PRINCIPAL", "aGVsbG8="} }, refused: 401},
		{name: "App Service's names without its principal", easyAuth: true, headers: func(i in) []string {
			return []string{"X-MS-CLIENT-PRINCIPAL-ID", i.a.bob, "X-MS-CLIENT-PRINCIPAL-NAME", "bob"}
		}, refused: 401},
		{name: "a bad token beside App Service's user", easyAuth: true, headers: func(i in) []string {
			return append(easy(i, "aad", oidClaim, i.a.bob), "Authorization", "Bearer x.y.z")
		}, refused: 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSignIn(t, whoRules)
				a.app.Callers.EasyAuth, a.app.Callers.Tenant = tt.easyAuth, a.tenant.ID()
				got, refused := a.who(tt.headers(in{a})...)
				require.Equal(t, a.ids(tt.want), got)
				require.Equal(t, tt.refused, refused)
				require.Zero(t, a.effects())
			})
		})
	}
}

// Where the settings name no audience, no token is good enough.
func TestTokensAreTakenOnlyWhereTheSettingsSaySo(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, whoRules)
		a.app.Callers.Verify = nil
		_, refused := a.who("Authorization", "Bearer "+a.token(a.bob))
		require.Equal(t, http.StatusUnauthorized, refused)
		require.Zero(t, a.tenant.Count("", "/discovery/"))
	})
}

// What the rules cannot say now is no, for a key as for everybody.
func TestRulesThatCannotBeReadLetNobodyPass(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, whoRules)
		a.app.Callers.Rules = brokenRules
		a.app.Engine.Rules = brokenRules
		for name, headers := range map[string][]string{"a key": nil, "a user": bearer(a.token(a.ada))} {
			rec := a.call(http.MethodPost, "/api/changes?dryRun=true", a.ids(grantADA), headers...)
			require.Equal(t, http.StatusInternalServerError, rec.Code, name)
			require.Equal(t, pim.CodeInternal, a.problem(rec).Code)
			require.NotContains(t, rec.Body.String(), "vault")
		}
		require.Equal(t, http.StatusServiceUnavailable, a.call(http.MethodGet, "/api/health", "").Code)
	})
}
