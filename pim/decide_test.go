package pim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

const (
	anna     = "a44a0000-0000-4000-8000-000000000001"
	bela     = "be1a0000-0000-4000-8000-000000000002"
	shopTeam = "7ea00000-0000-4000-8000-000000000015"
	crm      = "c4300000-0000-4000-8000-000000000003" // object id of an application that asks
	crmApp   = "c4300000-0000-4000-8000-0000000000aa" // its client id
	portal   = "90470000-0000-4000-8000-0000000000bb" // client id of an application that people use
	ours     = "0e450000-0000-4000-8000-000000000004" // our own identity
	broken   = "b4ea6000-0000-4000-8000-000000000005" // break-glass account

	onCall    = "0c000000-0000-4000-8000-000000000011"
	admins    = "ad000000-0000-4000-8000-000000000012"
	approvers = "a0000000-0000-4000-8000-000000000013"
	leavers   = "1ea00000-0000-4000-8000-000000000014"

	sub1   = "/subscriptions/11111111-1111-1111-1111-111111111111"
	sub12  = "/subscriptions/11111111-1111-1111-1111-111111111112"
	shop   = sub1 + "/resourceGroups/shop"
	ourRG  = "/subscriptions/99999999-9999-9999-9999-999999999999/resourceGroups/pim"
	ourSub = "/subscriptions/99999999-9999-9999-9999-999999999999"
	group1 = "/providers/Microsoft.Management/managementGroups/corp"

	contributorRole = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	ownerRole       = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
	shopKeeperRole  = "c0570000-0000-4000-8000-000000000021"
	globalAdminRole = "62e90394-69f5-4237-9190-012177145e10"
)

// tuesday is within office hours in Berlin and in New York.
var tuesday = time.Date(2026, 12, 1, 15, 0, 0, 0, time.UTC)

// onCallRule is the one most tests hold questions against; they add to its end.
const onCallRule = `
  - name: on-call
    effect: allow
    actions: [grant]
    callers: [{objectIds: [` + crm + `]}]
    principals: [{memberOf: [` + onCall + `]}]
    planes: [azure]
    scopes: [` + shop + `]
    roles: [Contributor]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
`

func rulesOf(t testing.TB, rules ...string) *pim.Rules {
	t.Helper()
	r, err := pim.ParseRules([]byte("version: 1\nrules:\n" + strings.Join(rules, "")))
	require.NoError(t, err)
	return r
}

func scopeOf(t testing.TB, p pim.Plane, s string) pim.Scope {
	t.Helper()
	scope, err := pim.ParseScope(p, s)
	require.NoError(t, err)
	return scope
}

// isEligible is an eligibility without end, notEligible is none.
var isEligible, notEligible = &pim.Found{Instance: &pim.Instance{}}, &pim.Found{}

// since is what has stood from then on.
func since(start time.Time) *pim.Found { return &pim.Found{Instance: &pim.Instance{Start: &start}} }

func ptr[T any](v T) *T { return &v }

// settings is PIM's own policy as it stands where nobody has changed it, but for the
// second factor, which most tests do not bring.
func settings(change ...func(id string, r *pim.PolicyRule)) *pim.Policy {
	day := pim.Duration(24 * time.Hour)
	p := &pim.Policy{Rules: []pim.PolicyRule{
		{ID: "Expiration_EndUser_Assignment", Expiration: &pim.PolicyExpiration{Required: true, Most: day / 3}},
		{ID: "Expiration_Admin_Assignment", Expiration: &pim.PolicyExpiration{Required: true, Most: 180 * day}},
		{ID: "Expiration_Admin_Eligibility", Expiration: &pim.PolicyExpiration{Required: true, Most: 365 * day}},
		{ID: "Enablement_EndUser_Assignment", Enabled: []string{"Justification"}},
		{ID: "Enablement_Admin_Assignment", Enabled: []string{"Justification"}},
		{ID: "Enablement_Admin_Eligibility"},
		{ID: "Approval_EndUser_Assignment", Approval: &pim.PolicyApproval{}},
		{ID: "AuthenticationContext_EndUser_Assignment", AuthContext: &pim.PolicyContext{}},
	}}
	for i := range p.Rules {
		for _, c := range change {
			c(p.Rules[i].ID, &p.Rules[i])
		}
	}
	return p
}

