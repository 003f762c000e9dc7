package functions_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// The original sample made anyone Owner for whoever held a function key. With the
// rules that the package ships, it makes nobody anything.
func TestShippedRulesMakeNobodyOwner(t *testing.T) {
	shipped, err := os.ReadFile("../rules.yaml")
	require.NoError(t, err)
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, string(shipped))
		callers := map[string][]string{"a key": nil, "a user": bearer(a.token(a.ada, simtenant.WithMFA())), "an application": bearer(a.token(a.identity))}
		for who, headers := range callers {
			for name, body := range a.bodies() {
				rec := a.call(http.MethodPost, "/api/activatePIMRole", body, headers...)
				require.Equal(t, http.StatusForbidden, rec.Code, "%s: %s: %s", who, name, rec.Body)
				p := a.problem(rec)
				require.Equal(t, pim.CodeRefused, p.Code)
				require.Equal(t, pim.NoRules, p.Reasons[0].Code)
			}
			require.Equal(t, http.StatusForbidden, a.call(http.MethodGet, "/api/roles?scope="+a.sub, "", headers...).Code)
		}
		require.True(t, a.message("requests", "m-1", a.request("CR-q"), 1))
		a.settle()
		require.Zero(t, a.effects())
		require.Empty(t, a.held(a.ada))
		require.NotContains(t, a.audit.String(), `"allowed":true`)
	})
}

const shopRules = `
version: 1
keys:
  - {name: servicenow, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b} # of "secret"
rules:
  - name: shop
    effect: allow
    actions: [grant]
    callers: [{keys: [servicenow]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [SUB/resourceGroups/shop]
    roles: [Reader]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
    waives: [mfa]
  - name: bank
    effect: allow
    actions: [grant]
    callers: [{keys: [servicenow]}]
    principals: [{ids: [BOB]}]
    planes: [azure]
    scopes: [SUB/resourceGroups/bank]
    roles: [Contributor]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT1H
    ticket: {pattern: 'CR\d+'}
    waives: [mfa]
`

