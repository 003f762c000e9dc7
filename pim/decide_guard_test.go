package pim_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

// everythingRule allows all that a rule can allow.
const everythingRule = `
  - name: everything
    effect: allow
    actions: [grant, makeEligible, activate, assign, deactivate, removeEligible, extend, renew, cancel]
    callers: [{anyUser: true}, {anyKey: true}, {system: true}, {appIds: [` + crmApp + `]}]
    principals: [{any: true, types: [user, group, servicePrincipal]}]
    planes: [azure, directory, group]
    scopes: ["/", "*", ` + group1 + `]
    roles: ["*", Owner, Global Administrator, Groups Administrator]
    maxDuration: P3650D
    eligibility: make
    maxEligible: P3650D
    justification: {required: false}
    ourScope: true
`

// approvedRule makes approvers a group that approves.
const approvedRule = `
  - name: approved
    effect: allow
    actions: [grant]
    callers: [{queues: [pim-requests]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [` + shop + `]
    roles: [Owner]
    maxDuration: PT1H
    approval: {group: ` + approvers + `}
`

func TestNoRuleAllowsWhatStandsAboveAllRules(t *testing.T) {
	rules := rulesOf(t, everythingRule, approvedRule)
	both := append(append([]pim.Action{}, gives...), ends...)
	member := pim.Role{ID: "member", Name: "member"}
	for _, tc := range []struct {
		name    string
		ask     func(*pim.Question)
		refused []pim.Action
		allowed []pim.Action
		want    pim.ReasonCode
	}{
		{name: "an ordinary request", ask: func(*pim.Question) {}, allowed: both},
		{name: "everything is stopped", ask: func(q *pim.Question) { q.Guard.Stopped = true }, refused: both, want: pim.Stopped},
		{name: "to ourselves", ask: func(q *pim.Question) { about(q, ours) }, refused: both, want: pim.OurIdentity},
		{name: "to a group that administers us", ask: func(q *pim.Question) { about(q, admins) }, refused: both, want: pim.OurIdentity},
		{name: "into a group that administers us", ask: func(q *pim.Question) { at(t, q, pim.Group, admins); q.Role = member },
			refused: both, want: pim.OurIdentity},
		{name: "over our own application", ask: func(q *pim.Question) { at(t, q, pim.Directory, "/"+ours) },
			refused: both, want: pim.OurIdentity},
		{name: "to a protected principal", ask: func(q *pim.Question) { about(q, broken) }, refused: both, want: pim.Protected},
		{name: "to a protected principal that asks itself",
			ask:     func(q *pim.Question) { about(q, broken); q.Caller = pim.Caller{Kind: pim.CallerUser, ID: broken} },
			refused: gives, allowed: ends, want: pim.Protected},
		{name: "into a protected group", ask: func(q *pim.Question) { at(t, q, pim.Group, broken); q.Role = member }, refused: both, want: pim.Protected},
		{name: "to a group that approves", ask: func(q *pim.Question) { about(q, approvers) }, refused: gives, allowed: ends, want: pim.ApproverGroup},
		{name: "into a group that approves", ask: func(q *pim.Question) { at(t, q, pim.Group, approvers); q.Role = member },
			refused: gives, allowed: ends, want: pim.ApproverGroup},
		{name: "to a disabled account", ask: func(q *pim.Question) { q.Principal.Disabled = true }, refused: gives, allowed: ends, want: pim.Disabled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ask := func(a pim.Action) pim.Decision {
				q := asked(t)
				q.Request.Action = a
				if a == pim.Deactivate || a == pim.RemoveEligible || a == pim.Cancel {
					q.Request.Duration = 0
				}
				q.Eligible = isEligible
				tc.ask(&q)
				return rules.Decide(q)
			}
			for _, a := range tc.allowed {
				require.True(t, ask(a).Allowed, "%s: %v", a, ask(a).Reasons)
			}
			for _, a := range tc.refused {
				d := ask(a)
				decided(t, d, tc.want)
				require.Empty(t, d.Reasons[0].Rule)
			}
		})
	}
}

func TestOurOwnResourceGroupNeedsARuleThatSaysSo(t *testing.T) {
	all := `
  - name: all of azure
    effect: allow
    actions: [grant, deactivate]
    callers: [{objectIds: [` + crm + `]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [/]
    roles: [Reader]
    maxDuration: PT1H
    eligibility: make
    maxEligible: P1D
`
	silent, says := rulesOf(t, all), rulesOf(t, all+"    ourScope: true\n")
	for scope, ours := range map[string]bool{
		ourRG: true, ourRG + "/providers/Microsoft.KeyVault/vaults/pim": true,
		ourSub: true, "/": true, group1: true, // whatever contains it, or may
		ourRG + "2": false, ourSub + "/resourceGroups/other": false, sub1: false,
	} {
		for _, a := range []pim.Action{pim.Grant, pim.Deactivate} {
			q := asked(t)
			at(t, &q, pim.Azure, scope)
			q.Role = pim.Role{ID: "acdd72a7-3385-48ef-bd42-f606fba81ae7", Name: "Reader"}
			if q.Request.Action = a; a == pim.Deactivate {
				q.Request.Duration = 0
			}
			if ours {
				decided(t, silent.Decide(q), pim.NoMatch, pim.OurScope)
			} else {
				decided(t, silent.Decide(q))
			}
			decided(t, says.Decide(q))
		}
	}
}

