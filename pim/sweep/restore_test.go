package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

func (w *world) restore(p sweep.Plan) sweep.Status {
	w.t.Helper()
	st, err := w.Restore(w.t.Context(), operator, p.ID, time.Now().Add(2*time.Hour))
	require.NoError(w.t, err)
	return st
}

func (w *world) end(k simtenant.Kind, principal string) time.Time {
	all := w.tenant.Assignments()
	if k == simtenant.Eligibility {
		all = w.tenant.Eligibilities()
	}
	for _, a := range all {
		if a.PrincipalID == principal {
			return a.End
		}
	}
	w.t.Fatal("nothing stands")
	return time.Time{}
}

func TestRestorePutsBackWhatARunRemoved(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 200 * day, Ago: day})
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.bob, For: 100 * day, Ago: day})
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Reader", Principal: w.carl})
		ends := map[string]time.Time{"ada": w.end(simtenant.Eligibility, w.ada), "bob": w.end(simtenant.Assignment, w.bob)}
		p := w.plan()
		require.Len(t, p.Proposals, 3)
		_, err := w.Restore(t.Context(), operator, p.ID, time.Now())
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err), "nothing was applied")
		require.Equal(t, 3, w.apply(p).Tally.Removed)
		time.Sleep(10 * time.Minute) // ARM believes in what it has just ended for a while
		w.tenant.ForgetCalls()
		st := w.restore(p)
		require.Equal(t, 3, st.Tally.Restored, "%+v", st.Outcomes)
		require.Equal(t, 3, w.effects())
		require.WithinDuration(t, ends["ada"], w.end(simtenant.Eligibility, w.ada), 10*time.Minute, "for the time that was left")
		require.WithinDuration(t, ends["bob"], w.end(simtenant.Assignment, w.bob), 10*time.Minute)
		require.WithinDuration(t, time.Now().Add(30*day), w.end(simtenant.Assignment, w.carl), 10*time.Minute, "what had no end gets one")
		require.Len(t, w.tenant.Eligibilities(), 1, "an assignment comes back without an eligibility")

		time.Sleep(time.Hour)
		require.Equal(t, 3, w.restore(p).Tally.Restored)
		require.Equal(t, 3, w.effects(), "twice is once")
	})
}

func TestRestoreLeavesWhatTheRunDidNotRemove(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada, Ago: day})
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.bob, Ago: day})
		p := w.plan()
		w.remove(w.rg, simtenant.RoleContributor) // ada's, by somebody else
		time.Sleep(2 * time.Minute)
		w.apply(p)
		time.Sleep(10 * time.Minute)
		w.tenant.ForgetCalls()
		st := w.restore(p)
		require.Equal(t, 1, st.Tally.Restored, "%+v", st.Outcomes)
		require.False(t, w.holds(simtenant.Assignment, w.ada))
		require.True(t, w.holds(simtenant.Assignment, w.bob))
	})
}

func TestRestoreOfAnUnknownPlanIsNotFound(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		for _, id := range []string{"", "nope", "../memory", "20260101T000000Z-abcdef"} {
			_, err := w.Restore(t.Context(), operator, id, time.Now())
			require.Equal(t, pim.CodeNotFound, pim.CodeOf(err), id)
		}
	})
}
