package pim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

const (
	day  = pim.Duration(24 * time.Hour)
	hour = pim.Duration(time.Hour)
)

// personRule lets people act for themselves, in our name.
const personRule = `
  - name: person
    effect: allow
    actions: [activate, extend, renew]
    callers: [{anyUser: true}]
    principals: [{self: true}]
    planes: [azure]
    scopes: [` + shop + `]
    roles: [Contributor]
    maxDuration: P1D
    maxEligible: P400D
    justification: {required: false}
`

// inPerson is a question of anna's about herself, that personRule allows.
func inPerson(t testing.TB) pim.Question {
	q := asked(t)
	q.Caller = pim.Caller{Kind: pim.CallerUser, ID: anna}
	q.Request.Action = pim.Activate
	q.Eligible = isEligible
	return q
}

// What PIM asks of a user it does not ask of an application that assigns the role to
// the user, so we do.
func TestOnBehalfPIMsOwnSettingsHold(t *testing.T) {
	approved := strings.Replace(personRule, "maxEligible: P400D", "maxEligible: P400D\n    approval: {group: "+approvers+"}", 1)
	waives := func(what string) string {
		return strings.Replace(personRule, "justification:", "waives: ["+what+"]\n    justification:", 1)
	}
	demanding := settings(
		setting("Enablement_EndUser_Assignment", asks("MultiFactorAuthentication")),
		setting("Approval_EndUser_Assignment", func(r *pim.PolicyRule) { r.Approval.Required = true }),
		setting("AuthenticationContext_EndUser_Assignment", func(r *pim.PolicyRule) {
			r.AuthContext = &pim.PolicyContext{Enabled: true, Claim: "c1"}
		}),
	)
	for _, tc := range []struct {
		name   string
		policy *pim.Policy
		ask    func(*pim.Question)
		rule   string
		want   []pim.ReasonCode
	}{
		{name: "nothing special"},
		{name: "as long as PIM lets users", ask: func(q *pim.Question) { q.Request.Duration = 8 * hour }},
		{name: "longer than PIM lets users", ask: func(q *pim.Question) { q.Request.Duration = 9 * hour }, want: []pim.ReasonCode{pim.TooLong}},
		{name: "longer than PIM lets administrators", want: []pim.ReasonCode{pim.TooLong},
			policy: settings(setting("Expiration_Admin_Assignment", func(r *pim.PolicyRule) { r.Expiration.Most = hour / 2 }))},
		{name: "without a justification", ask: func(q *pim.Question) { q.Request.Justification = "" }, want: []pim.ReasonCode{pim.NeedJustification}},
		{name: "without a justification that nobody asks for", ask: func(q *pim.Question) { q.Request.Justification = "" },
			policy: settings(func(_ string, r *pim.PolicyRule) { r.Enabled = nil })},
		{name: "with a ticket", policy: settings(setting("Enablement_EndUser_Assignment", asks("Ticketing")))},
		{name: "with a ticket of no system", policy: settings(setting("Enablement_EndUser_Assignment", asks("Ticketing"))),
			ask: func(q *pim.Question) { q.Request.Ticket.System = "" }, want: []pim.ReasonCode{pim.NeedTicket}},
		{name: "without a ticket", policy: settings(setting("Enablement_Admin_Assignment", asks("Ticketing"))),
			ask: func(q *pim.Question) { q.Request.Ticket = pim.Ticket{} }, want: []pim.ReasonCode{pim.NeedTicket}},
		{name: "a second factor, proven in person", policy: settings(setting("Enablement_EndUser_Assignment", asks("MultiFactorAuthentication"))),
			ask: func(q *pim.Question) { q.Caller.MFA = true }},
		{name: "a second factor, not proven", policy: settings(setting("Enablement_EndUser_Assignment", asks("MultiFactorAuthentication"))),
			want: []pim.ReasonCode{pim.NeedMFA}},
		{name: "a second factor of somebody else", policy: settings(setting("Enablement_EndUser_Assignment", asks("MultiFactorAuthentication"))),
			rule: strings.Replace(personRule, "self: true", "any: true", 1),
			ask:  func(q *pim.Question) { q.Caller.MFA = true; q.Caller.ID = bela }, want: []pim.ReasonCode{pim.NeedMFA}},
		{name: "a second factor of administrators, which no application has", policy: settings(setting("Enablement_Admin_Assignment", asks("MultiFactorAuthentication"))),
			ask: func(q *pim.Question) { q.Caller.MFA = true }, want: []pim.ReasonCode{pim.AdminMFA}},
		{name: "an authentication context", policy: settings(setting("AuthenticationContext_EndUser_Assignment", func(r *pim.PolicyRule) {
			r.AuthContext = &pim.PolicyContext{Enabled: true, Claim: "c1"}
		})), want: []pim.ReasonCode{pim.NeedAuthContext}},
		{name: "an authentication context of no name", policy: settings(setting("AuthenticationContext_EndUser_Assignment", func(r *pim.PolicyRule) {
			r.AuthContext = &pim.PolicyContext{Enabled: true}
		})), want: []pim.ReasonCode{pim.NeedAuthContext}},
		{name: "an approval that the rule does not ask for", policy: settings(setting("Approval_EndUser_Assignment", func(r *pim.PolicyRule) { r.Approval.Required = true })),
			want: []pim.ReasonCode{pim.NeedApproval}},
		{name: "an approval that the rule asks for too", policy: settings(setting("Approval_EndUser_Assignment", func(r *pim.PolicyRule) { r.Approval.Required = true })),
			rule: approved},
		{name: "what a rule waives, it does without", rule: waives("mfa, authenticationContext, approval"), policy: demanding},
		{name: "no second factor waives nothing else", rule: waives("mfa"), policy: demanding, want: []pim.ReasonCode{pim.NeedApproval, pim.NeedAuthContext}},
		{name: "no context waives nothing else", rule: waives("authenticationContext"), policy: demanding, want: []pim.ReasonCode{pim.NeedMFA, pim.NeedApproval}},
		{name: "no approval waives nothing else", rule: waives("approval"), policy: demanding, want: []pim.ReasonCode{pim.NeedMFA, pim.NeedAuthContext}},
		{name: "no rule waives what PIM asks of administrators", rule: waives("mfa"), policy: settings(setting("Enablement_Admin_Assignment", asks("MultiFactorAuthentication"))),
			want: []pim.ReasonCode{pim.AdminMFA}},
		{name: "an active assignment is lengthened as it is made", ask: func(q *pim.Question) {
			q.Request.Action, q.Request.Kind, q.Request.Duration = pim.Extend, pim.Assignment, 9*hour
		}, want: []pim.ReasonCode{pim.TooLong}},
		{name: "an eligibility is lengthened within the administrators' bound", ask: func(q *pim.Question) {
			q.Request.Action, q.Request.Duration = pim.Extend, 365*day
		}},
		{name: "an eligibility is lengthened beyond it", ask: func(q *pim.Question) {
			q.Request.Action, q.Request.Duration = pim.Renew, 366*day
		}, want: []pim.ReasonCode{pim.TooLong}},
		{name: "an eligibility with a second factor of administrators", policy: settings(setting("Enablement_Admin_Eligibility", asks("MultiFactorAuthentication"))),
			ask: func(q *pim.Question) { q.Request.Action, q.Request.Duration = pim.Extend, 9*day }, want: []pim.ReasonCode{pim.AdminMFA}},
		{name: "nothing was read", policy: &pim.Policy{}, want: []pim.ReasonCode{
			pim.Unproven, pim.Unproven, pim.Unproven, pim.Unproven, pim.Unproven, pim.Unproven}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := inPerson(t)
			if tc.policy != nil {
				q.Policy = tc.policy
			}
			if tc.ask != nil {
				tc.ask(&q)
			}
			if tc.rule == "" {
				tc.rule = personRule
			}
			decided(t, rulesOf(t, tc.rule).Decide(q), tc.want...)
		})
	}
}

