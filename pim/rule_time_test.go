package pim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

func TestDaysAndHours(t *testing.T) {
	const (
		office  = "when: {days: [mon, tue, wed, thu, fri], from: '08:00', to: '18:00', zone: Europe/Berlin}"
		night   = "when: {days: [fri], from: '22:00', to: '06:00', zone: Europe/Berlin}"
		newYork = "when: {from: '08:00', to: '18:00', zone: America/New_York}"
		small   = "when: {from: '02:00', to: '03:00', zone: Europe/Berlin}"
		late    = "when: {days: [tue], from: '20:00', to: '24:00', zone: UTC}"
	)
	for _, tc := range []struct {
		name, when, at string
		want           bool
	}{
		{"the first minute", office, "2026-12-01T08:00:00+01:00", true},
		{"the second before", office, "2026-12-01T07:59:59+01:00", false},
		{"the last second", office, "2026-12-01T17:59:59+01:00", true},
		{"the end", office, "2026-12-01T18:00:00+01:00", false},
		{"saturday", office, "2026-12-05T12:00:00+01:00", false},
		{"eight in summer is six in UTC", office, "2026-07-01T06:00:00Z", true},
		{"eight in winter is seven in UTC", office, "2026-12-01T06:00:00Z", false},
		{"monday there, sunday in UTC", "when: {days: [mon], zone: Pacific/Auckland}", "2026-11-29T12:00:00Z", true},
		{"another zone", newYork, "2026-12-01T08:00:00+01:00", false},
		{"friday night", night, "2026-12-04T23:00:00+01:00", true},
		{"saturday morning, which is still friday night", night, "2026-12-05T05:59:00+01:00", true},
		{"friday morning, which is thursday night", night, "2026-12-04T05:59:00+01:00", false},
		{"saturday night", night, "2026-12-05T23:00:00+01:00", false},
		{"the hour that comes twice, first", small, "2026-10-25T00:30:00Z", true},
		{"the hour that comes twice, again", small, "2026-10-25T01:30:00Z", true},
		{"after both", small, "2026-10-25T02:00:00Z", false},
		{"the hour that does not come", small, "2026-03-29T01:00:00Z", false},
		{"to the end of the day", late, "2026-12-01T23:59:59Z", true},
		{"not the next day", late, "2026-12-02T00:00:00Z", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tc.at)
			require.NoError(t, err)
			rules := rulesOf(t, strings.Replace(onCallRule, "[grant]", "[grant, activate]", 1)+"    "+tc.when+"\n")
			q := asked(t)
			q.Now, q.Request.Action, q.Eligible = at, pim.Activate, isEligible
			var want []pim.ReasonCode
			if !tc.want {
				want = []pim.ReasonCode{pim.WrongTime}
			}
			decided(t, rules.Decide(q), want...)

			// What is asked for later counts at its start, not at the time of asking.
			q.Now, q.Request.Start = at.Add(-36*time.Hour), &at
			decided(t, rules.Decide(q), want...)
		})
	}
}

func TestAStartThatHasPassedIsNow(t *testing.T) {
	rules := rulesOf(t, onCallRule+"    when: {days: [tue], zone: UTC}\n")
	q := asked(t)
	q.Now, q.Request.Start = tuesday.AddDate(0, 0, 1), &tuesday
	decided(t, rules.Decide(q), pim.WrongTime)
}
