package sweep_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

func (w *world) sweepOnce() sweep.Plan {
	w.t.Helper()
	p, err := w.Sweep(w.t.Context(), time.Now().Add(time.Hour))
	require.NoError(w.t, err)
	return p
}

// A change of ours tells twice that it ends: once before, once after, whoever sweeps.
func TestEndOfAChangeIsToldOnceBeforeAndOnceAfter(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 100 * day})
		w.grant("CR1", w.rg, "Owner", "PT4H")
		told := func() [2]int { return [2]int{w.outbox.count(pim.EventSoon), w.outbox.count(pim.EventExpired)} }
		sweepThrice := func() {
			var wg sync.WaitGroup
			for range 3 {
				s := w.another()
				wg.Go(func() {
					if _, err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		w.sweeps(everything, "P14D", "PT2H")
		sweepThrice()
		require.Equal(t, [2]int{0, 0}, told(), "not soon yet")
		time.Sleep(2*time.Hour + 5*time.Minute)
		sweepThrice()
		require.Equal(t, [2]int{1, 0}, told())
		time.Sleep(2 * time.Hour)
		sweepThrice()
		require.Equal(t, [2]int{1, 0}, told(), "the platform has a while to end it")
		time.Sleep(30 * time.Minute)
		sweepThrice()
		require.Equal(t, [2]int{1, 1}, told())
		time.Sleep(day)
		sweepThrice()
		require.Equal(t, [2]int{1, 1}, told())
	})
}

// Somebody has lengthened by hand what we gave for a while.
func TestWhatOutstaysOurChangeIsFoundAndNotCalledExpired(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 100 * day})
		c := w.grant("CR1", w.rg, "Owner", "PT4H")
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Owner", Principal: w.ada, For: 20 * day, Ago: time.Minute})
		time.Sleep(5 * time.Hour)
		p := w.plan()
		require.Equal(t, []string{"overdue assignment ada"}, w.found(p))
		require.Equal(t, "CR1", p.Proposals[0].Origin)
		require.True(t, p.Proposals[0].Since.Equal(*c.Result.Until))
		require.Empty(t, p.Notices)
		require.Equal(t, 1, w.apply(p).Tally.Removed)
		time.Sleep(time.Hour)
		w.sweepOnce()
		require.Equal(t, 1, w.outbox.count(pim.EventExpired), "now it has")
	})
}

func TestWhatSomebodyGaveLaterIsNotOursToEnd(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 100 * day})
		w.grant("CR1", w.rg, "Owner", "PT1H")
		time.Sleep(3 * time.Hour)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Owner", Principal: w.ada, For: 20 * day})
		p := w.sweepOnce()
		require.Empty(t, w.found(p))
		require.Equal(t, 1, w.outbox.count(pim.EventExpired))
	})
}

func TestNothingIsCalledExpiredThatCouldNotBeRead(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 100 * day})
		w.grant("CR1", w.rg, "Owner", "PT1H")
		time.Sleep(3 * time.Hour)
		for _, path := range []string{"roleAssignmentScheduleInstances", "/descendants"} {
			w.tenant.Inject(simtenant.Fault{Path: path, Status: 500, Times: simtenant.Always})
			w.sweepOnce()
			require.Zero(t, w.outbox.count(pim.EventExpired), path)
			w.tenant.ClearFaults()
		}
		w.sweepOnce()
		require.Equal(t, 1, w.outbox.count(pim.EventExpired))
	})
}

func TestReportListsWhatEndsSoon(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 10 * day})
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Reader", Principal: w.ada, For: 15 * day})
		p := w.plan()
		require.Len(t, p.Expiring, 1)
		require.Equal(t, "Owner", p.Expiring[0].Role.Name)
		require.Empty(t, p.Proposals)
	})
}

// What a later change of ours ended early is told of by that change; what it prolonged
// has expired, for both of them, when that ends too.
func TestNothingIsSaidOfAnEndThatIsNot(t *testing.T) {
	for _, tt := range []struct {
		name, then    string
		soon, expired int
	}{
		{"ended early", `"action":"deactivate"`, 0, 0},
		{"prolonged", `"action":"extend","kind":"assignment","duration":"PT6H"`, 1, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 100 * day})
				w.sweeps(everything, "P14D", "PT2H")
				w.grant("CR1", w.rg, "Owner", "PT4H")
				time.Sleep(time.Hour)
				var r pim.Request
				require.NoError(t, json.Unmarshal([]byte(`{"id":"CR2","scope":"`+w.rg+`","role":"Owner","principalId":"`+w.ada+`","justification":"because",`+tt.then+`}`), &r))
				_, err := w.Engine.Start(t.Context(), pim.Caller{Kind: pim.CallerKey}, r)
				require.NoError(t, err)
				for range 100 {
					c, err := w.Engine.Drive(t.Context(), pim.Caller{Kind: pim.CallerKey}, "CR2", time.Now())
					require.NoError(t, err)
					if c.Ended() {
						require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
						break
					}
					time.Sleep(10 * time.Second)
				}
				for range 20 {
					time.Sleep(time.Hour)
					w.sweepOnce()
				}
				require.Equal(t, [2]int{tt.soon, tt.expired}, [2]int{w.outbox.count(pim.EventSoon), w.outbox.count(pim.EventExpired)})
			})
		})
	}
}