// What reaches beyond a rule, or takes one half of it and the other half of another.
func TestReachingBeyondARuleIsRefused(t *testing.T) {
	const reader, ticket = `"role":"Reader","principalId":"ADA"`, `,"ticket":{"number":"CR1","system":"x"}`
	for _, tt := range []struct {
		name, scope, rest string
		want              int
	}{
		{"what the rule allows", "SUB/resourceGroups/shop", reader, 202},
		{"in capitals", "SUB/RESOURCEGROUPS/SHOP", reader, 202},
		{"below", "SUB/resourceGroups/shop/providers/Microsoft.Web/sites/a", reader, 202},

		{"a longer name", "SUB/resourceGroups/shop2", reader, 403},
		{"a shorter name", "SUB/resourceGroups/sho", reader, 403},
		{"above", "SUB", reader, 403},
		{"a management group above", "/providers/Microsoft.Management/managementGroups/ROOT", reader, 403},
		{"the root", "/", reader, 403},
		{"a neighbour", "/subscriptions/00000000-0000-0000-0000-000000000012/resourceGroups/shop", reader, 403},
		{"climbing", "SUB/resourceGroups/shop/../bank", reader, 400},
		{"climbing in code", "SUB/resourceGroups/shop%2f..%2fbank", reader, 400},
		{"climbing twice coded", "SUB/resourceGroups/shop%252f..", reader, 400},
		{"climbing by backslash", `SUB/resourceGroups/shop\\..\\bank`, reader, 400},
		{"a full-width slash", `SUB/resourceGroups/shop\uff0f..`, reader, 400},
		{"a double slash", "SUB//resourceGroups/shop", reader, 400},
		{"a slash at the end", "SUB/resourceGroups/shop/", reader, 400},
		{"a dot segment", "SUB/./resourceGroups/shop", reader, 400},
		{"a query", "SUB/resourceGroups/shop?a=/", reader, 400},
		{"a fragment", "SUB/resourceGroups/shop#", reader, 400},
		{"a semicolon", "SUB/resourceGroups/shop;x=1", reader, 400},
		{"another host", "//evil.example/subscriptions", reader, 400},
		{"a whole address", "https://evil.example/SUB", reader, 400},
		{"a null", `SUB/resourceGroups/shop\u0000`, reader, 400},
		{"a space", "SUB/resourceGroups/shop ", reader, 400},
		{"a filter", "SUB/resourceGroups/shop' or 1 eq 1", reader, 400},

		{"the bank's role in the shop", "SUB/resourceGroups/shop", `"role":"Contributor","principalId":"BOB"` + ticket, 403},
		{"the shop's role in the bank", "SUB/resourceGroups/bank", `"role":"Reader","principalId":"BOB"` + ticket, 403},
		{"the shop's people in the bank", "SUB/resourceGroups/bank", `"role":"Contributor","principalId":"ADA"` + ticket, 403},
		{"the shop's hours in the bank", "SUB/resourceGroups/bank", `"role":"Contributor","principalId":"BOB","duration":"PT8H"` + ticket, 422},
		{"no ticket in the bank, as in the shop", "SUB/resourceGroups/bank", `"role":"Contributor","principalId":"BOB"`, 422},

		{"Owner", "SUB/resourceGroups/shop", `"role":"Owner","principalId":"ADA"`, 403},
		{"Owner by its id", "SUB/resourceGroups/shop", `"role":"` + owner + `","principalId":"ADA"`, 403},
		{"Owner by an id in capitals", "SUB/resourceGroups/shop", `"role":"` + strings.ToUpper(owner) + `","principalId":"ADA"`, 403},
		{"Owner by the id of another subscription's", "SUB/resourceGroups/shop",
			`"role":"/subscriptions/00000000-0000-0000-0000-000000000012/providers/Microsoft.Authorization/roleDefinitions/` + owner + `","principalId":"ADA"`, 400},
		{"Reader by the id of another subscription's", "SUB/resourceGroups/shop",
			`"role":"/subscriptions/00000000-0000-0000-0000-000000000012/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7","principalId":"ADA"`, 400},
		{"for ourselves", "SUB/resourceGroups/shop", `"role":"Reader","principalId":"APP"`, 403},
		{"for the protected", "SUB/resourceGroups/shop", `"role":"Reader","principalId":"CARL"`, 403},
		{"for ten years and more", "SUB/resourceGroups/shop", reader + `,"duration":"P4000D"`, 400},
		{"for less than nothing", "SUB/resourceGroups/shop", reader + `,"duration":"-PT1H"`, 400},
		{"for a while that overflows", "SUB/resourceGroups/shop", reader + `,"duration":"PT9223372036854775808S"`, 400},
		{"an eligibility for ever", "SUB/resourceGroups/shop", reader + `,"eligibleDuration":"P3650D"`, 422},
		{"hours that begin in months", // virtual time begins with the year 2000
			"SUB/resourceGroups/shop", reader + `,"start":"2000-06-01T00:00:00Z"`, 422},
		{"minutes that begin in months", "SUB/resourceGroups/shop", reader + `,"duration":"PT5M","start":"2000-11-01T00:00:00Z"`, 422},
		{"hours whose eligibility would last for days", "SUB/resourceGroups/shop", reader + `,"start":"2000-01-03T00:00:00Z"`, 422},
		{"in the name of another", "SUB/resourceGroups/shop", reader + `,"caller":{"kind":"system"}`, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSignIn(t, shopRules)
				a.tenant.AddResource(a.tenant.AddResourceGroup(a.sub, "shop"), "Microsoft.Web/sites", "a")
				a.tenant.AddResourceGroup(a.sub, "bank")
				a.app.Engine.Guard.Protected = []string{a.carl}
				a.tenant.ForgetCalls()
				scope := strings.Replace(tt.scope, "ROOT", a.tenant.ID(), 1)
				body := a.ids(`{"id":"CR1","action":"grant","justification":"because","scope":"` + scope + `",` + tt.rest + `}`)
				rec := a.call(http.MethodPost, "/api/changes", body, "Prefer", "respond-async")
				if rec.Code == http.StatusAccepted { // decided by the queue
					a.settle()
					if got := a.call(http.MethodPost, "/api/changes", body); got.Code >= 400 {
						rec = got
					}
				}
				require.Equal(t, tt.want, rec.Code, rec.Body.String())
				if tt.want >= 400 {
					require.Zero(t, a.effects())
					require.Empty(t, a.held(a.ada))
					require.Empty(t, a.held(a.bob))
				}
			})
		})
	}
}