// setting changes one rule of PIM's own policy.
func setting(id string, change func(*pim.PolicyRule)) func(string, *pim.PolicyRule) {
	return func(each string, r *pim.PolicyRule) {
		if each == id {
			change(r)
		}
	}
}

func asks(what string) func(*pim.PolicyRule) {
	return func(r *pim.PolicyRule) { r.Enabled = append(r.Enabled, what) }
}

// asked is a question that onCallRule allows, with every fact known.
func asked(t testing.TB) pim.Question {
	t.Helper()
	return pim.Question{
		Caller: pim.Caller{Kind: pim.CallerApp, ID: crm, AppID: crmApp},
		Request: pim.Request{
			Action: pim.Grant, Plane: pim.Azure, Scope: scopeOf(t, pim.Azure, shop), Role: "Contributor", Principal: anna,
			Duration: pim.Duration(time.Hour), Justification: "the shop is down", Ticket: pim.Ticket{Number: "CR12345", System: "ServiceNow"},
		},
		Role:      pim.Role{ID: contributorRole, Name: "Contributor"},
		Principal: pim.Subject{ID: anna, Type: "user", Known: true},
		Policy:    settings(),
		Eligible:  notEligible,
		Standing:  since(tuesday),
		Members:   map[string]pim.Membership{onCall: {Principal: true}, leavers: {}},
		Power:     ptr(false),
		Now:       tuesday,
		Guard: pim.Guard{
			Identity: []string{ours}, AdminGroups: []string{admins}, Protected: []string{broken},
			ResourceGroup: scopeOf(t, pim.Azure, ourRG),
		},
	}
}

// about points q at another principal, who is in nothing.
func about(q *pim.Question, id string) {
	q.Request.Principal, q.Principal.ID = id, id
	leads(q, id)
}

// at points q at another scope. A group there holds nothing, and leads nowhere.
func at(t testing.TB, q *pim.Question, p pim.Plane, s string) {
	q.Request.Plane, q.Request.Scope = p, scopeOf(t, p, s)
	q.Holds = &pim.Holdings{}
	leads(q, strings.Trim(s, "/"))
}

// leads says into which guarded groups another one leads.
func leads(q *pim.Question, id string, guarded ...string) {
	nested := map[string][]string{id: guarded}
	for other, in := range q.Nested {
		if other != id {
			nested[other] = in
		}
	}
	q.Nested = nested
}

func codes(d pim.Decision) []pim.ReasonCode {
	var out []pim.ReasonCode
	for _, r := range d.Reasons {
		out = append(out, r.Code)
	}
	return out
}

// decided holds a decision to what the table says: no codes is allowed.
func decided(t *testing.T, d pim.Decision, want ...pim.ReasonCode) {
	t.Helper()
	require.Equal(t, want, codes(d), "%+v", d.Reasons)
	require.Equal(t, len(want) == 0, d.Allowed)
}