// What is assigned, PIM itself holds to its settings for administrators; what it asks
// of users has no part in it.
func TestAnAssignmentIsHeldToTheAdministratorsSettings(t *testing.T) {
	rules := rulesOf(t, strings.NewReplacer("[activate, extend, renew]", "[assign]", "P1D", "P200D", "    maxEligible: P400D\n", "").Replace(personRule))
	for _, tc := range []struct {
		name   string
		policy *pim.Policy
		length pim.Duration
		want   []pim.ReasonCode
	}{
		{name: "longer than an activation", policy: settings(), length: 180 * day},
		{name: "longer than an assignment", policy: settings(), length: 181 * day, want: []pim.ReasonCode{pim.TooLong}},
		{name: "longer than the rule", policy: settings(setting("Expiration_Admin_Assignment", func(r *pim.PolicyRule) { r.Expiration.Most = 365 * day })),
			length: 201 * day, want: []pim.ReasonCode{pim.TooLong}},
		{name: "what PIM asks of users", policy: settings(setting("Enablement_EndUser_Assignment", asks("MultiFactorAuthentication"))), length: day},
		{name: "what PIM asks of administrators", policy: settings(setting("Enablement_Admin_Assignment", asks("MultiFactorAuthentication"))),
			length: day, want: []pim.ReasonCode{pim.AdminMFA}},
		{name: "settings that nobody has read", length: day, want: []pim.ReasonCode{pim.Unproven}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := inPerson(t)
			q.Request.Action, q.Request.Duration, q.Eligible, q.Policy = pim.Assign, tc.length, nil, tc.policy
			decided(t, rules.Decide(q), tc.want...)
		})
	}
}

