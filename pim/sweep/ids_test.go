package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// The ids of removals can be foretold. Who puts a change of their own under one keeps
// nothing by it: nobody may, and what got there all the same stands for nothing.
func TestChangeUnderTheIdOfARemovalIsNotTakenForIt(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state pim.State
		edit  func(c *pim.Change, p sweep.Proposal)
		want  sweep.Tally
		held  bool
	}{
		{"done", pim.Done, nil, sweep.Tally{Skipped: 1}, true},
		{"done, and of the same access", pim.Done, func(c *pim.Change, p sweep.Proposal) { same(t, c, p) }, sweep.Tally{Skipped: 1}, true},
		{"done, of the same access, and named like the sweep", pim.Done, func(c *pim.Change, p sweep.Proposal) {
			same(t, c, p)
			c.Caller.ID = "sweep"
		}, sweep.Tally{Skipped: 1}, true},
		{"done, by the sweep, of another action", pim.Done, func(c *pim.Change, p sweep.Proposal) {
			same(t, c, p)
			c.Caller, c.Request.Action = pim.Caller{Kind: pim.CallerSystem, ID: "sweep"}, pim.RemoveEligible
		}, sweep.Tally{Skipped: 1}, true},
		{"on its way", pim.Pending, nil, sweep.Tally{Skipped: 1}, true},
		{"waiting for people", pim.AwaitingApproval, nil, sweep.Tally{Skipped: 1}, true},
		{"refused, so that the sweep takes its id", pim.Refused, nil, sweep.Tally{Removed: 1}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada, Ago: day})
				p := w.plan()
				require.Len(t, p.Proposals, 1)
				id := p.Proposals[0].Change

				// It was put there before anybody was kept from it.
				c := w.grant("CR1", w.sub, "Reader", "PT5M")
				c.Request.ID, c.State, c.Version = id, tt.state, ""
				if tt.state != pim.Done {
					c.Result, c.Effects, c.Step = nil, nil, pim.StepDecide
				}
				if tt.state == pim.Refused {
					c.Decision = pim.Decision{}
				}
				if tt.edit != nil {
					tt.edit(&c, p.Proposals[0])
				}
				before, err := w.ledger.Save(t.Context(), c)
				require.NoError(t, err)

				st := w.apply(p)
				require.Equal(t, tt.want, st.Tally, "%+v", st.Outcomes)
				require.Equal(t, sweep.Applied, st.Run.Phase)
				if !tt.held {
					return
				}
				require.Equal(t, "the id of its change names one that the sweep did not ask for", st.Outcomes[0].Why)
				after, err := w.ledger.Load(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, before.Version, after.Version, "nobody drives it on")
				require.Zero(t, w.restore(p).Tally.Restored, "what was not removed is not put back")

				time.Sleep(day)
				require.Equal(t, 1, w.apply(w.plan()).Tally.Removed, "another day has another id")
			})
		})
	}
}

// same lets c ask for what p proposes.
func same(t *testing.T, c *pim.Change, p sweep.Proposal) {
	s, err := pim.ParseScope(p.Plane, p.Scope)
	require.NoError(t, err)
	c.Request.Duration = 0 // it ends access
	c.Request.Action, c.Request.Scope, c.Request.Role, c.Request.Principal, c.Role = p.Action, s, p.Role.ID, p.Principal, p.Role
}

func TestChangeUnderTheIdOfARestorationIsNotTakenForIt(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada, Ago: day})
		p := w.plan()
		require.Equal(t, 1, w.apply(p).Tally.Removed)
		time.Sleep(10 * time.Minute)
		c := w.grant("CR1", w.sub, "Reader", "PT5M")
		c.Request.ID, c.Version = p.Proposals[0].Change+"-restore", ""
		_, err := w.ledger.Save(t.Context(), c)
		require.NoError(t, err)
		require.Zero(t, w.restore(p).Tally.Restored)
	})
}