func TestARuleAllowsOnlyWhereEveryConditionHolds(t *testing.T) {
	rules := rulesOf(t, onCallRule)
	for _, tc := range []struct {
		name string
		ask  func(*pim.Question)
		want []pim.ReasonCode
	}{
		{name: "all hold", ask: func(*pim.Question) {}},
		{name: "below the scope", ask: func(q *pim.Question) { at(t, q, pim.Azure, shop+"/providers/Microsoft.Web/sites/till") }},
		{name: "scope in other letters", ask: func(q *pim.Question) {
			at(t, q, pim.Azure, "/SUBSCRIPTIONS/11111111-1111-1111-1111-111111111111/RESOURCEGROUPS/Shop")
		}},
		{name: "caller in other letters", ask: func(q *pim.Question) { q.Caller.ID = strings.ToUpper(crm) }},
		{name: "as long as may be", ask: func(q *pim.Question) { q.Request.Duration = pim.Duration(4 * time.Hour) }},

		{name: "another action", ask: func(q *pim.Question) { q.Request.Action = pim.Activate },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongAction, pim.NotEligible}},
		{name: "another caller", ask: func(q *pim.Question) { q.Caller.ID = bela },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongCaller}},
		{name: "nobody", ask: func(q *pim.Question) { q.Caller = pim.Caller{} },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongCaller}},
		{name: "a queue that bears the caller's id", ask: func(q *pim.Question) { q.Caller = pim.Caller{Kind: pim.CallerQueue, ID: crm} },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongCaller}},
		{name: "a principal outside the group", ask: func(q *pim.Question) { q.Members[onCall] = pim.Membership{Caller: true} },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongPrincipal}},
		{name: "a group within the group", ask: func(q *pim.Question) { q.Principal.Type = "group" },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongPrincipal}},
		{name: "an application within the group", ask: func(q *pim.Question) { q.Principal.Type = "servicePrincipal" },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongPrincipal}},
		{name: "the subscription above", ask: func(q *pim.Question) { at(t, q, pim.Azure, sub1) },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongScope}},
		{name: "a name that begins the same", ask: func(q *pim.Question) { at(t, q, pim.Azure, shop+"2") },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongScope}},
		{name: "a management group above", ask: func(q *pim.Question) { at(t, q, pim.Azure, group1) },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongScope, pim.OurScope}},
		{name: "the root above", ask: func(q *pim.Question) { at(t, q, pim.Azure, "/") },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongScope, pim.OurScope}},
		{name: "another plane", ask: func(q *pim.Question) { at(t, q, pim.Directory, "/") },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongPlane}},
		{name: "another role", ask: func(q *pim.Question) { q.Role = pim.Role{ID: ownerRole, Name: "Owner"} },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongRole}},
		{name: "a custom role that took a built-in name", ask: func(q *pim.Question) { q.Role = pim.Role{ID: shopKeeperRole, Name: "Contributor"} },
			want: []pim.ReasonCode{pim.NoMatch, pim.WrongRole}},
		{name: "a second too long", ask: func(q *pim.Question) { q.Request.Duration = pim.Duration(4*time.Hour + time.Second) },
			want: []pim.ReasonCode{pim.TooLong}},
		{name: "an eligibility too long", ask: func(q *pim.Question) { q.Request.Eligible = pim.Duration(25 * time.Hour) },
			want: []pim.ReasonCode{pim.TooLong}},
		{name: "no justification", ask: func(q *pim.Question) { q.Request.Justification = " \t " },
			want: []pim.ReasonCode{pim.NeedJustification}},
		{name: "a start two years ahead", ask: func(q *pim.Question) { q.Request.Start = ptr(tuesday.AddDate(2, 0, 0)) },
			want: []pim.ReasonCode{pim.TooFarAhead, pim.TooLong, pim.TooLong}}, // the eligibility reaches from now to then
		{name: "the role that nobody resolved", ask: func(q *pim.Question) { q.Role = pim.Role{} },
			want: []pim.ReasonCode{pim.Malformed}},
		{name: "a negative duration", ask: func(q *pim.Question) { q.Request.Duration = -pim.Duration(time.Hour) },
			want: []pim.ReasonCode{pim.Malformed}},
		{name: "the longest duration there is", ask: func(q *pim.Question) { q.Request.Duration = 1<<63 - 1 },
			want: []pim.ReasonCode{pim.TooLong, pim.TooLong, pim.TooLong, pim.TooLong, pim.TooLong}}, // twice the rule, thrice PIM
		{name: "a scope of another plane than it says", ask: func(q *pim.Question) { q.Request.Plane = pim.Directory },
			want: []pim.ReasonCode{pim.Malformed}},
		{name: "no scope", ask: func(q *pim.Question) { q.Request.Scope = pim.Scope{} },
			want: []pim.ReasonCode{pim.Malformed}},
		{name: "a principal that is a path", ask: func(q *pim.Question) { q.Request.Principal = "../" + anna },
			want: []pim.ReasonCode{pim.Malformed}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := asked(t)
			tc.ask(&q)
			d := rules.Decide(q)
			decided(t, d, tc.want...)
			require.Equal(t, rules.Hash(), d.RulesHash)
			require.Equal(t, tuesday, d.At)
		})
	}
}