func TestAnEligibilityThatAGrantMakesIsBoundByAllThree(t *testing.T) {
	short := strings.Replace(onCallRule, "maxEligible: P1D", "maxEligible: PT8H", 1)
	q := asked(t)
	decided(t, rulesOf(t, short).Decide(q), pim.TooLong) // a day is what a grant makes if it does not say
	q.Request.Eligible = 8 * hour
	decided(t, rulesOf(t, short).Decide(q))
	q.Policy = settings(setting("Expiration_Admin_Eligibility", func(r *pim.PolicyRule) { r.Expiration.Most = 7 * hour }))
	decided(t, rulesOf(t, short).Decide(q), pim.TooLong)
	q.Eligible = isEligible // none is made
	decided(t, rulesOf(t, short).Decide(q))
	require.False(t, rulesOf(t, short).Decide(q).Make, "whatever becomes of the one that stands: the length of another was not weighed")
	q.Eligible = until(tuesday.Add(time.Hour))
	decided(t, rulesOf(t, short).Decide(q))
	q.Eligible = until(tuesday.Add(59 * time.Minute)) // what stands is too short
	decided(t, rulesOf(t, short).Decide(q), pim.TooLong)
	q.Eligible = nil // one may be made
	decided(t, rulesOf(t, short).Decide(q), pim.TooLong)
}

// until is an eligibility that ends then.
func until(end time.Time) *pim.Found { return &pim.Found{Instance: &pim.Instance{End: &end}} }

// conditioned is an eligibility with a condition.
func conditioned(condition string) *pim.Found {
	return &pim.Found{Instance: &pim.Instance{Condition: condition}}
}