func TestEscalatingRolesNeedARuleThatNamesThem(t *testing.T) {
	escalating := map[pim.Plane]map[string]string{
		pim.Azure: {
			"Owner": ownerRole, "User Access Administrator": "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
			"Role Based Access Control Administrator": "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
		},
		pim.Directory: {
			"Global Administrator": globalAdminRole, "Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814",
			"Privileged Authentication Administrator": "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
			"Groups Administrator":                    groupsAdmin,
			"User Administrator":                      "fe930be7-5e62-47db-91af-98c3a49a38b1",
			"Application Administrator":               "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
			"Cloud Application Administrator":         "158c047a-c907-4556-b7ef-446551a6b5f7",
			"Hybrid Identity Administrator":           "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
			"Partner Tier2 Support":                   "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8",
			"Domain Name Administrator":               "8329153b-31d0-4727-b945-745eb3bc5f31",
		},
		pim.Group: {"owner": "owner"},
	}
	rule := func(role string) *pim.Rules {
		return rulesOf(t, `
  - name: anywhere
    effect: allow
    actions: [grant]
    callers: [{objectIds: [`+crm+`]}]
    principals: [{any: true}]
    planes: [azure, directory, group]
    scopes: [/, "*"]
    roles: ["`+role+`"]
    maxDuration: PT1H
    eligibility: make
    maxEligible: P1D
    ourScope: true
`)
	}
	for plane, roles := range escalating {
		for name, id := range roles {
			q := asked(t)
			if at(t, &q, pim.Group, inner); plane != pim.Group {
				at(t, &q, plane, "/")
			}
			q.Role = pim.Role{ID: id, Name: name}
			decided(t, rule("*").Decide(q), pim.NoMatch, pim.EscalatingRole)
			decided(t, rule(name).Decide(q))
			decided(t, rule(id).Decide(q))
		}
	}
	q := asked(t)
	q.Role = pim.Role{ID: shopKeeperRole, Name: "Shop Keeper"}
	decided(t, rule("*").Decide(q))
	decided(t, rule("shop keeper").Decide(q))
	decided(t, rule(shopKeeperRole).Decide(q))
	decided(t, rule("Shop \u212aeeper").Decide(q), pim.NoMatch, pim.WrongRole) // the Kelvin sign
	q.Role.Name = ""
	decided(t, rule("Shop Keeper").Decide(q), pim.Unproven)
}

func TestWhatNobodyHasReadIsNoAndAskedForOnlyWhileItMatters(t *testing.T) {
	rules := rulesOf(t, onCallRule)
	for _, tc := range []struct {
		name   string
		forget func(*pim.Question)
	}{
		{"the principal", func(q *pim.Question) { q.Principal.Known = false }},
		{"another principal than asked for", func(q *pim.Question) { q.Principal.ID = bela }},
		{"the principal's kind", func(q *pim.Question) { q.Principal.Type = "" }},
		{"the groups", func(q *pim.Question) { q.Members = nil }},
		{"PIM's own settings", func(q *pim.Question) { q.Policy = nil }},
		{"half of PIM's own settings", func(q *pim.Question) { q.Policy.Rules = q.Policy.Rules[1:] }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := asked(t)
			tc.forget(&q)
			d := rules.Decide(q)
			require.False(t, d.Allowed)
			require.Contains(t, codes(d), pim.Unproven)

			// No fact could turn a request that is too long.
			q.Request.Duration = pim.Duration(5 * time.Hour)
			d = rules.Decide(q)
			require.False(t, d.Allowed)
			require.NotContains(t, codes(d), pim.Unproven)
		})
	}
}

func TestAnEligibilityMustBeProven(t *testing.T) {
	activate := rulesOf(t, `
  - name: activate
    effect: allow
    actions: [grant, activate]
    callers: [{objectIds: [`+crm+`]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [`+shop+`]
    roles: [Contributor]
    maxDuration: PT4H
`)
	for _, a := range []pim.Action{pim.Grant, pim.Activate} {
		q := asked(t)
		q.Request.Action = a
		q.Eligible = nil
		decided(t, activate.Decide(q), pim.Unproven)
		q.Eligible = notEligible
		decided(t, activate.Decide(q), pim.NotEligible)
		q.Eligible = isEligible
		decided(t, activate.Decide(q))
		require.False(t, activate.Decide(q).Make)
	}
}