func TestAnAllowedDecisionSaysWhatMayBeDone(t *testing.T) {
	approved := strings.Replace(onCallRule, "eligibility: make\n    maxEligible: P1D", "approval: {group: "+approvers+", within: PT2H}", 1)
	q := asked(t)

	d := rulesOf(t, onCallRule).Decide(q)
	require.Equal(t, "on-call", d.Rule)
	require.Equal(t, pim.OnBehalf, d.Mode)
	require.True(t, d.Make)
	require.Nil(t, d.Approval)

	q.Eligible = isEligible
	d = rulesOf(t, approved).Decide(q)
	require.True(t, d.Allowed)
	require.False(t, d.Make)
	require.Equal(t, &pim.Approval{Group: approvers, Within: pim.Duration(2 * time.Hour)}, d.Approval)
}

func TestNoRulesAllowNothing(t *testing.T) {
	var none *pim.Rules
	decided(t, none.Decide(asked(t)), pim.NoRules)
	require.Nil(t, none.Groups(asked(t)))
	require.Empty(t, none.Hash())

	empty, err := pim.ParseRules([]byte("version: 1\nrules: []"))
	require.NoError(t, err)
	decided(t, empty.Decide(asked(t)), pim.NoRules)
}

// The hole of the sample that this app grew out of: whoever held a function key made
// anyone Owner of anything.
func TestAKeyAloneMakesNobodyOwner(t *testing.T) {
	q := asked(t)
	q.Caller = pim.Caller{Kind: pim.CallerKey}
	q.Role = pim.Role{ID: pim.OwnerRole, Name: "Owner"}
	at(t, &q, pim.Azure, sub12)
	decided(t, rulesOf(t, onCallRule).Decide(q), pim.NoMatch, pim.WrongCaller, pim.WrongScope, pim.WrongRole)
}

func TestTwoHalvesOfRulesMakeNoWhole(t *testing.T) {
	rules := rulesOf(t, onCallRule, `
  - name: reader anywhere
    effect: allow
    actions: [grant]
    callers: [{objectIds: [`+crm+`]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [/]
    roles: [Reader]
    maxDuration: PT8H
    eligibility: make
    maxEligible: P1D
`)
	q := asked(t)
	at(t, &q, pim.Azure, sub12) // the scope of one rule with the role of the other
	decided(t, rules.Decide(q), pim.NoMatch, pim.WrongScope, pim.WrongRole)

	q = asked(t)
	q.Request.Duration = pim.Duration(8 * time.Hour) // the length of one with the role of the other
	decided(t, rules.Decide(q), pim.TooLong)
}