// What is active rests on an eligibility when it is made, when it is kept and when it
// begins again.
func TestWhatIsActiveRestsOnAnEligibility(t *testing.T) {
	assigns := strings.Replace(personRule, "[activate, ", "[assign, ", 1)
	for _, tc := range []struct {
		name string
		rule string
		ask  func(*pim.Request)
		has  *pim.Found
		want []pim.ReasonCode
	}{
		{name: "none", has: notEligible, want: []pim.ReasonCode{pim.NotEligible}},
		{name: "nobody knows", want: []pim.ReasonCode{pim.Unproven}},
		{name: "just as long", has: until(tuesday.Add(time.Hour))},
		{name: "not as long", has: until(tuesday.Add(time.Hour - 1)), want: []pim.ReasonCode{pim.NotEligible}},
		{name: "over when it would begin", has: until(tuesday.Add(24 * time.Hour)), want: []pim.ReasonCode{pim.NotEligible},
			ask: func(r *pim.Request) { r.Start = ptr(tuesday.Add(48 * time.Hour)) }},
		{name: "over before it would end", has: until(tuesday.Add(48 * time.Hour)), want: []pim.ReasonCode{pim.NotEligible},
			ask: func(r *pim.Request) { r.Start = ptr(tuesday.Add(48 * time.Hour)) }},

		{name: "for ever, extended", has: isEligible, ask: func(r *pim.Request) { r.Action, r.Kind = pim.Extend, pim.Assignment }},
		{name: "none any more, to extend", has: notEligible, want: []pim.ReasonCode{pim.NotEligible},
			ask: func(r *pim.Request) { r.Action, r.Kind = pim.Extend, pim.Assignment }},
		{name: "none any more, to renew", has: notEligible, want: []pim.ReasonCode{pim.NotEligible},
			ask: func(r *pim.Request) { r.Action, r.Kind = pim.Renew, pim.Assignment }},
		{name: "nobody knows, to renew", want: []pim.ReasonCode{pim.Unproven},
			ask: func(r *pim.Request) { r.Action, r.Kind = pim.Renew, pim.Assignment }},
		{name: "not as long, to renew", has: until(tuesday.Add(time.Hour - 1)), want: []pim.ReasonCode{pim.NotEligible},
			ask: func(r *pim.Request) { r.Action, r.Kind = pim.Renew, pim.Assignment }},
		{name: "none, where the rule assigns", rule: assigns, ask: func(r *pim.Request) { r.Action, r.Kind = pim.Renew, pim.Assignment }},
		{name: "an eligibility itself needs none", has: notEligible, ask: func(r *pim.Request) { r.Action = pim.Renew }},

		{name: "a condition", has: conditioned("a")},
		{name: "the same condition", has: conditioned("a"), ask: func(r *pim.Request) { r.Condition = "a" }},
		{name: "another condition", has: conditioned("a"), ask: func(r *pim.Request) { r.Condition = "b" }, want: []pim.ReasonCode{pim.WrongCondition}},
		{name: "another condition, to renew", has: conditioned("a"), want: []pim.ReasonCode{pim.WrongCondition},
			ask: func(r *pim.Request) { r.Action, r.Kind, r.Condition = pim.Renew, pim.Assignment, "b" }},
		{name: "a condition for less than one has", has: isEligible, ask: func(r *pim.Request) { r.Condition = "b" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := inPerson(t)
			q.Eligible = tc.has
			if tc.ask != nil {
				tc.ask(&q.Request)
			}
			if tc.rule == "" {
				tc.rule = personRule
			}
			d := rulesOf(t, tc.rule).Decide(q)
			decided(t, d, tc.want...)
			if d.Allowed && tc.has != nil && tc.has.Instance != nil && q.Request.Condition == "" {
				require.Equal(t, tc.has.Instance.Condition, d.Condition, "the decision tells what is taken over")
			}
		})
	}
}

// However often something is extended, its bounds hold from its own start on.
func TestExtensionsAreBoundInSum(t *testing.T) {
	const noStart = "it is not known when it began"
	short := strings.NewReplacer("P1D", "PT5H", "P400D", "P10D").Replace(personRule)
	active := func(r *pim.Request) { r.Kind = pim.Assignment }
	for _, tc := range []struct {
		name   string
		rule   string
		stands *pim.Found
		by     pim.Duration
		kind   func(*pim.Request)
		want   []pim.ReasonCode
	}{
		{name: "to the rule's bound", rule: short, stands: since(tuesday.Add(-4 * time.Hour)), by: hour, kind: active},
		{name: "beyond the rule's bound", rule: short, stands: since(tuesday.Add(-4*time.Hour - 1)), by: hour, kind: active, want: []pim.ReasonCode{pim.TooLong}},
		{name: "to PIM's bound", rule: personRule, stands: since(tuesday.Add(-7 * time.Hour)), by: hour, kind: active},
		{name: "beyond PIM's bound", rule: personRule, stands: since(tuesday.Add(-7*time.Hour - 1)), by: hour, kind: active, want: []pim.ReasonCode{pim.TooLong}},
		{name: "an eligibility to the rule's bound", rule: short, stands: since(tuesday.Add(-9 * 24 * time.Hour)), by: day},
		{name: "an eligibility beyond the rule's bound", rule: short, stands: since(tuesday.Add(-9*24*time.Hour - 1)), by: day, want: []pim.ReasonCode{pim.TooLong}},
		{name: "an eligibility to PIM's bound", rule: personRule, stands: since(tuesday.Add(-364 * 24 * time.Hour)), by: day},
		{name: "an eligibility beyond PIM's bound", rule: personRule, stands: since(tuesday.Add(-364*24*time.Hour - 1)), by: day, want: []pim.ReasonCode{pim.TooLong}},
		{name: "since for ever", rule: personRule, stands: since(time.Time{}), by: day, want: []pim.ReasonCode{pim.TooLong, pim.TooLong}},
		{name: "by a clock that is ahead of ours", rule: short, stands: since(tuesday.Add(time.Hour)), by: 5*hour + 1, kind: active, want: []pim.ReasonCode{pim.TooLong}},
		{name: "too long whatever stands", rule: short, by: 6 * hour, kind: active, want: []pim.ReasonCode{pim.TooLong}},
		{name: "what nobody has read", rule: short, by: hour, kind: active, want: []pim.ReasonCode{pim.Unproven}},
		{name: noStart, rule: short, stands: isEligible, by: hour, kind: active, want: []pim.ReasonCode{pim.Unproven}},
		{name: "nothing", rule: short, stands: &pim.Found{}, by: hour, kind: active},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := inPerson(t)
			q.Request.Action, q.Request.Duration, q.Standing = pim.Extend, tc.by, tc.stands
			if tc.kind != nil {
				tc.kind(&q.Request)
			}
			d := rulesOf(t, tc.rule).Decide(q)
			decided(t, d, tc.want...)
			if d.Allowed && tc.stands.Instance != nil {
				require.Equal(t, &pim.Window{Start: tc.stands.Instance.Start, End: ptr(tuesday.Add(time.Duration(tc.by)))}, d.Window)
			}
		})
	}
}

