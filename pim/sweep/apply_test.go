package sweep_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

func TestApplyRemovesThePlanAndTellsIt(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 400 * day, Ago: time.Hour})
		w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.robot})
		p := w.plan()
		require.Len(t, p.Proposals, 2)
		w.tenant.ForgetCalls()
		st := w.apply(p)
		require.Equal(t, sweep.Tally{Removed: 2}, st.Tally, "%+v", st.Outcomes)
		require.Equal(t, sweep.Applied, st.Run.Phase)
		require.Equal(t, operator.String(), st.Run.By)
		require.Equal(t, 2, w.effects())
		require.False(t, w.holds(simtenant.Assignment, w.ada))
		require.False(t, w.holds(simtenant.Eligibility, w.bob))
		require.True(t, w.holds(simtenant.Assignment, w.robot), "not in the plan")
		require.Equal(t, 2, w.outbox.count(pim.EventEnded), "one outcome each")
		require.Equal(t, 1, w.outbox.count(pim.EventSwept), "one summary")
		for _, o := range st.Outcomes {
			c, err := w.ledger.Load(t.Context(), o.Change)
			require.NoError(t, err)
			require.Equal(t, pim.CallerSystem, c.Caller.Kind)
		}

		again := w.apply(p)
		require.Equal(t, st, again)
		require.Equal(t, 2, w.effects(), "twice is once")
		require.Equal(t, 1, w.outbox.count(pim.EventSwept))
	})
}

// A rule that only reports is never acted on, whoever applies the plan.
func TestReportRemovesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
		w.sweeps(everything, "permanent: {mode: apply}", "permanent: {mode: report}")
		p := w.plan()
		require.Len(t, p.Proposals, 1)
		w.tenant.ForgetCalls()
		require.Empty(t, w.apply(p).Outcomes)
		require.Zero(t, w.effects())
	})
}

func TestTimerAppliesOnlyIfTheRulesSaySo(t *testing.T) {
	for mode, removed := range map[string]bool{"": false, "mode: report": false, "mode: apply": true} {
		t.Run(mode, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
				w.sweeps(everything, "permanent: {mode: apply}", "permanent: {mode: on}", "version: 1", "version: 1\n"+mode)
				_, err := w.Sweep(t.Context(), time.Now().Add(time.Hour))
				require.NoError(t, err)
				require.Equal(t, !removed, w.holds(simtenant.Assignment, w.ada))
			})
		})
	}
}

func TestPlanIsAppliedAsItIsOrNotAtAll(t *testing.T) {
	for _, tt := range []struct {
		name  string
		spoil func(*world, *sweep.Plan)
		want  pim.Code
	}{
		{"another hash", func(_ *world, p *sweep.Plan) { p.Hash = p.Hash[1:] + "0" }, pim.CodeNotFound},
		{"no hash", func(_ *world, p *sweep.Plan) { p.Hash = "" }, pim.CodeNotFound},
		{"too old", func(*world, *sweep.Plan) { time.Sleep(25 * time.Hour) }, pim.CodeConflict},
		{"the rules have changed", func(w *world, _ *sweep.Plan) { w.sweeps(everything, "P30D", "P31D") }, pim.CodeConflict},
		{"the stored plan was changed", func(w *world, p *sweep.Plan) {
			name := "plans/" + p.ID + ".json"
			b, version, err := w.store.Load(w.t.Context(), name)
			require.NoError(w.t, err)
			var doc sweep.Plan
			require.NoError(w.t, json.Unmarshal(b, &doc))
			doc.Proposals[0].Principal = w.bob
			b, err = json.Marshal(doc)
			require.NoError(w.t, err)
			_, err = w.store.Save(w.t.Context(), name, b, version)
			require.NoError(w.t, err)
		}, pim.CodeNotFound},
		{"everything is stopped", func(w *world, _ *sweep.Plan) { w.Engine.Guard.Stopped = true }, pim.CodeRefused},
		{"the rules cannot be read", func(w *world, _ *sweep.Plan) {
			w.Rules = func(context.Context) (*sweep.Rules, error) { return nil, context.DeadlineExceeded }
		}, pim.CodeInternal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
				p := w.plan()
				w.tenant.ForgetCalls()
				tt.spoil(w, &p)
				_, err := w.Apply(t.Context(), operator, p.Hash, time.Now().Add(time.Hour))
				require.Equal(t, tt.want, pim.CodeOf(err), "%v", err)
				require.Zero(t, w.effects())
			})
		})
	}
}