func TestWithinOneEntryEverythingMustHold(t *testing.T) {
	rule := func(callers string) *pim.Rules {
		return rulesOf(t, strings.Replace(onCallRule, "callers: [{objectIds: ["+crm+"]}]", "callers: ["+callers+"]", 1))
	}
	person := pim.Caller{Kind: pim.CallerUser, ID: bela, AppID: portal, Roles: []string{"Requester"}}
	daemon := pim.Caller{Kind: pim.CallerApp, ID: crm, AppID: crmApp, Roles: []string{"Requester"}}
	in := map[string]pim.Membership{shopTeam: {Caller: true}, onCall: {Principal: true}}
	out := map[string]pim.Membership{shopTeam: {}, onCall: {Principal: true}}
	for _, tc := range []struct {
		name, callers string
		caller        pim.Caller
		members       map[string]pim.Membership
		want          bool
	}{
		{"the application itself", `{appIds: [` + crmApp + `]}`, daemon, out, true},
		{"a person through the application", `{appIds: [` + portal + `]}`, person, in, false},
		{"a person of the group through the application", `{appIds: [` + portal + `], groups: [` + shopTeam + `]}`, person, in, true},
		{"a person of the group through another application", `{appIds: [` + crmApp + `], groups: [` + shopTeam + `]}`, person, in, false},
		{"a person of no group through the application", `{appIds: [` + portal + `], groups: [` + shopTeam + `]}`, person, out, false},
		{"either entry", `{groups: [` + shopTeam + `]}, {objectIds: [` + bela + `]}`, person, out, true},
		{"one of the groups", `{groups: [` + admins + `, ` + shopTeam + `]}`, person, map[string]pim.Membership{shopTeam: {Caller: true}, admins: {}, onCall: {Principal: true}}, true},
		{"an application role", `{appRoles: [Requester]}`, daemon, out, true},
		{"an application role in other letters", `{appRoles: [requester]}`, daemon, out, false},
		{"any user", `{anyUser: true}`, person, out, true},
		{"an application is no user", `{anyUser: true}`, daemon, out, false},
		{"a user without an id", `{anyUser: true}`, pim.Caller{Kind: pim.CallerUser}, out, false},
		{"any key", `{anyKey: true}`, pim.Caller{Kind: pim.CallerKey}, out, true},
		{"a user is no key", `{anyKey: true}`, person, out, false},
		{"a queue", `{queues: [pim-requests]}`, pim.Caller{Kind: pim.CallerQueue, ID: "pim-requests"}, out, true},
		{"another queue", `{queues: [pim-requests]}`, pim.Caller{Kind: pim.CallerQueue, ID: "pim-changes"}, out, false},
		{"a key that bears the queue's name", `{queues: [pim-requests]}`, pim.Caller{Kind: pim.CallerKey, ID: "pim-requests"}, out, false},
		{"the sweep", `{system: true}`, pim.Caller{Kind: pim.CallerSystem}, out, true},
		{"a person is not the sweep", `{system: true}`, person, out, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := asked(t)
			q.Caller, q.Members = tc.caller, tc.members
			require.Equal(t, tc.want, rule(tc.callers).Decide(q).Allowed)
		})
	}
}

func TestNamedKeysAreCallersOfTheirOwn(t *testing.T) {
	// SHA-256 of "first" and of "second".
	rules, err := pim.ParseRules([]byte(`
version: 1
keys:
  - {name: crm, sha256: a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e}
  - {name: crm, sha256: 16367AACB67A4A017C8DA8AB95682CCB390863780F7114DDA0A0E0C55644C7C4}
rules:` + strings.Replace(onCallRule, "{objectIds: ["+crm+"]}", "{keys: [crm]}", 1)))
	require.NoError(t, err)

	name, ok := rules.KeyName("a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e")
	require.True(t, ok)
	require.Equal(t, "crm", name)
	name, ok = rules.KeyName("16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4")
	require.True(t, ok, "the key that replaces it counts at the same time")
	require.Equal(t, "crm", name)
	for _, sum := range []string{"", "a7", strings.Repeat("0", 64), "A7937B64B8CAA58F03721BB6BACF5C78CB235FEBE0E70B1B84CD99541461A08F"} {
		_, ok = rules.KeyName(sum)
		require.False(t, ok, sum)
	}

	q := asked(t)
	for caller, want := range map[string]bool{"crm": true, "": false, "CRM": false, "erp": false} {
		q.Caller = pim.Caller{Kind: pim.CallerKey, ID: caller}
		require.Equal(t, want, rules.Decide(q).Allowed, caller)
	}
}