// An id opens nobody else's change: neither to read it nor to have it done.
func TestIdOfAnothersChangeOpensNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, rules)
		body := a.request("CR1")
		require.Equal(t, http.StatusAccepted, a.call(http.MethodPost, "/api/changes", body).Code)
		a.settle()
		for who, headers := range map[string][]string{"another key": {"x-functions-key", "another"}, "a user": bearer(a.token(a.carl))} {
			rec := a.call(http.MethodPost, "/api/changes", body, headers...)
			require.Equal(t, http.StatusForbidden, rec.Code, "%s: %s", who, rec.Body)
			require.NotContains(t, rec.Body.String(), "pimRequests")
			require.Equal(t, http.StatusForbidden, a.call(http.MethodGet, "/api/changes/CR1", "", headers...).Code, who)
			rec = a.call(http.MethodGet, "/api/changes", "", headers...)
			require.JSONEq(t, `{"value":[]}`, rec.Body.String(), who)
		}
	})
}

// Whoever is neither reader nor operator sees what they asked for, and what they hold.
func TestOthersSeeTheirOwnAlone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, strings.Replace(rules, "callers: [", "callers: [{anyUser: true}, ", 1))
		a.ask(bearer(a.token(a.bob)), a.request("CR-bob"), http.StatusAccepted)
		a.ask(bearer(a.token(a.carl)), a.request("CR-carl"), http.StatusAccepted)
		a.settle()
		a.tenant.ForgetCalls()
		bob := bearer(a.token(a.bob))
		seen := decoded[struct{ Value []pim.Report }](t, a.call(http.MethodGet, "/api/changes", "", bob...).Body.Bytes()).Value
		require.Len(t, seen, 1)
		require.Equal(t, "CR-bob", seen[0].ID)
		require.Equal(t, http.StatusOK, a.call(http.MethodGet, "/api/changes/CR-bob", "", bob...).Code)

		for _, closed := range []string{
			"GET changes/CR-carl", "GET eligibilities?scope=SUB", "GET eligibilities?scope=SUB&principal=ADA", "GET assignments?scope=SUB&principal=ADA",
			"GET eligibilities?scope=SUB&role=Nosuchrole&principal=ADA", "GET roles?scope=SUB", "GET policies?scope=SUB&role=Owner", "GET policies?scope=SUB&role=Nosuchrole",
			"GET audit", "GET audit?principal=BOB", "GET deadletters", "POST deadletters/pim-requests:1", "GET sweeps", "POST sweeps", "GET sweeps/1", "POST sweeps/1/restore",
		} {
			method, path, _ := strings.Cut(a.ids(closed), " ")
			for who, headers := range map[string][]string{"bob": bob, "a key without a name": {"x-functions-key", "another"}, "our own identity": bearer(a.token(a.identity))} {
				rec := a.call(method, "/api/"+path, "", headers...)
				require.Equal(t, http.StatusForbidden, rec.Code, "%s: %s: %s", closed, who, rec.Body)
			}
		}
		require.Empty(t, a.tenant.Calls(), "whoever may not see it does not have it looked up")
		for _, own := range []string{"eligibilities", "assignments"} {
			rec := a.call(http.MethodGet, a.ids("/api/"+own+"?scope=SUB&principal=BOB"), "", bob...)
			require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
		}
	})
}

