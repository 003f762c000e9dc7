package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// PIM forgets its requests after some weeks: what lies further back is known only if
// a sweep saw it then.
func TestUnusedForLongerThanPIMRemembersNeedsSweepsThatRemember(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.sweeps(everything, "after: P30D", "after: P90D")
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 170 * day, Ago: day})
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 170 * day, Ago: day})
		var found []string
		for d := 0; d < 160 && len(found) == 0; d += 10 {
			if d == 20 {
				w.activate(w.bob)
			}
			time.Sleep(10 * day)
			found = w.found(w.plan())
			if d < 80 {
				require.Empty(t, found, "day %d", d)
			}
		}
		require.Equal(t, []string{"unused eligibility ada"}, found, "bob used it 80 days ago, of which PIM says nothing any more")
	})
}

func TestUsesThatNobodyCouldSeeCountAsUses(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.sweeps(everything, "after: P30D", "after: P60D")
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 170 * day, Ago: 60 * day})
		require.Empty(t, w.plan().Proposals, "the first sweep sees thirty days")
		time.Sleep(50 * day) // nobody swept meanwhile
		require.Empty(t, w.plan().Proposals)
		time.Sleep(15 * day)
		require.Empty(t, w.plan().Proposals)
		time.Sleep(16 * day)
		require.Equal(t, []string{"unused eligibility ada"}, w.found(w.plan()))
	})
}