func TestPrincipals(t *testing.T) {
	for _, tc := range []struct {
		name, principals string
		caller           pim.Caller
		principal        string
		kind             string
		want             bool
	}{
		{"listed", "{ids: [" + anna + "]}", pim.Caller{Kind: pim.CallerApp, ID: crm}, anna, "user", true},
		{"listed whatever its kind", "{ids: [" + shopTeam + "]}", pim.Caller{Kind: pim.CallerApp, ID: crm}, shopTeam, "group", true},
		{"not listed", "{ids: [" + anna + "]}", pim.Caller{Kind: pim.CallerApp, ID: crm}, bela, "user", false},
		{"any is any user", "{any: true}", pim.Caller{Kind: pim.CallerApp, ID: crm}, bela, "user", true},
		{"any is no group", "{any: true}", pim.Caller{Kind: pim.CallerApp, ID: crm}, shopTeam, "group", false},
		{"any group if the rule says so", "{any: true, types: [group]}", pim.Caller{Kind: pim.CallerApp, ID: crm}, shopTeam, "Group", true},
		{"oneself", "{self: true}", pim.Caller{Kind: pim.CallerApp, ID: crm}, crm, "servicePrincipal", true},
		{"not oneself", "{self: true}", pim.Caller{Kind: pim.CallerApp, ID: crm}, bela, "user", false},
		{"a key is nobody's self", "{self: true}", pim.Caller{Kind: pim.CallerKey, ID: bela}, bela, "user", false},
		{"oneself and in the group", "{self: true, memberOf: [" + onCall + "]}", pim.Caller{Kind: pim.CallerApp, ID: crm}, crm, "servicePrincipal", true},
		{"oneself and not in the group", "{self: true, memberOf: [" + leavers + "]}", pim.Caller{Kind: pim.CallerApp, ID: crm}, crm, "servicePrincipal", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := strings.Replace(onCallRule, "{memberOf: ["+onCall+"]}", tc.principals, 1)
			r = strings.Replace(r, "{objectIds: ["+crm+"]}", "{objectIds: ["+crm+"]}, {anyKey: true}", 1)
			q := asked(t)
			q.Caller = tc.caller
			about(&q, tc.principal)
			q.Principal.Type = tc.kind
			require.Equal(t, tc.want, rulesOf(t, r).Decide(q).Allowed)
		})
	}

	t.Run("a person who asks for another needs a rule for others", func(t *testing.T) {
		r := strings.Replace(onCallRule, "{memberOf: ["+onCall+"]}", "{self: true}", 1)
		q := asked(t)
		q.Caller = pim.Caller{Kind: pim.CallerUser, ID: bela}
		r = strings.Replace(r, crm, bela, 1)
		decided(t, rulesOf(t, r).Decide(q), pim.NoMatch, pim.WrongPrincipal)
		about(&q, bela)
		decided(t, rulesOf(t, r).Decide(q))
	})
}