// A filter is a value, whatever stands in it.
func TestFiltersAreValues(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, rules)
		a.tenant.GrantAppRole(a.identity, "RoleManagement.Read.Directory", "RoleAssignmentSchedule.Read.Directory", "RoleEligibilitySchedule.Read.Directory")
		evil := []string{`x' or 1 eq 1`, `x') or (1 eq 1`, `'`, `' or roleName ne '`, `x%27 or 1 eq 1`, "x\r\nHost: evil.example", `../../x`, `$filter`, `x&$filter=1 eq 1`}
		for _, list := range []string{"eligibilities", "assignments", "audit"} {
			for _, v := range evil {
				rec := a.call(http.MethodGet, "/api/"+list+"?scope="+a.sub+"&principal="+url.QueryEscape(v), "")
				require.Equal(t, http.StatusBadRequest, rec.Code, "%s: %q: %s", list, v, rec.Body)
				require.Equal(t, "principalId", a.problem(rec).Field)
			}
		}
		for _, list := range []string{"eligibilities", "assignments", "roles", "policies"} {
			for _, v := range evil {
				rec := a.call(http.MethodGet, "/api/"+list+"?role=Owner&scope="+url.QueryEscape(a.sub+"/"+v), "")
				require.Equal(t, http.StatusBadRequest, rec.Code, "%s: %q: %s", list, v, rec.Body)
			}
		}
		for _, v := range evil {
			for _, field := range []string{"from", "to"} {
				require.Equal(t, http.StatusBadRequest, a.call(http.MethodGet, "/api/audit?"+field+"="+url.QueryEscape(v), "").Code)
			}
			for _, field := range []string{"limit", "next"} {
				require.Equal(t, http.StatusBadRequest, a.call(http.MethodGet, "/api/roles?scope="+a.sub+"&"+field+"="+url.QueryEscape(v), "").Code, "%s %q", field, v)
			}
			require.Equal(t, http.StatusBadRequest, a.call(http.MethodGet, "/api/changes?status="+url.QueryEscape(v), "").Code)
			require.Equal(t, http.StatusBadRequest, a.call(http.MethodGet, "/api/changes?principal="+url.QueryEscape(v), "").Code)
			require.Equal(t, http.StatusBadRequest, a.call(http.MethodGet, "/api/eligibilities?plane="+url.QueryEscape(v), "").Code)
		}
		require.Empty(t, a.tenant.Calls(), "what is no value is not asked for")

		// A role's name is free text: it goes to the service as one quoted string.
		for _, plane := range []string{"azure", "directory"} {
			scope := map[string]string{"azure": a.sub, "directory": "/"}[plane]
			for _, name := range []string{`x' or 1 eq 1`, `' or roleName ne '`, `'`, `x&$filter=1 eq 1`} {
				a.tenant.ForgetCalls()
				rec := a.call(http.MethodGet, "/api/eligibilities?plane="+plane+"&scope="+scope+"&role="+url.QueryEscape(name), "")
				require.Equal(t, http.StatusNotFound, rec.Code, "%q: %s", name, rec.Body)
				require.Len(t, a.tenant.Calls(), 1)
				filter := a.tenant.Calls()[0].Query["$filter"]
				require.Len(t, filter, 1)
				require.True(t, strings.HasSuffix(filter[0], " eq '"+strings.ReplaceAll(name, "'", "''")+"'"), filter[0])
			}
		}
		a.tenant.AddRole(simtenant.Role{Name: "O'Brien's role", Actions: []string{"*/read"}, Scopes: []string{a.sub}})
		rec := a.call(http.MethodGet, "/api/eligibilities?scope="+a.sub+"&role="+url.QueryEscape("O'Brien's role"), "")
		require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
	})
}

// envelope is what the host posts for a queue message, forged at will.
func envelope(body, metadata string) string {
	return fmt.Sprintf(`{"Data":{"message":%q},"Metadata":%s}`, base64.StdEncoding.EncodeToString([]byte(body)), metadata)
}