// The tenant goes on living between plan and removal.
func TestTenantThatChangedMeanwhileIsReadAgain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(w *world)
		why    string
	}{
		{"somebody removed it", func(w *world) { w.remove(w.rg, simtenant.RoleContributor) }, "gone already"},
		{"somebody replaced it by one with an end", func(w *world) {
			w.remove(w.rg, simtenant.RoleContributor)
			w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada, For: day})
		}, "changed since"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada, Ago: day})
				p := w.plan()
				require.Len(t, p.Proposals, 1)
				tt.change(w)
				time.Sleep(2 * time.Minute) // until listings show it
				w.tenant.ForgetCalls()
				st := w.apply(p)
				require.Equal(t, sweep.Skipped, st.Outcomes[0].State)
				require.Contains(t, st.Outcomes[0].Why, tt.why)
				require.Zero(t, w.effects())
				require.Equal(t, sweep.Applied, st.Run.Phase)
			})
		})
	}
}

func TestUserWhoCameBackKeepsWhatHeHas(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 100 * day, Ago: 40 * day})
		p := w.plan()
		require.Equal(t, []string{"unused eligibility bob"}, w.found(p))
		w.activate(w.bob)
		st := w.apply(p)
		require.Equal(t, sweep.Skipped, st.Outcomes[0].State, "%+v", st.Outcomes)
		require.Contains(t, st.Outcomes[0].Why, "used")
	})
}

// What cannot be read just before is left for another time, not removed, not given up.
func TestRemovalWaitsForWhatCannotBeRead(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
		p := w.plan()
		w.tenant.Inject(simtenant.Fault{Path: "ScheduleInstances", Status: 500, Times: simtenant.Always})
		w.tenant.ForgetCalls()
		st := w.apply(p)
		require.Equal(t, sweep.Waiting, st.Outcomes[0].State)
		require.Equal(t, sweep.Applying, st.Run.Phase)
		require.Zero(t, w.effects())
		require.Zero(t, w.outbox.count(pim.EventSwept))
		w.tenant.ClearFaults()
		require.Equal(t, sweep.Tally{Removed: 1}, w.apply(p).Tally)
		require.Equal(t, 1, w.outbox.count(pim.EventSwept))
	})
}

func TestWhatTheDeletedHeldIsEnded(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 20 * day, Ago: day})
		w.tenant.Delete(w.bob)
		p := w.plan()
		require.Equal(t, sweep.Tally{Removed: 1}, w.apply(p).Tally)
		require.False(t, w.holds(simtenant.Eligibility, w.bob))
		st := w.restore(p)
		require.Equal(t, sweep.Failed, st.Outcomes[0].Restored, "nobody brings back who is deleted")
	})
}

func TestTwoSweepsAtOnceRemoveOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		for _, who := range []string{w.ada, w.bob, w.carl} {
			w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: who})
		}
		w.sweeps(everything, "version: 1", "version: 1\nmode: apply")
		w.tenant.ForgetCalls()
		var wg sync.WaitGroup
		for range 4 {
			s := w.another()
			wg.Go(func() {
				if _, err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, 3, w.effects(), "each is removed once")
		changes := 0
		for _, err := range w.ledger.List(t.Context(), pim.Filter{}) {
			require.NoError(t, err)
			changes++
		}
		require.Equal(t, 3, changes, "plans differ, changes do not")
		require.Equal(t, 3, w.outbox.count(pim.EventEnded))
	})
}

