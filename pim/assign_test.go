package pim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

const assignRules = `
version: 1
rules:
  - name: put back
    effect: allow
    actions: [assign]
    callers: [{anyKey: true}]
    principals: [{any: true}]
    planes: [azure]
    scopes: ["/"]
    roles: [Owner]
    maxDuration: P60D
`

// An activation is bounded by hours; what cannot activate is assigned for days.
func TestAssignMakesNoEligibilityAndIsHeldToTheAdministratorsRules(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(assignRules)
		c := w.drive(w.ask("CR1", pim.Assign, w.sub, "Owner", `"duration":"P30D"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.WithinDuration(t, time.Now().Add(30*24*time.Hour), *c.Result.Until, 5*time.Minute)
		require.Len(t, w.tenant.Requests(), 1)
		require.Empty(t, w.tenant.Eligibilities())
		c = w.drive(w.ask("CR2", pim.Assign, w.rg, "Owner", `"duration":"P90D"`))
		require.Equal(t, pim.Refused, c.State, "longer than the rule's")
		w.rules(strings.Replace(assignRules, "P60D", "P400D", 1))
		c = w.drive(w.ask("CR3", pim.Assign, w.rg, "Owner", `"duration":"P390D"`))
		require.Equal(t, pim.Refused, c.State, "longer than PIM's")
		require.Equal(t, pim.TooLong, c.Fault.Reasons[0].Code)
	})
}

func TestGrantDoesNotAllowAssign(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(strings.Replace(assignRules, "[assign]", "[grant]", 1))
		c := w.drive(w.ask("CR1", pim.Assign, w.sub, "Owner", `"duration":"PT1H"`))
		require.Equal(t, pim.Refused, c.State)
	})
}
