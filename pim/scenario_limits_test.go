package pim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// hoursRules let anybody have a role for hours.
const hoursRules = `
version: 1
rules:
  - name: hours
    effect: allow
    actions: [grant, activate, makeEligible, deactivate, removeEligible, extend, renew]
    callers: [{anyKey: true}]
    principals: [{any: true}]
    planes: [azure, directory, group]
    scopes: ["/", "*"]
    roles: [Groups Administrator, "*"]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT4H
    waives: [mfa]
`

// in is a moment from now as a request writes it.
func in(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }

// What is lengthened has begun: with a start of its own, hours would become months.
func TestExtendTakesNoStart(t *testing.T) {
	onPlanes(t, func(s *scene) {
		for _, kind := range []pim.Kind{pim.Assignment, pim.Eligibility} {
			var r pim.Request
			err := json.Unmarshal(fmt.Appendf(nil, `{"action":"extend","plane":%q,"scope":%q,"role":%q,"principalId":%q,"kind":%q,"duration":"PT4H","start":%q}`,
				s.plane, s.scope, s.role, s.ada, kind, in(150*24*time.Hour)), &r)
			require.Equal(s.t, pim.CodeInvalid, pim.CodeOf(err))
			require.ErrorContains(s.t, err, "extend takes no start")

			// One that did not come through the parser is not allowed.
			r = s.request("CR1", s.ada, fmt.Sprintf(`"action":"extend","kind":%q,"duration":"PT4H"`, kind))
			r.Start = ptr(time.Now().Add(150 * 24 * time.Hour))
			d, err := s.engine.Plan(s.t.Context(), key, r)
			require.NoError(s.t, err)
			decided(s.t, d, pim.Malformed)
		}
	})
}

// What is decided today PIM carries out on its day, whoever has left until then: so a
// start lies no further ahead than the rule lets it.
func TestAStartLiesNoFurtherAheadThanTheRuleLetsIt(t *testing.T) {
	const far = `
  - name: planned
    effect: allow
    actions: [grant, makeEligible, activate, assign, renew]
    callers: [{objectIds: [` + crm + `]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [` + shop + `]
    roles: [Contributor]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P365D
`
	rules, long := rulesOf(t, far), rulesOf(t, far+"    maxAhead: P365D\n")
	for _, a := range []pim.Action{pim.Grant, pim.MakeEligible, pim.Activate, pim.Assign, pim.Renew} {
		q := asked(t)
		q.Request.Action, q.Eligible = a, isEligible
		for _, tc := range []struct {
			ahead    pim.Duration
			no, also []pim.ReasonCode // by the rule that says nothing, and by the other
		}{
			{14 * day, nil, nil},
			{14*day + 1, []pim.ReasonCode{pim.TooFarAhead}, nil},
			{365 * day, []pim.ReasonCode{pim.TooFarAhead}, nil},
			{365*day + 1, []pim.ReasonCode{pim.TooFarAhead}, []pim.ReasonCode{pim.TooFarAhead}},
		} {
			q.Request.Start = ptr(tuesday.Add(time.Duration(tc.ahead)))
			decided(t, rules.Decide(q), tc.no...)
			decided(t, long.Decide(q), tc.also...)
		}
	}
}

