package pim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

const (
	inner       = "16e40000-0000-4000-8000-000000000016" // a group within others
	groupsAdmin = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
)

var (
	gives = []pim.Action{pim.Grant, pim.MakeEligible, pim.Activate, pim.Assign, pim.Extend, pim.Renew}
	ends  = []pim.Action{pim.Deactivate, pim.RemoveEligible, pim.Cancel}
)

// does asks q about an action.
func does(rules *pim.Rules, q pim.Question, a pim.Action) pim.Decision {
	q.Request.Action, q.Eligible = a, isEligible
	if a == pim.Deactivate || a == pim.RemoveEligible || a == pim.Cancel {
		q.Request.Duration = 0
	}
	return rules.Decide(q)
}

// Who gets into a group that lies in a guarded one is in the guarded one, and who
// administers it decides who is.
func TestNobodyGetsIntoAGuardedGroupByWayOfAnother(t *testing.T) {
	rules := rulesOf(t, everythingRule, approvedRule)
	member, admin := pim.Role{ID: "member", Name: "member"}, pim.Role{ID: groupsAdmin, Name: "Groups Administrator"}
	group := func(q *pim.Question) { at(t, q, pim.Group, inner); q.Role = member }
	object := func(q *pim.Question) { at(t, q, pim.Directory, "/"+inner); q.Role = admin }
	principal := func(q *pim.Question) { about(q, inner); q.Principal.Type = "group" }
	for guarded, want := range map[string]pim.ReasonCode{admins: pim.OurIdentity, broken: pim.Protected, approvers: pim.ApproverGroup} {
		for name, ask := range map[string]func(*pim.Question){"into a group": group, "over a group": object, "to a group": principal} {
			q := asked(t)
			ask(&q)
			for _, a := range gives {
				decided(t, does(rules, q, a))
			}
			leads(&q, inner, guarded)
			for _, a := range gives {
				decided(t, does(rules, q, a), want)
			}
			for _, a := range ends {
				require.True(t, does(rules, q, a).Allowed, "%s: what somebody has may end", name)
			}

			q.Nested = nil
			for _, a := range gives {
				decided(t, does(rules, q, a), pim.Unproven)
			}
			q.Request.Duration = 1<<63 - 1
			for _, a := range gives {
				require.NotContains(t, codes(does(rules, q, a)), pim.Unproven, "no fact could turn it")
			}
			q.Guard, q.Request.Duration = pim.Guard{}, pim.Duration(hour)
			decided(t, does(rulesOf(t, everythingRule), q, pim.Assign))
		}

		// A role at the guarded group itself is power over who is in it.
		q := asked(t)
		at(t, &q, pim.Directory, "/"+guarded)
		q.Role = admin
		for _, a := range gives {
			decided(t, does(rules, q, a), want)
		}
	}
}

func TestAGroupThatHoldsMoreNeedsARuleThatSaysSo(t *testing.T) {
	rule := func(more string) *pim.Rules {
		return rulesOf(t, `
  - name: into groups
    effect: allow
    actions: [grant, makeEligible, activate, assign, extend, renew, deactivate, removeEligible, cancel]
    callers: [{objectIds: [`+crm+`]}]
    principals: [{any: true}]
    planes: [group]
    scopes: ["*"]
    roles: [member]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
`+more)
	}
	silent, escalating := rule(""), rule("    escalating: true\n")
	over, both := rule("    ourScope: true\n"), rule("    ourScope: true\n    escalating: true\n")
	for _, tc := range []struct {
		name                           string
		holds                          *pim.Holdings
		silent, escalating, over, both []pim.ReasonCode
	}{
		{name: "nothing", holds: &pim.Holdings{}},
		{name: "what escalates", holds: &pim.Holdings{Escalating: true},
			silent: []pim.ReasonCode{pim.NoMatch, pim.EscalatingRole}, over: []pim.ReasonCode{pim.NoMatch, pim.EscalatingRole}},
		{name: "what is ours", holds: &pim.Holdings{Ours: true},
			silent: []pim.ReasonCode{pim.NoMatch, pim.OurScope}, escalating: []pim.ReasonCode{pim.NoMatch, pim.OurScope}},
		{name: "both", holds: &pim.Holdings{Escalating: true, Ours: true},
			silent:     []pim.ReasonCode{pim.NoMatch, pim.EscalatingRole, pim.OurScope},
			escalating: []pim.ReasonCode{pim.NoMatch, pim.OurScope}, over: []pim.ReasonCode{pim.NoMatch, pim.EscalatingRole}},
		{name: "what could not be read", silent: []pim.ReasonCode{pim.Unproven, pim.Unproven}, escalating: []pim.ReasonCode{pim.Unproven}, over: []pim.ReasonCode{pim.Unproven}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := asked(t)
			at(t, &q, pim.Group, inner)
			q.Role, q.Holds = pim.Role{ID: "member"}, tc.holds
			for _, a := range gives {
				decided(t, does(silent, q, a), tc.silent...)
				decided(t, does(escalating, q, a), tc.escalating...)
				decided(t, does(over, q, a), tc.over...)
				decided(t, does(both, q, a), tc.both...)
			}
			for _, a := range ends {
				decided(t, does(silent, q, a))
			}
			q.Guard.ResourceGroup = pim.Scope{} // we do not run in Azure: nothing there is ours
			decided(t, does(escalating, q, pim.Grant))
		})
	}
}