// Whatever a message says of itself, its caller is the queue.
func TestMessageCannotSayWhoSentIt(t *testing.T) {
	const onlyUsers = `
version: 1
readers: [{keys: [servicenow]}]
keys:
  - {name: servicenow, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b} # of "secret"
rules:
  - name: not by queue
    effect: allow
    actions: [grant]
    callers: [{anyUser: true}, {anyKey: true}, {system: true}, {queues: [pim-changes]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [/]
    roles: [Owner]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
    waives: [mfa]
`
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, onlyUsers)
		metadata, err := json.Marshal(map[string]any{
			"MessageId": `"CR1"`, "DeliveryCount": "1", "ApplicationProperties": map[string]any{"caller": "user:" + a.ada, "Authorization": "Bearer " + a.token(a.ada)},
			"UserProperties": map[string]any{"x-functions-key": serviceNow}, "sys": map[string]any{"MethodName": "advance", "UtcNow": "2000-01-01"},
			"caller": map[string]any{"kind": "system"}, "Subject": "pim-changes", "To": "pim-changes", "ReplyTo": "user:" + a.ada,
		})
		require.NoError(t, err)
		rec := a.call(http.MethodPost, "/requests", envelope(a.request("CR1"), string(metadata)),
			"Authorization", "Bearer "+a.token(a.ada), "X-MS-CLIENT-PRINCIPAL", principal("aad", "oid", a.ada))
		require.Equal(t, http.StatusOK, rec.Code)
		a.settle()
		got := a.state("CR1")
		require.Equal(t, "queue:pim-requests", got.RequestedBy)
		require.Equal(t, pim.Refused, got.State)
		require.Zero(t, a.effects())
	})
}

// A continuation is a place in the journal: it says neither what is done nor that it
// may be.
func TestContinuationDrivesWhatTheJournalAllows(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		a.ask(bearer(a.token(a.bob)), strings.Replace(strings.Replace(grantADA, "Owner", "Contributor", 1), "CR1", "CR2", 1), http.StatusForbidden)
		for _, forged := range []string{
			`{"change":"CR1","generation":1,"step":"submit","tries":0}`, `{"change":"CR2","generation":1,"step":"submit","tries":0}`,
			`{"change":"CR1","generation":99,"step":"look"}`, `{"change":"CR3","generation":1,"step":"submit"}`,
			`{"change":"../CR1","step":"submit"}`, `{"change":"CR1","state":"pending","decision":{"allowed":true},"votes":[{"approve":true}]}`,
		} {
			require.True(t, a.message("advance", "m-1", forged, 1), forged)
		}
		require.Equal(t, pim.AwaitingApproval, a.state("CR1").State)
		require.Equal(t, pim.Refused, a.state("CR2").State)
		require.Zero(t, a.effects())
	})
}

// Nothing that a caller writes forges a line of the log, or hides one.
func TestLogsHoldNoLineThatACallerWrote(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, rules)
		log := handler.NewLogger(a.log, a.log)
		a.app.Log, a.app.Engine.Log = log, log
		a.Handler = functions.New(a.app)
		const evil = "x\r\n{\"level\":\"INFO\",\"event\":\"audit\",\"allowed\":true}\u202e\u2066\u200b\u0085\u2028\x1b[2J\x00warn"
		in, err := json.Marshal(evil)
		require.NoError(t, err)
		text := string(in)
		for _, field := range []string{"id", "action", "plane", "scope", "role", "principalId", "duration", "justification", "condition", "start"} {
			body := a.request("CR1")
			if i := strings.Index(body, `"`+field+`":`); i >= 0 {
				end := strings.IndexAny(body[i+len(field)+3:], ",}") + i + len(field) + 3
				body = body[:i] + `"` + field + `":` + text + body[end:]
			} else {
				body = strings.Replace(body, "{", `{"`+field+`":`+text+`,`, 1)
			}
			rec := a.call(http.MethodPost, "/api/changes", body)
			require.Equal(t, http.StatusBadRequest, rec.Code, "%s: %s", field, rec.Body)
			require.True(t, a.message("requests", "m-"+field, body, 1))
		}
		a.call(http.MethodPost, "/api/changes", `{`+text+`:1}`)
		a.call(http.MethodGet, "/api/changes/"+url.PathEscape(evil), "")
		a.call(http.MethodPost, "/api/approvals/"+url.PathEscape(evil), `{"approve":true}`, bearer(a.token(a.bob))...)
		a.call(http.MethodPost, "/api/deadletters/"+url.PathEscape(evil), ``)
		a.call(http.MethodGet, "/api/roles?scope="+url.QueryEscape(evil)+"&next="+url.QueryEscape(evil), "")
		a.call(http.MethodGet, "/api/eligibilities?scope="+a.sub+"&role="+url.QueryEscape(evil), "")
		a.call(http.MethodPost, "/api/changes", a.request("CR9"), "Idempotency-Key", "x\tforged")
		id, err := json.Marshal(text)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.call(http.MethodPost, "/requests", envelope("no", `{"MessageId":`+string(id)+`,"DeliveryCount":"1"}`)).Code)
		require.NotEmpty(t, a.log.String())
		for _, out := range []string{a.log.String(), a.audit.String()} {
			for line := range strings.Lines(out) {
				require.True(t, json.Valid([]byte(line)), line)
				require.False(t, strings.ContainsFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool {
					return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
				}), "%q", line)
				var record struct{ Event string }
				require.NoError(t, json.Unmarshal([]byte(line), &record))
				require.True(t, out == a.audit.String() || record.Event == "")
			}
		}
	})
}