// A grant makes the eligibility at once, though the activation begins later: what the
// rule bounds is all of that time.
func TestTheEligibilityOfALateGrantIsBoundFromNowOn(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.rules(hoursRules)
		c := s.drive(s.request("CR1", s.ada, `"action":"grant","duration":"PT5M","start":"`+in(13*24*time.Hour)+`"`))
		require.Equal(s.t, pim.Refused, c.State)
		require.Equal(s.t, pim.TooLong, c.Fault.Reasons[0].Code)
		require.Empty(s.t, s.tenant.Requests())

		began := time.Now()
		c = s.drive(s.request("CR2", s.ada, `"action":"grant","duration":"PT4H","start":"`+in(20*time.Hour)+`"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		s.left(began, want{eligible: 24 * time.Hour})

		// What PIM is asked for is what the rules were asked about.
		t := s.t
		s.tenant.UpdatePolicy(simtenant.Plane(s.plane), s.scope, s.roleID, func(p *simtenant.Policy) { p.EligibilityExpiration.Maximum = "PT12H" })
		time.Sleep(6 * time.Minute) // what is known of PIM's settings has grown old
		c = s.drive(s.request("CR3", s.carl, `"action":"grant","duration":"PT4H","start":"`+in(20*time.Hour)+`"`))
		require.Equal(t, pim.Refused, c.State)
		require.Equal(t, pim.TooLong, c.Fault.Reasons[0].Code)
	})
}

// keepRules let anybody activate what they are eligible for, and keep it.
var keepRules = strings.NewReplacer("[grant, ", "[", "    eligibility: make\n", "").Replace(hoursRules)

// An activation lasts no longer than the eligibility that it rests on, or a right of
// today would be laid in store.
func TestAnActivationEndsBeforeItsEligibility(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.rules(keepRules)
		s.tenant.MakeEligible(s.grant(s.ada, 0, 2*time.Hour))
		for id, ask := range map[string]string{
			"CR1": `"action":"activate","duration":"PT2H1M"`,
			"CR2": `"action":"activate","duration":"PT1H","start":"` + in(90*time.Minute) + `"`,
			"CR3": `"action":"activate","duration":"PT1H","start":"` + in(13*24*time.Hour) + `"`,
		} {
			c := s.drive(s.request(id, s.ada, ask))
			require.Equal(s.t, pim.Refused, c.State, ask)
			require.Equal(s.t, pim.CodeUnmet, c.Fault.Code)
			require.Equal(s.t, pim.NotEligible, c.Fault.Reasons[0].Code)
		}
		require.Empty(s.t, s.tenant.Requests())
		c := s.drive(s.request("CR4", s.ada, `"action":"activate","duration":"PT2H"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
	})
}

// What was decided about one eligibility is not done by another.
func TestTheEligibilityIsLookedAtOnceMore(t *testing.T) {
	for name, then := range map[string]string{
		"it is gone":         "",
		"it is a short one":  `"action":"makeEligible","duration":"PT20M"`,
		"it is conditioned":  `"action":"makeEligible","duration":"PT8H","condition":"@Resource[a] StringEquals 'b'"`,
		"it is a fresh long": `"action":"makeEligible","duration":"PT8H"`,
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				s := newScene(t, pim.Azure)
				s.rules(keepRules)
				s.tenant.MakeEligible(s.grant(s.ada, time.Hour, 0))
				ask := s.request("CR1", s.ada, `"action":"activate","duration":"PT2H","condition":"@Resource[x] StringEquals 'y'"`)
				c, err := s.engine.Start(t.Context(), key, ask)
				require.NoError(t, err)
				c, err = s.engine.Advance(t.Context(), key, c.ID())
				require.NoError(t, err)
				require.Equal(t, pim.StepLook, c.Step)

				c = s.drive(s.request("CR2", s.ada, `"action":"removeEligible"`))
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				if then != "" {
					c = s.drive(s.request("CR3", s.ada, then))
					require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				}
				c = s.finish("CR1")
				if name == "it is a fresh long" {
					require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
					return
				}
				require.Equal(t, pim.Failed, c.State)
				require.Equal(t, pim.CodeUnmet, c.Fault.Code)
				require.Empty(t, s.heldBy(s.ada))
			})
		})
	}
}