func TestOnePlanAppliedByTwoAtOnceIsToldOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		for _, who := range []string{w.ada, w.bob, w.carl} {
			w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: who})
		}
		p := w.plan()
		w.tenant.ForgetCalls()
		var wg sync.WaitGroup
		for range 3 {
			s := w.another()
			wg.Go(func() {
				if _, err := s.Apply(t.Context(), operator, p.Hash, time.Now().Add(time.Hour)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		st, err := w.Status(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, sweep.Tally{Removed: 3}, st.Tally)
		require.Equal(t, 3, w.effects())
		require.Equal(t, 1, w.outbox.count(pim.EventSwept))
	})
}

// The process dies behind any of its calls to the tenant, and another one goes on.
func TestSweepThatWasKilledIsFinishedByTheNext(t *testing.T) {
	for at := range 24 {
		inTime(t, func(t *testing.T) {
			w := newWorld(t)
			for _, who := range []string{w.ada, w.bob, w.carl} {
				w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: who})
			}
			p := w.plan()
			w.tenant.ForgetCalls()
			ctx, kill := context.WithCancel(t.Context())
			defer kill()
			calls := 0
			w.tenant.Inject(simtenant.Fault{Times: simtenant.Always, Match: w.onCall(func() {
				if calls++; calls == at+1 {
					kill()
				}
			})})
			_, _ = w.Apply(ctx, operator, p.Hash, time.Now().Add(time.Hour))
			w.tenant.ClearFaults()
			time.Sleep(5 * time.Minute) // leases run out
			s := w.another()
			st, err := s.Apply(t.Context(), operator, p.Hash, time.Now().Add(2*time.Hour))
			require.NoError(t, err)
			require.Equal(t, sweep.Tally{Removed: 3}, st.Tally, "killed at call %d: %+v", at, st.Outcomes)
			require.Equal(t, sweep.Applied, st.Run.Phase)
			require.Equal(t, 3, w.removals(), "killed at call %d", at)
			require.Equal(t, 1, w.outbox.count(pim.EventSwept))
		})
	}
}

func TestWhatTheRulesDoNotAllowIsReportedNotForced(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		none, err := pim.ParseRules([]byte("version: 1\nrules: []"))
		require.NoError(t, err)
		w.Engine.Rules = func(context.Context) (*pim.Rules, error) { return none, nil }
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
		p := w.plan()
		w.tenant.ForgetCalls()
		st := w.apply(p)
		require.Equal(t, sweep.Tally{Refused: 1}, st.Tally)
		require.Contains(t, st.Outcomes[0].Why, "nothing is allowed")
		require.Zero(t, w.effects())
	})
}

// PIM ends nothing younger than five minutes.
func TestYoungAccessIsEndedOnceItMayBe(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
		p := w.plan()
		st, err := w.Apply(t.Context(), operator, p.Hash, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, sweep.Tally{OnWay: 1}, st.Tally)
		require.True(t, w.holds(simtenant.Assignment, w.ada))
		time.Sleep(10 * time.Minute)
		require.Equal(t, sweep.Tally{Removed: 1}, w.apply(p).Tally)
	})
}

func TestOldRequestIsWithdrawn(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.waitForApproval(w.bob)
		require.Empty(t, w.plan().Proposals, "it is young")
		time.Sleep(3 * time.Hour)
		w.sweeps(everything, "PT48H", "PT2H")
		p := w.plan()
		require.Equal(t, []string{"pending assignment bob"}, w.found(p))
		w.tenant.ForgetCalls()
		st := w.apply(p)
		require.Equal(t, sweep.Tally{Removed: 1}, st.Tally, "%+v", st.Outcomes)
		require.Equal(t, 1, w.tenant.Count("POST", "/cancel"))
		for _, r := range w.tenant.Requests() {
			require.NotEqual(t, "PendingApproval", r.Status)
		}
	})
}
