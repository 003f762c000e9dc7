package pim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// Azure makes resources by itself whose names no scope can have here. They hide
// nothing else, and whoever lists is told of them.
func TestAnItemWithAnOddScopeEndsNoListing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		odd := w.tenant.AddResource(w.rg, "Microsoft.Insights/actionGroups", "Application Insights Smart Detection")
		for _, scope := range []string{odd, w.sub, w.rg} {
			w.tenant.Assign(simtenant.Grant{Scope: scope, Role: "Reader", Principal: w.bob})
		}
		scope, err := pim.ParseScope(pim.Azure, w.sub)
		require.NoError(t, err)
		var left, seen []string
		q := pim.Query{Plane: pim.Azure, Scope: scope, Principal: w.bob, Odd: func(s string) { left = append(left, s) }}
		for i, err := range w.engine.Client.Assignments(t.Context(), q) {
			require.NoError(t, err)
			seen = append(seen, i.Scope.String())
		}
		require.Equal(t, []string{odd}, left)
		require.Equal(t, []string{w.sub, w.rg}, seen)

		c := w.drive(w.ask("CR1", pim.Deactivate, w.rg, "Reader"))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
	})
}