// Whoever is not eligible any more does not keep what is active, nor begins it again.
func TestWhoIsNoLongerEligibleKeepsNothing(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.rules(keepRules)
		s.tenant.MakeEligible(s.grant(s.ada, 0, 2*time.Hour))
		c := s.drive(s.request("CR1", s.ada, `"action":"activate","duration":"PT1H"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		time.Sleep(10 * time.Minute)
		refused := func(id, ask string) {
			s.t.Helper()
			before := len(s.tenant.Requests())
			c := s.drive(s.request(id, s.ada, ask))
			require.Equal(s.t, pim.Refused, c.State)
			require.Equal(s.t, pim.NotEligible, c.Fault.Reasons[0].Code, "%+v", c.Fault)
			require.Len(s.t, s.tenant.Requests(), before)
		}
		refused("CR2", `"action":"extend","kind":"assignment","duration":"PT3H"`) // beyond the eligibility
		c = s.drive(s.request("CR3", s.ada, `"action":"extend","kind":"assignment","duration":"PT1H30M"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		time.Sleep(24 * time.Hour) // all is over
		refused("CR4", `"action":"activate","duration":"PT1H"`)
		refused("CR5", `"action":"renew","kind":"assignment","duration":"PT1H"`)
		s.rules(strings.Replace(keepRules, "[activate,", "[activate, assign,", 1))
		c = s.drive(s.request("CR6", s.ada, `"action":"renew","kind":"assignment","duration":"PT1H"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
	})
}

// What may be had under a condition alone is had under it, however it is come by:
// PIM does not hand it down to what an administrator assigns.
func TestAConditionGoesWithWhatRestsOnIt(t *testing.T) {
	const condition = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'public'"
	const another = `,"condition":"@Resource[a] StringEquals 'b'"`
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Azure)
		s.rules(hoursRules)
		bears := func(k pim.Kind) {
			t.Helper()
			q := pim.Query{Plane: s.plane, Scope: scope(t, s.plane, s.scope), Principal: s.ada}
			held := collect(t, s.engine.Client.Instances(t.Context(), k, q))
			require.Len(t, held, 1)
			require.Equal(t, condition, held[0].Condition)
		}
		n := 0
		asks := func(state pim.State, ask string) pim.Change {
			t.Helper()
			n++
			c := s.drive(s.request(fmt.Sprintf("CR%d", n), s.ada, ask))
			require.Equal(t, state, c.State, "%+v", c.Fault)
			if state != pim.Done {
				require.Equal(t, pim.CodeUnmet, c.Fault.Code)
				require.Equal(t, pim.WrongCondition, c.Fault.Reasons[0].Code)
			}
			return c
		}
		asks(pim.Done, `"action":"makeEligible","duration":"PT8H","condition":"`+condition+`"`)
		time.Sleep(2 * time.Minute)
		bears(pim.Eligibility)

		asks(pim.Refused, `"action":"activate","duration":"PT1H"`+another)
		asks(pim.Failed, `"action":"grant","duration":"PT1H"`+another) // seen when the eligibility is looked for
		require.Len(t, s.tenant.Requests(), 1)
		c := asks(pim.Done, `"action":"activate","duration":"PT1H"`)
		require.Equal(t, condition, c.Decision.Condition)
		time.Sleep(10 * time.Minute)
		bears(pim.Assignment)
		asks(pim.Refused, `"action":"extend","kind":"assignment","duration":"PT2H"`+another)
		asks(pim.Done, `"action":"extend","kind":"assignment","duration":"PT2H"`)
		time.Sleep(2 * time.Minute)
		bears(pim.Assignment)
		asks(pim.Done, `"action":"extend","duration":"PT9H"`)
		time.Sleep(2 * time.Minute)
		bears(pim.Eligibility)

		time.Sleep(3 * time.Hour)
		asks(pim.Done, `"action":"grant","duration":"PT1H"`)
		time.Sleep(2 * time.Minute)
		bears(pim.Assignment)

		time.Sleep(24 * time.Hour) // all is over
		asks(pim.Failed, `"action":"renew","duration":"PT8H"`+another)
		asks(pim.Done, `"action":"renew","duration":"PT8H"`)
		time.Sleep(2 * time.Minute)
		bears(pim.Eligibility)
		asks(pim.Done, `"action":"renew","kind":"assignment","duration":"PT1H"`)
		time.Sleep(2 * time.Minute)
		bears(pim.Assignment)
	})
}

// Of several eligibilities the one counts that stands long enough, and of these the
// one that lets the request have what it asks for.
func TestOfSeveralEligibilitiesTheOneThatServesCounts(t *testing.T) {
	const a, b = "@Resource[a] StringEquals 'b'", "@Resource[b] StringEquals 'c'"
	for _, tt := range []struct {
		name         string
		above, below string // how long it lasts at the subscription and at the resource group, and its condition
		under        string // the condition that is asked for
		want         string // and the one that comes of it
	}{
		{"only the one under a condition is long enough", `"PT12H","condition":"` + a + `"`, `"PT1H"`, "", a},
		{"the one without a condition is long enough", `"PT12H","condition":"` + a + `"`, `"PT3H"`, "", ""},
		{"the one of the condition is", `"PT12H","condition":"` + a + `"`, `"PT3H","condition":"` + b + `"`, b, b},
		{"the one without a condition lets have less", `"PT12H","condition":"` + a + `"`, `"PT3H"`, b, b},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				s := newScene(t, pim.Azure)
				for _, e := range []struct{ id, at, lasts string }{{"CR1", s.rg, tt.below}, {"CR2", s.sub, tt.above}} {
					s.scope = e.at
					c := s.drive(s.request(e.id, s.ada, `"action":"makeEligible","duration":`+e.lasts))
					require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
					require.False(t, c.Result.Already)
				}
				time.Sleep(2 * time.Minute)
				s.scope = s.rg
				s.rules(keepRules)
				ask := `"action":"activate","duration":"PT2H"`
				if tt.under != "" {
					ask += `,"condition":"` + tt.under + `"`
				}
				c := s.drive(s.request("CR3", s.ada, ask))
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				require.Equal(t, tt.want, c.Effects[0].Condition)
			})
		})
	}
}

// With their own token, too.
func TestPeopleActivateUnderTheConditionOfTheirEligibility(t *testing.T) {
	const condition = "@Resource[a] StringEquals 'b'"
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Azure)
		s.drive(s.request("CR1", s.bob, `"action":"makeEligible","duration":"P1D","condition":"`+condition+`"`))
		s.signedIn(simtenant.WithMFA())
		c := s.finish(s.try(user(s.bob), s.request("CR2", s.bob, `"action":"activate","duration":"PT1H"`)).ID())
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, condition, c.Effects[0].Condition)
		q := pim.Query{Plane: s.plane, Scope: scope(t, s.plane, s.scope), Principal: s.bob}
		require.Equal(t, condition, collect(t, s.engine.Client.Assignments(t.Context(), q))[0].Condition)
	})
}

// Hours that are lengthened again and again are no more hours than the rule's.
func TestExtendingAgainAndAgainEndsAtTheBound(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.rules(hoursRules)
		for _, tt := range []struct {
			kind  pim.Kind
			first string
			by    time.Duration
			most  time.Duration
		}{
			{pim.Assignment, `"action":"grant","duration":"PT1H"`, time.Hour, 4 * time.Hour},
			{pim.Eligibility, `"action":"makeEligible","duration":"PT6H"`, 6 * time.Hour, 24 * time.Hour},
		} {
			began := time.Now()
			c := s.drive(s.request("CR-"+string(tt.kind), s.ada, tt.first))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
			extended := 0
			for n := range 20 {
				time.Sleep(tt.by / 2)
				c = s.drive(s.request(fmt.Sprintf("CR-%s-%d", tt.kind, n), s.ada, fmt.Sprintf(`"action":"extend","kind":%q,"duration":%q`, tt.kind, pim.Duration(tt.by))))
				if c.State == pim.Done && !c.Result.Already {
					extended++
					require.WithinRange(s.t, *c.Result.Until, began, began.Add(tt.most))
				}
			}
			require.Greater(s.t, extended, 3)
			require.NotEqual(s.t, pim.Done, c.State, "it is over")
			for _, r := range s.tenant.Requests() {
				if r.Kind == simtenant.Kind(tt.kind) && !r.End.IsZero() {
					require.LessOrEqual(s.t, r.End.Sub(r.Start), tt.most)
				}
			}
			time.Sleep(48 * time.Hour)
		}
	})
}

// What is decided about one start is not done to another, and takes no later end for
// having waited.
func TestAnExtensionIsOfWhatWasDecided(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.rules(strings.Replace(hoursRules, "extend,", "extend, assign,", 1))
		next := func() pim.Change {
			c, err := s.engine.Advance(s.t.Context(), key, "CR1")
			require.NoError(s.t, err)
			return c
		}
		ask := s.request("CR1", s.ada, `"action":"extend","kind":"assignment","duration":"PT3H"`)
		for _, before := range []time.Duration{0, 30 * time.Minute} {
			if before > 0 {
				s.tenant.Assign(s.grant(s.ada, before, time.Hour))
			}
			_, err := s.engine.Start(s.t.Context(), key, ask)
			require.NoError(s.t, err)
			c := next()
			require.True(s.t, c.Decision.Allowed, "nothing stands, or has for half an hour")
			require.Equal(s.t, pim.StepLook, c.Step)
			if before > 0 {
				c = s.drive(s.request("CR2", s.ada, `"action":"deactivate"`))
				require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
			}
			stored := len(s.tenant.Requests())

			s.tenant.Assign(s.grant(s.ada, 3*time.Hour, 4*time.Hour)) // and now it has stood for three hours
			require.Equal(s.t, pim.StepDecide, next().Step)
			c = s.finish("CR1")
			require.Equal(s.t, pim.Refused, c.State)
			require.Equal(s.t, pim.TooLong, c.Fault.Reasons[0].Code)
			require.Len(s.t, s.tenant.Requests(), stored)
			time.Sleep(2 * time.Hour) // all is over
		}

		s.tenant.Assign(s.grant(s.ada, 3*time.Hour, 4*time.Hour))
		s.rules(strings.NewReplacer("extend,", "extend, assign,", "PT4H", "PT7H").Replace(hoursRules))
		_, err := s.engine.Start(s.t.Context(), key, ask)
		require.NoError(s.t, err)
		decided := time.Now()
		require.Equal(s.t, pim.StepLook, next().Step)
		time.Sleep(9 * time.Minute)
		c := s.finish("CR1")
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		all := s.tenant.Requests()
		require.False(s.t, all[len(all)-1].End.After(decided.Add(3*time.Hour)))
	})
}

// Who reads the audit log sees what was asked for, and what PIM was asked then: from
// when to when, under which condition, and by which name or mark it is found there.
func TestTheAuditLogSaysWhatIsGivenAndForHowLong(t *testing.T) {
	const condition = "@Resource[a] StringEquals 'b'"
	onPlanes(t, func(s *scene) {
		ask := `"action":"grant","duration":"PT2H","eligibleDuration":"P7D","start":"` + in(20*time.Hour) + `"`
		if s.plane == pim.Azure {
			ask += `,"condition":"` + condition + `"`
		}
		r := s.request("CR1", s.ada, ask)
		c := s.drive(r)
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		effects := 0
		for _, line := range s.audit.records {
			require.Equal(s.t, r.Start, line.Start)
			require.Equal(s.t, r.Duration, line.Duration)
			require.Equal(s.t, r.Eligible, line.Eligible)
			require.Equal(s.t, r.Condition, line.Condition)
			if line.What != pim.AuditEffect {
				continue
			}
			require.Equal(s.t, s.plane != pim.Azure, line.Mark != "", "PIM chooses the name")
			require.Equal(s.t, r.Condition, line.Bears)
			switch effects++; line.Kind {
			case pim.Eligibility:
				require.Equal(s.t, &pim.Window{Duration: 7 * day}, line.Window)
			default:
				require.Equal(s.t, &pim.Window{Start: r.Start, Duration: 2 * hour}, line.Window)
			}
		}
		require.Equal(s.t, 2, effects)
		require.Equal(s.t, r.Start, c.Report().Start)
		require.Equal(s.t, r.Eligible, c.Report().Eligible)
		require.Equal(s.t, r.Condition, c.Report().Condition)

		time.Sleep(2 * time.Minute)
		c = s.drive(s.request("CR2", s.ada, `"action":"extend","kind":"eligibility","duration":"P9D"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(s.t, pim.Eligibility, c.Report().Kind)
		lines := s.audit.records[len(s.audit.records)-2:]
		require.Equal(s.t, pim.AuditEffect, lines[0].What)
		require.Equal(s.t, pim.Eligibility, lines[0].Asked)
		require.Equal(s.t, c.Decision.Window, lines[0].Window)
		require.Equal(s.t, r.Condition, lines[0].Bears, "though it was not named again")
	})
}

// What is shown so often must fit into the journal, with all outcomes unsent.
func TestTheLongestConditionFitsIntoTheJournal(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Azure)
		c, err := s.engine.Start(t.Context(), key, s.request("CR1", s.ada, `"action":"grant","condition":"`+strings.Repeat("<", 8192)+`"`))
		for ; err == nil && !c.Ended(); c, err = s.engine.Advance(t.Context(), key, c.ID()) {
			time.Sleep(time.Until(c.Due))
		}
		require.NoError(t, err)
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Len(t, c.Outbox, 2)
		var r pim.Request
		err = json.Unmarshal(fmt.Appendf(nil, `{"action":"grant","scope":%q,"role":"Reader","principalId":%q,"condition":%q}`, s.scope, s.ada, strings.Repeat("ü", 4097)), &r)
		require.ErrorContains(t, err, "condition is longer than 8192 bytes")
	})
}