func TestGroupsAreThoseThatCanStillDecide(t *testing.T) {
	byGroup := `
  - name: by group
    effect: allow
    actions: [grant]
    callers: [{groups: [` + shopTeam + `]}, {groups: [` + admins + `], appIds: [` + portal + `]}, {queues: [pim-requests]}]
    principals: [{memberOf: [` + onCall + `]}]
    planes: [azure]
    scopes: [` + shop + `]
    roles: [Contributor]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
`
	elsewhere := `
  - name: elsewhere
    effect: allow
    actions: [grant]
    callers: [{groups: [` + approvers + `]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [` + sub12 + `]
    roles: [Contributor]
    maxDuration: PT4H
`
	never := `
  - name: never
    effect: deny
    principals: [{memberOf: [` + leavers + `]}]
`
	rules := rulesOf(t, byGroup, elsewhere, never)
	ask := func(change func(*pim.Question)) []string {
		q := asked(t)
		q.Members = nil
		change(&q)
		return rules.Groups(q)
	}
	require.Equal(t, []string{onCall, leavers, shopTeam}, ask(func(*pim.Question) {}))
	require.Equal(t, []string{onCall, leavers, shopTeam, admins}, ask(func(q *pim.Question) { q.Caller.AppID = portal }))
	require.Equal(t, []string{onCall, leavers}, ask(func(q *pim.Question) { q.Caller = pim.Caller{Kind: pim.CallerQueue, ID: "pim-requests"} }))
	require.Empty(t, ask(func(q *pim.Question) { q.Request.Duration = pim.Duration(5 * time.Hour) }))
	require.Empty(t, ask(func(q *pim.Question) { q.Guard.Stopped = true }))
}

func TestTheTokensGroupsCountUntilTheDirectoryWasAsked(t *testing.T) {
	rules := rulesOf(t, `
  - name: shopTeam
    effect: allow
    actions: [grant]
    callers: [{groups: [`+shopTeam+`]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [`+shop+`]
    roles: [Contributor]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
`)
	q := asked(t)
	q.Members = nil
	decided(t, rules.Decide(q), pim.Unproven)
	q.Caller.Groups = []string{shopTeam}
	decided(t, rules.Decide(q))
	q.Members = map[string]pim.Membership{shopTeam: {}} // has left it since
	decided(t, rules.Decide(q), pim.NoMatch, pim.WrongCaller)
}

// What Unicode folds together is one for deny rules, letter by letter.
func TestDenyFoldsWhatUnicodeFolds(t *testing.T) {
	for r := range unicode.MaxRune {
		for f := unicode.SimpleFold(r); unicode.IsLetter(r) && unicode.IsLetter(f) && f > r; f = unicode.SimpleFold(f) {
			rules := rulesOf(t, everythingRule, "\n  - {name: no, effect: deny, scopes: ["+sub1+"/resourceGroups/x"+string(r)+"]}\n")
			q := asked(t)
			at(t, &q, pim.Azure, sub1+"/resourceGroups/x"+string(f))
			decided(t, does(rules, q, pim.Deactivate), pim.DeniedByRule)
		}
	}
}

// How Azure compares letters beyond ASCII we do not know: what is denied or our own is
// so in any letter case, and what is allowed in its own alone.
func TestDenyAndGuardHoldInAnyLetterCase(t *testing.T) {
	const allow = `
  - name: everywhere
    effect: allow
    actions: [deactivate]
    callers: [{objectIds: [` + crm + `]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [` + sub1 + `]
    roles: ["*"]
`
	rules := rulesOf(t, allow, `
  - name: not there
    effect: deny
    scopes: [`+sub1+`/resourceGroups/köln/providers/Microsoft.Web/sites/kiosk-straße]
`)
	end := func(rules *pim.Rules, name string) pim.Decision {
		q := asked(t)
		at(t, &q, pim.Azure, sub1+"/resourceGroups/"+name)
		q.Request.Action, q.Request.Duration = pim.Deactivate, 0
		q.Guard.ResourceGroup = scopeOf(t, pim.Azure, sub1+"/resourceGroups/zürich")
		return rules.Decide(q)
	}
	for _, name := range []string{"köln", "KÖLN", "kÖln", "\u212aöln", "köln/providers/Microsoft.Web/sites/KIOSK-STRAßE",
		"KÖLN/providers/Microsoft.Web/sites/kio\u017fk-straße", "köln/providers/Microsoft.Web/sites/k\u0130osk-stra\u1e9ee", "Köln/providers/Microsoft.Web/sites/k\u0131osk-straße/slots/a"} {
		decided(t, end(rules, name), pim.DeniedByRule)
	}
	decided(t, end(rules, "koln"))
	decided(t, end(rules, "KÖLN/providers/Microsoft.Web/sites/other"))
	for _, name := range []string{"zürich", "ZÜRICH", "zÜrich", "ZÜRICH/providers/Microsoft.KeyVault/vaults/pim"} {
		decided(t, end(rules, name), pim.NoMatch, pim.OurScope)
	}

	narrow := rulesOf(t, strings.Replace(allow, sub1, sub1+"/resourceGroups/köln", 1))
	decided(t, end(narrow, "Köln"))
	decided(t, end(narrow, "KÖLN"), pim.NoMatch, pim.WrongScope)
}