func TestWithTheUsersOwnTokenPIMJudges(t *testing.T) {
	self := strings.NewReplacer("[activate, extend, renew]", "[activate]", "    maxEligible: P400D\n", "", "justification:", "mode: self\n    justification:").Replace(personRule)
	strict := settings(
		setting("Enablement_EndUser_Assignment", asks("MultiFactorAuthentication")),
		setting("Enablement_Admin_Assignment", asks("MultiFactorAuthentication")),
		setting("Approval_EndUser_Assignment", func(r *pim.PolicyRule) { r.Approval.Required = true }),
	)
	for _, tc := range []struct {
		name string
		ask  func(*pim.Question)
		rule string
		want []pim.ReasonCode
	}{
		{name: "her own token", ask: func(*pim.Question) {}},
		{name: "settings that nobody has read", ask: func(q *pim.Question) { q.Policy = nil }},
		{name: "no token", ask: func(q *pim.Question) { q.Caller.Token = "" }, want: []pim.ReasonCode{pim.NeedUserToken}},
		{name: "another's token", ask: func(q *pim.Question) { q.Caller.ID = bela },
			rule: strings.Replace(self, "self: true}", "any: true}", 1), want: []pim.ReasonCode{pim.WrongPrincipal}},
		{name: "an application's token", ask: func(q *pim.Question) { q.Caller.Kind = pim.CallerApp },
			rule: strings.Replace(self, "anyUser: true", "objectIds: ["+anna+"]", 1), want: []pim.ReasonCode{pim.NeedUserToken}},
		{name: "the rule's own bound", ask: func(q *pim.Question) { q.Request.Duration = 2 * day }, want: []pim.ReasonCode{pim.TooLong}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := inPerson(t)
			q.Policy, q.Caller.Token = strict, "header.claims.signature"
			tc.ask(&q)
			if tc.rule == "" {
				tc.rule = self
			}
			d := rulesOf(t, tc.rule).Decide(q)
			decided(t, d, tc.want...)
			if d.Allowed {
				require.Equal(t, pim.Self, d.Mode)
			}
		})
	}
}

