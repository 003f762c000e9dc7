package sweep_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestShippedRulesWatchNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		b, err := os.ReadFile("../../sweep.yaml")
		require.NoError(t, err)
		w := newWorld(t)
		w.sweeps(string(b))
		w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada})
		w.tenant.ForgetCalls()
		p := w.plan()
		require.Empty(t, p.Scopes)
		require.Empty(t, p.Proposals)
		require.Empty(t, w.tenant.Calls(), "nothing is asked of the tenant")
	})
}