func TestDenyWins(t *testing.T) {
	deny := func(rest string) *pim.Rules {
		return rulesOf(t, onCallRule, "\n  - name: never\n    effect: deny\n"+rest)
	}
	anywhere := strings.NewReplacer("[grant]", "[grant, deactivate]", "["+shop+"]", `[/, `+group1+`]`, "[Contributor]", "[Contributor, \"*\"]", "{memberOf: ["+onCall+"]}", "{any: true, types: [user, group]}").Replace(onCallRule)
	for _, tc := range []struct {
		name, rest string
		ask        func(*pim.Question)
		want       []pim.ReasonCode
	}{
		{name: "a rule for everything", rest: "", want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "of the principal", rest: "    principals: [{ids: [" + anna + "]}]", want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "of another principal", rest: "    principals: [{ids: [" + bela + "]}]"},
		{name: "of a group that the principal is in", rest: "    principals: [{memberOf: [" + leavers + "]}]",
			ask:  func(q *pim.Question) { q.Members[leavers] = pim.Membership{Principal: true} },
			want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "of a group that the principal is not in", rest: "    principals: [{memberOf: [" + leavers + "]}]"},
		{name: "of a group that could not be read", rest: "    principals: [{memberOf: [" + leavers + "]}]",
			ask:  func(q *pim.Question) { delete(q.Members, leavers) },
			want: []pim.ReasonCode{pim.Unproven}},
		{name: "of groups as principals", rest: "    principals: [{any: true, types: [group]}]",
			ask:  func(q *pim.Question) { q.Principal.Type = "group" },
			want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "of groups as principals, whose access may end all the same", rest: "    principals: [{any: true, types: [group]}]",
			ask: func(q *pim.Question) {
				q.Request.Action, q.Request.Duration, q.Principal = pim.Deactivate, 0, pim.Subject{}
			}},
		{name: "of everybody, groups among them", rest: "    principals: [{any: true}]",
			ask:  func(q *pim.Question) { q.Principal.Type = "group" },
			want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "below the scope", rest: "    scopes: [" + sub1 + "]", want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "beside the scope", rest: "    scopes: [" + sub12 + "]"},
		{name: "above the scope, from where the role would reach it", rest: "    scopes: [" + shop + "/providers/Microsoft.KeyVault/vaults/safe]",
			want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "from a management group, which may reach it", rest: "    scopes: [" + sub12 + "]",
			ask:  func(q *pim.Question) { at(t, q, pim.Azure, group1) },
			want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "of every role, escalating ones among them", rest: `    roles: ["*"]`, want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "of another role", rest: "    roles: [Owner]"},
		{name: "of a role by a name that could not be read", rest: "    roles: [Shop Keeper]",
			ask:  func(q *pim.Question) { q.Role = pim.Role{ID: shopKeeperRole} },
			want: []pim.ReasonCode{pim.Unproven}},
		{name: "of another plane", rest: "    planes: [directory, group]"},
		{name: "of another action", rest: "    actions: [makeEligible]"},
		{name: "of the caller", rest: "    callers: [{appIds: [" + crmApp + "]}]", want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "in a freeze", rest: "    when: {days: [tue], zone: UTC}", want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "out of a freeze", rest: "    when: {days: [wed], zone: UTC}"},
		{name: "asked before the freeze to begin in it", rest: "    when: {days: [wed], zone: UTC}",
			ask:  func(q *pim.Question) { q.Request.Start = ptr(tuesday.AddDate(0, 0, 1)) },
			want: []pim.ReasonCode{pim.DeniedByRule}},
		{name: "asked in the freeze to begin after it", rest: "    when: {days: [tue], zone: UTC}",
			ask:  func(q *pim.Question) { q.Request.Start = ptr(tuesday.AddDate(0, 0, 1)) },
			want: []pim.ReasonCode{pim.DeniedByRule}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := asked(t)
			q.Guard.ResourceGroup = pim.Scope{}
			if tc.ask != nil {
				tc.ask(&q)
			}
			rules := rulesOf(t, anywhere, "\n  - name: never\n    effect: deny\n"+tc.rest)
			d := rules.Decide(q)
			decided(t, d, tc.want...)
			if slices.Contains(tc.want, pim.DeniedByRule) {
				require.Equal(t, "never", d.Rule)
			}
		})
	}
	t.Run("an unread fact of a deny rule does not matter where nothing would allow", func(t *testing.T) {
		q := asked(t)
		q.Caller.ID = bela
		q.Members = nil
		decided(t, deny("    principals: [{memberOf: ["+leavers+"]}]").Decide(q), pim.NoMatch, pim.WrongCaller)
	})
}

// What could not be read puts no rule further away than what it says no to.
func TestUnreadFactsDoNotMakeARuleFar(t *testing.T) {
	r, err := pim.ParseRules([]byte(`
version: 1
rules:
  - {name: tickets, effect: allow, actions: [grant], callers: [{anyKey: true}], principals: [{memberOf: [11111111-1111-1111-1111-111111111111]}],
     planes: [azure], scopes: ["/"], roles: ["*"], maxDuration: PT4H, ticket: {required: true}}
  - {name: other, effect: allow, actions: [cancel], callers: [{system: true}], principals: [{any: true}], planes: [azure], scopes: ["/"], roles: ["*"]}
`))
	require.NoError(t, err)
	var req pim.Request
	require.NoError(t, req.UnmarshalJSON([]byte(`{"action":"grant","scope":"/subscriptions/11111111-2222-3333-4444-555555555551","role":"Reader","principalId":"11111111-2222-3333-4444-555555555552","justification":"because"}`)))
	d := r.Decide(pim.Question{Caller: pim.Caller{Kind: pim.CallerKey}, Request: req, Role: pim.Role{ID: "acdd72a7-3385-48ef-bd42-f606fba81ae7"}})
	require.False(t, d.Allowed)
	require.Len(t, d.Reasons, 1)
	require.Equal(t, pim.NeedTicket, d.Reasons[0].Code)
}