// What is secret or personal stays out of the log, the audit trail, the queues and
// every answer.
func TestSecretsStayInside(t *testing.T) {
	const key, why = "a-function-key-of-forty-characters-or-so", "my manager Grace is ill"
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, strings.Replace(selfRules, "version: 1", "version: 1\nreaders: [{anyKey: true}]", 1)+`
  - name: by key
    effect: allow
    actions: [grant]
    callers: [{anyKey: true}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [SUB]
    roles: [Contributor, Owner]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
    waives: [mfa]
`)
		log := handler.NewLogger(a.log, a.log)
		a.app.Log, a.app.Engine.Log = log, log
		a.Handler = functions.New(a.app)
		var answers strings.Builder
		ask := func(method, path, body string, headers ...string) {
			rec := a.call(method, path, body, headers...)
			require.NoError(t, rec.Header().Write(&answers))
			answers.Write(rec.Body.Bytes())
		}
		good, bad := a.token(a.ada, simtenant.WithMFA()), a.token(a.ada, simtenant.WithLife(-time.Hour))
		body := func(id, role, scope string) string {
			return a.ids(fmt.Sprintf(`{"id":%q,"action":"grant","scope":%q,"role":%q,"principalId":"ADA","justification":%q}`, id, scope, role, why))
		}
		a.tenant.MakeEligible(simtenant.Grant{Scope: a.sub, Role: "Contributor", Principal: a.ada})
		ask("POST", "/api/changes", body("CR1", "Contributor", a.sub), bearer(good)...)
		ask("POST", "/api/changes", body("CR2", "Contributor", a.sub), bearer(bad)...)
		ask("POST", "/api/changes", body("CR3", "Contributor", a.sub), bearer(a.token(a.ada))...) // wants a second factor
		ask("POST", "/api/changes", body("CR4", "Owner", a.sub), "x-functions-key", key)
		ask("POST", "/api/changes?code="+key, body("CR5", "Reader", a.sub), "x-functions-key", "")
		ask("POST", "/api/changes?code="+key+"&dryRun=true", body("CR6", "Owner", "/"), "x-functions-key", "", "Referer", "https://x/?code="+key, "X-Original-URL", "/api/changes?code="+key)
		ask("GET", "/api/changes?code="+key, "", "x-functions-key", "")
		ask("GET", "/api/nothing?code="+key, "", "x-functions-key", key)
		for _, f := range []simtenant.Fault{{Method: "PUT", Status: 400, Code: "BadRequest", Message: "no"}, {Method: "PUT", DropAnswer: true}, {Method: "PUT", Status: 500, Times: 3}} {
			a.tenant.Inject(f)
			ask("POST", "/api/changes", body("CR7", "Owner", a.sub), "x-functions-key", key)
		}
		require.True(t, a.message("requests", "m-1", body("CR8", "Owner", a.sub), 1))
		a.settle()
		ask("GET", "/api/changes", "", "x-functions-key", key)

		require.Contains(t, a.audit.String(), `"what":"effect"`)
		require.NotEmpty(t, a.tenant.Requests())
		require.Equal(t, why, strings.TrimSuffix(a.tenant.Requests()[0].Justification, " "), "PIM is told")
		var queues strings.Builder
		for _, ms := range a.queues.held {
			for _, m := range ms {
				queues.Write(m.Body)
			}
		}
		signature := good[strings.LastIndexByte(good, '.')+1:]
		sum := "X-Functions-Key-Sha256"
		for where, text := range map[string]string{"log": a.log.String(), "audit": a.audit.String(), "queues": queues.String(), "answers": answers.String()} {
			for _, secret := range []string{key, why, "Grace", good, signature, bad, frontSecret, "access_token", sum, "preferred_username"} {
				require.NotContains(t, text, secret, where)
			}
		}
	})
}

