package pim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// While an approver is looked up, the outcomes that asked for the vote may be struck
// off the journal. That is nobody's decision, and the vote counts all the same.
func TestAVoteCountsThoughOutcomesAreSentMeanwhile(t *testing.T) {
	for name, approve := range map[string]bool{"yes": true, "no": false} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				approvers := w.tenant.AddGroup(simtenant.Group{Name: "approvers", Members: []string{w.bob}})
				w.rules(openRules + "    approval: {group: " + approvers + "}\n")
				c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Reader"))
				require.Equal(t, pim.AwaitingApproval, c.State, "%+v", c.Fault)
				w.tenant.Inject(simtenant.Fault{Path: "/checkMember", Delay: time.Second})
				go func(c pim.Change) {
					time.Sleep(time.Second / 2)
					_, _ = w.ledger.Save(t.Context(), c) // as the one who has sent them does
				}(c)
				c, err := w.engine.Vote(t.Context(), pim.Caller{Kind: pim.CallerUser, ID: w.bob}, "CR1", pim.Ballot{Digest: c.Seal(), Approve: approve})
				require.NoError(t, err)
				require.Len(t, c.Votes, 1)
				if c = w.finish("CR1"); approve {
					require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				} else {
					require.Equal(t, pim.Refused, c.State)
				}
			})
		})
	}
}