func TestARoleThatGivesRolesNeedsARuleThatNamesIt(t *testing.T) {
	rule := func(role string) *pim.Rules {
		return rulesOf(t, `
  - name: anything
    effect: allow
    actions: [grant, makeEligible, activate, assign, extend, renew, deactivate, removeEligible, cancel]
    callers: [{objectIds: [`+crm+`]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [`+shop+`]
    roles: ["`+role+`"]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
`)
	}
	q := asked(t)
	q.Role = pim.Role{ID: shopKeeperRole, Name: "Shop Keeper"}
	for _, a := range gives {
		q.Power = ptr(true)
		decided(t, does(rule("*"), q, a), pim.NoMatch, pim.EscalatingRole)
		decided(t, does(rule(shopKeeperRole), q, a))
		decided(t, does(rule("Shop Keeper"), q, a))
		q.Power = ptr(false)
		decided(t, does(rule("*"), q, a))
		q.Power = nil
		decided(t, does(rule("*"), q, a), pim.Unproven)
		decided(t, does(rule(shopKeeperRole), q, a))
	}
	for _, a := range ends {
		decided(t, does(rule("*"), q, a))
	}
	q.Role = pim.Role{ID: contributorRole} // known not to
	decided(t, does(rule("*"), q, pim.Grant))
}

// A role by name is a fact to be read, for those whom a rule knows and nobody else.
func TestARoleThatWasNotLookedUpAllowsNothing(t *testing.T) {
	rule := func(role, more string) *pim.Rules {
		return rulesOf(t, `
  - name: keepers
    effect: allow
    actions: [grant, deactivate]
    callers: [{objectIds: [`+crm+`]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [`+shop+`]
    roles: ["`+role+`"]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
`+more)
	}
	deny := `
  - name: never
    effect: deny
    roles: [` + shopKeeperRole + `]
`
	for _, a := range []pim.Action{pim.Grant, pim.Deactivate} {
		for _, role := range []string{"*", "Shop Keeper", shopKeeperRole, "Reader"} {
			q := asked(t)
			q.Role = pim.Role{Name: "Shop Keeper"}
			decided(t, does(rule(role, ""), q, a), pim.Unproven)
			decided(t, does(rule(role, deny), q, a), pim.Unproven, pim.Unproven)
			for name, other := range map[string]func(){
				"caller": func() { q.Caller.ID = bela },
				"scope":  func() { at(t, &q, pim.Azure, sub12) },
				"plane":  func() { at(t, &q, pim.Directory, "/") },
			} {
				q = asked(t)
				q.Role = pim.Role{Name: "Shop Keeper"}
				other()
				d := does(rule(role, deny), q, a)
				require.False(t, d.Allowed)
				require.NotContains(t, codes(d), pim.Unproven, "another %s", name)
			}
		}
	}
	q := asked(t)
	q.Role = pim.Role{}
	decided(t, rule("*", "").Decide(q), pim.Malformed)
}