// What a process on the same machine reaches that calls our port past the host: the
// host's check of the key is gone, what stands in the rules is not.
func TestPastTheHostTheRulesStillHold(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, rules)
		body := a.request("CR1")
		require.Equal(t, http.StatusUnauthorized, a.call(http.MethodPost, "/api/changes", body, "x-functions-key", "").Code)
		require.Equal(t, http.StatusForbidden, a.call(http.MethodPost, "/api/changes", body, "x-functions-key", "made up").Code, "it is a key like any other, without a name")
		require.Equal(t, http.StatusForbidden, a.call(http.MethodGet, "/api/deadletters", "", "x-functions-key", "made up").Code)
		require.Zero(t, a.effects())

		// It is any queue's sender, and may start timers.
		require.True(t, a.message("requests", "m-1", a.request("CR2"), 1))
		a.settle()
		require.Equal(t, "queue:pim-requests", a.state("CR2").RequestedBy)
		require.Equal(t, pim.Done, a.state("CR2").State)

		// Where a rule lets any key pass, it needs none.
		a.use(strings.Replace(rules, "{keys: [servicenow]}, {queues", "{anyKey: true}, {queues", 1))
		require.Equal(t, http.StatusAccepted, a.call(http.MethodPost, "/api/changes", a.request("CR3"), "x-functions-key", "made up", "Prefer", "respond-async").Code)
		a.settle()
		require.Equal(t, pim.Done, a.state("CR3").State)

		// And behind App Service authentication it is whoever it says.
		a.app.Callers.EasyAuth, a.app.Callers.Tenant = true, a.tenant.ID()
		a.use(strings.Replace(rules, "callers: [", "callers: [{objectIds: [BOB]}, ", 1))
		forged := principal("aad", tenantClaim, a.tenant.ID(), oidClaim, a.bob)
		require.Equal(t, http.StatusAccepted, a.call(http.MethodPost, "/api/changes", a.request("CR4"), "X-MS-CLIENT-PRINCIPAL", forged, "Prefer", "respond-async").Code)
	})
}

// Who may ask for nothing learns nothing by asking what would be, and spends none of
// our calls by it.
func TestAStrangerLearnsNothingOfWhatIsThere(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		ask := func(role string) string {
			return fmt.Sprintf(`{"action":"grant","scope":%q,"role":%q,"principalId":%q,"justification":"because"}`, a.sub, role, a.ada)
		}
		dry := func(body string) string {
			rec := a.call(http.MethodPost, "/api/changes?dryRun=true", body, "x-functions-key", "some other key")
			require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
			return regexp.MustCompile(`"at":"[^"]*"`).ReplaceAllString(rec.Body.String(), "")
		}
		require.Equal(t, dry(ask("Virtual Machine Contributor")), dry(ask("no such role")))
		var many []string
		for i := range 200 {
			many = append(many, ask(fmt.Sprint("role ", i)))
		}
		dry("[" + strings.Join(many, ",") + "]")
		for _, role := range []string{"Virtual Machine Contributor", "no such role"} {
			require.Equal(t, http.StatusForbidden, a.call(http.MethodPost, "/api/changes", ask(role), "x-functions-key", "some other key").Code)
		}
		require.Empty(t, a.tenant.Calls())
	})
}

// docs/security.md rests its claims on tests: they are there.
func TestSecurityPageNamesTestsThatAre(t *testing.T) {
	page, err := os.ReadFile("../docs/security.md")
	require.NoError(t, err)
	var tests strings.Builder
	for _, dir := range []string{"functions", "handler", "pim", "pim/sweep", "internal/entra", "internal/auditlog", "infra"} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		for _, f := range files {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			tests.Write(b)
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(named), 40)
	for _, n := range named {
		require.True(t, strings.Contains(tests.String(), "\nfunc "+n[1]+"("), n[1])
	}
}
