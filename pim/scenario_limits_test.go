package pim_test

import (
	"encoding/json"
	"fmt"
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
    roles: ["*"]
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
		q.Request.Action, q.Eligible = a, ptr(true)
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