func TestTicketsAndJustifications(t *testing.T) {
	for _, tc := range []struct {
		name, rule, number, system, why string
		want                            []pim.ReasonCode
	}{
		{name: "no words asked for", rule: "justification: {required: false}"},
		{name: "words by default", rule: "ourScope: true", want: []pim.ReasonCode{pim.NeedJustification}},
		{name: "words enough", rule: "justification: {minLength: 10}", why: "ünglücklich"},
		{name: "words too few, by characters and not by bytes", rule: "justification: {minLength: 10}", why: "üüüüüüüüü", want: []pim.ReasonCode{pim.NeedJustification}},
		{name: "a ticket", rule: "ticket: {}", number: "1", why: "x"},
		{name: "no ticket", rule: "ticket: {}", why: "x", want: []pim.ReasonCode{pim.NeedTicket}},
		{name: "a form", rule: `ticket: {pattern: 'CR\d{5}'}`, number: "CR12345", why: "x"},
		{name: "something before it", rule: `ticket: {pattern: 'CR\d{5}'}`, number: "xCR12345", why: "x", want: []pim.ReasonCode{pim.WrongTicket}},
		{name: "something behind it", rule: `ticket: {pattern: 'CR\d{5}'}`, number: "CR123456", why: "x", want: []pim.ReasonCode{pim.WrongTicket}},
		{name: "one of two forms, anchored both", rule: `ticket: {pattern: 'CR\d|INC\d'}`, number: "CR1 INC1", why: "x", want: []pim.ReasonCode{pim.WrongTicket}},
		{name: "in lines", rule: `ticket: {pattern: '(?m)CR1$'}`, number: "CR1x", why: "x", want: []pim.ReasonCode{pim.WrongTicket}},
		{name: "a system", rule: "ticket: {systems: [ServiceNow]}", number: "1", system: "ServiceNow", why: "x"},
		{name: "another system", rule: "ticket: {systems: [ServiceNow]}", number: "1", system: "Jira", why: "x", want: []pim.ReasonCode{pim.WrongTicket}},
		{name: "no system", rule: "ticket: {systems: [ServiceNow]}", number: "1", why: "x", want: []pim.ReasonCode{pim.WrongTicket}},
		{name: "a ticket if there is one", rule: `ticket: {required: false, pattern: 'CR\d'}`, why: "x"},
		{name: "a wrong ticket where none is needed", rule: `ticket: {required: false, pattern: 'CR\d'}`, number: "INC1", why: "x", want: []pim.ReasonCode{pim.WrongTicket}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			q := asked(t)
			q.Policy = settings(func(_ string, r *pim.PolicyRule) { r.Enabled = nil })
			q.Request.Ticket = pim.Ticket{Number: tc.number, System: tc.system}
			q.Request.Justification = tc.why
			decided(t, rulesOf(t, onCallRule+"    "+tc.rule+"\n").Decide(q), tc.want...)
		})
	}
}

func TestAccessEndsByARuleOfItsOwn(t *testing.T) {
	ending := rulesOf(t, onCallRule, `
  - name: sweep
    effect: allow
    actions: [deactivate, removeEligible, cancel]
    callers: [{system: true}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [/subscriptions/11111111-1111-1111-1111-111111111111]
    roles: [Contributor]
    justification: {required: false}
`)
	for _, a := range []pim.Action{pim.Deactivate, pim.RemoveEligible, pim.Cancel} {
		q := asked(t)
		q.Request.Action, q.Request.Duration = a, 0
		q.Caller = pim.Caller{Kind: pim.CallerSystem}
		q.Principal, q.Policy, q.Eligible, q.Members = pim.Subject{ID: anna}, nil, nil, nil // nothing need be known
		decided(t, ending.Decide(q))
		q.Caller = pim.Caller{Kind: pim.CallerApp, ID: crm}
		require.False(t, ending.Decide(q).Allowed)
	}
}

func TestARefusalTellsTheNearestRulesFirst(t *testing.T) {
	var far strings.Builder
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		far.WriteString(strings.Replace(strings.Replace(onCallRule, "on-call", name, 1), shop, sub12+"/resourceGroups/"+name, 1))
	}
	q := asked(t)
	q.Caller.ID = bela
	d := rulesOf(t, far.String(), onCallRule).Decide(q)
	require.Equal(t, pim.NoMatch, d.Reasons[0].Code)
	require.Equal(t, "on-call", d.Reasons[1].Rule)
	named := map[string]bool{}
	for _, r := range d.Reasons[1:] {
		named[r.Rule] = true
	}
	require.Len(t, named, 5, "a refusal speaks of five rules at most")

	// Where a rule speaks of the matter, the others do not.
	q = asked(t)
	q.Request.Duration = 5 * hour
	d = rulesOf(t, far.String(), onCallRule).Decide(q)
	decided(t, d, pim.TooLong)
	require.Equal(t, "on-call", d.Reasons[0].Rule)
	require.True(t, d.Reasons[0].Code.Fixable())
}

func TestTheFirstRuleThatAllowsDecides(t *testing.T) {
	second := strings.NewReplacer("name: on-call", "name: second", "PT4H", "PT8H").Replace(onCallRule)
	rules := rulesOf(t, onCallRule, second)
	q := asked(t)
	require.Equal(t, "on-call", rules.Decide(q).Rule)
	q.Request.Duration = 8 * hour
	require.Equal(t, "second", rules.Decide(q).Rule)
}

func TestDecidingLeavesTheQuestionAsItWas(t *testing.T) {
	rules := rulesOf(t, onCallRule, personRule)
	q, same := asked(t), asked(t)
	first := rules.Decide(q)
	require.Equal(t, same, q)
	require.Equal(t, first, rules.Decide(q))
}
