package pim_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// inTime runs a test in virtual time.
func inTime(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }

// The four cases of a grant, and what each of them asks of ARM.
func TestGrantAsksForWhatIsMissingAlone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		grant := func(id string) pim.Change { return w.drive(w.ask(id, pim.Grant, w.sub, "Owner")) }

		c := grant("CR1") // new
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.False(t, c.Result.Already)
		require.True(t, c.Result.Confirmed)
		require.Equal(t, 2, w.effects(), w.calls())
		require.WithinDuration(t, time.Now().Add(time.Hour), *c.Result.Until, 5*time.Minute)
		t.Log("new:", w.calls())

		w.tenant.ForgetCalls()
		again := grant("CR1") // the same change
		require.Equal(t, c.Report(), again.Report())
		require.Empty(t, w.calls())

		w.tenant.ForgetCalls()
		c = grant("CR2") // active already
		require.Equal(t, pim.Done, c.State)
		require.True(t, c.Result.Already)
		require.Zero(t, w.effects(), w.calls())
		t.Log("active:", w.calls())

		time.Sleep(2 * time.Hour) // the activation is over, the eligibility stands
		w.tenant.ForgetCalls()
		c = grant("CR3")
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, 1, w.effects(), w.calls())
		t.Log("eligible:", w.calls())

		require.Equal(t, []pim.EventType{
			pim.EventDecided, pim.EventGranted, pim.EventDecided, pim.EventGranted, pim.EventDecided, pim.EventGranted,
		}, w.outbox.types())
	})
}

func TestGrantIsBoundedByThePlatform(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner", `"duration":"PT2H"`))
		for _, a := range w.tenant.Assignments() {
			if a.PrincipalID == w.ada {
				require.WithinDuration(t, time.Now().Add(2*time.Hour), a.End, 5*time.Minute)
			}
		}
		time.Sleep(25 * time.Hour) // with nobody to sweep
		for _, a := range append(w.tenant.Assignments(), w.tenant.Eligibilities()...) {
			require.NotEqual(t, w.ada, a.PrincipalID)
		}
	})
}

// Faults of the services, and how often ARM then stores a request: never twice.
func TestGrantSurvivesFaults(t *testing.T) {
	put := func(f simtenant.Fault) simtenant.Fault {
		f.Method, f.Path = http.MethodPut, "ScheduleRequests"
		return f
	}
	for _, tt := range []struct {
		name   string
		faults []simtenant.Fault
	}{
		{"throttled for a second", []simtenant.Fault{put(simtenant.Fault{Status: 429, RetryAfter: time.Second})}},
		{"throttled for ten minutes", []simtenant.Fault{put(simtenant.Fault{Status: 429, RetryAfter: 10 * time.Minute, Times: 2})}},
		{"broken for a while", []simtenant.Fault{put(simtenant.Fault{Status: 503, Times: 20})}},
		{"the answer is lost", []simtenant.Fault{put(simtenant.Fault{DropAnswer: true})}},
		{"every answer is lost for a while", []simtenant.Fault{put(simtenant.Fault{DropAnswer: true, Times: 7})}},
		{"the request is lost", []simtenant.Fault{put(simtenant.Fault{DropRequest: true, Times: 5})}},
		{"slow", []simtenant.Fault{put(simtenant.Fault{Delay: 15 * time.Second, Times: 2})}},
		{"slower than we wait", []simtenant.Fault{put(simtenant.Fault{Delay: 90 * time.Second})}},
		{"reads fail", []simtenant.Fault{{Method: http.MethodGet, Status: 500, Times: 12}}},
		{"one call in three fails", []simtenant.Fault{{Path: "Microsoft.Authorization", Status: 500, Probability: 0.33, Times: simtenant.Always}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.tenant.Inject(tt.faults...)
				c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				require.Len(t, w.tenant.Requests(), 2)
			})
		})
	}
}

// What is refused without the tenant being asked, and what only the tenant can know.
func TestWhatCannotBeIsSaid(t *testing.T) {
	nobody := "00000000-0000-0000-0000-00000000dead"
	for _, tt := range []struct {
		name    string
		request func(w *world) pim.Request
		state   pim.State
		code    pim.Code
		field   string
	}{
		{"a role that does not exist", func(w *world) pim.Request { return w.ask("CR1", pim.Grant, w.sub, "Emperor") }, pim.Failed, pim.CodeNotFound, "role"},
		{"a principal that does not exist", func(w *world) pim.Request {
			r := w.ask("CR1", pim.Grant, w.sub, "Owner")
			r.Principal = nobody
			return r
		}, pim.Failed, pim.CodeNotFound, "principalId"},
		{"longer than the policy lets it be", func(w *world) pim.Request { return w.ask("CR1", pim.Grant, w.sub, "Owner", `"duration":"PT10H"`) }, pim.Refused, pim.CodeUnmet, ""},
		{"activate without an eligibility", func(w *world) pim.Request { return w.ask("CR1", pim.Activate, w.sub, "Owner") }, pim.Refused, pim.CodeUnmet, ""},
		{"extend what is not there", func(w *world) pim.Request {
			return w.ask("CR1", pim.Extend, w.sub, "Owner", `"duration":"P10D"`)
		}, pim.Failed, pim.CodeNotFound, ""},
		{"to ourselves", func(w *world) pim.Request {
			r := w.ask("CR1", pim.Grant, w.sub, "Owner")
			r.Principal = w.app
			return r
		}, pim.Refused, pim.CodeRefused, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				c := w.drive(tt.request(w))
				require.Equal(t, tt.state, c.State)
				require.Equal(t, tt.code, c.Fault.Code, "%+v", c.Fault)
				require.Equal(t, tt.field, c.Fault.Field)
				require.Zero(t, w.effects(), w.calls())
			})
		})
	}
}

func TestEffectNeedsAnAuditLine(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.audit.broken = true
		c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.Equal(t, pim.Failed, c.State)
		require.Equal(t, pim.CodeInternal, c.Fault.Code)
		require.Zero(t, w.effects())
	})
}

func TestIDNamesOneChange(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		_, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Reader"))
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err))
	})
}

func TestRefusedChangeIsDecidedAnew(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.ask("CR1", pim.Activate, w.sub, "Owner")
		require.Equal(t, pim.Refused, w.drive(r).State)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 24 * time.Hour})
		c := w.drive(r)
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, 2, c.Generation)
	})
}

func TestWhatIsYoungIsEndedOnceItMayBe(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		start := time.Now()
		w.tenant.ForgetCalls()
		c := w.drive(w.ask("CR2", pim.Deactivate, w.sub, "Owner"))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, 1, w.effects(), "PIM is not asked before it may say yes: %v", w.calls())
		require.Greater(t, time.Since(start), 3*time.Minute)
		for _, a := range w.tenant.Assignments() {
			require.NotEqual(t, w.ada, a.PrincipalID)
		}
		c = w.drive(w.ask("CR3", pim.Deactivate, w.sub, "Owner"))
		require.True(t, c.Result.Already)
	})
}

// A decision does not outlive the rules that made it: what waits is decided anew.
func TestRulesThatChangeMeanwhileCount(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Status: 429, RetryAfter: 20 * time.Minute})
		c, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.NoError(t, err)
		_, err = w.engine.Drive(t.Context(), key, c.ID(), time.Now().Add(time.Minute))
		require.NoError(t, err)
		w.rules("version: 1\nrules: []\n")
		time.Sleep(30 * time.Minute)
		require.NotEqual(t, pim.Done, w.finish("CR1").State)
		require.Empty(t, w.tenant.Requests())
	})
}

// One setting stops everything, also what was decided before.
func TestStoppedMeansStopped(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		c, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.NoError(t, err)
		c, err = w.engine.Advance(t.Context(), key, c.ID())
		require.NoError(t, err)
		require.Equal(t, pim.StepLook, c.Step)
		w.engine.Guard.Stopped = true
		c = w.finish("CR1")
		require.Equal(t, pim.Refused, c.State)
		require.Equal(t, pim.Stopped, c.Fault.Reasons[0].Code)
		require.Equal(t, pim.Refused, w.drive(w.ask("CR2", pim.Deactivate, w.sub, "Owner")).State)
		require.Zero(t, w.effects())
	})
}

// The ids of the sweep's changes can be foretold: whoever took one would stand in its
// way.
func TestNobodyElseAsksUnderTheIdsOfTheSweep(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		for _, caller := range []pim.Caller{key, {Kind: pim.CallerKey, ID: "sweep"}, {Kind: pim.CallerQueue, ID: "pim-requests"}, {Kind: pim.CallerUser, ID: w.ada}, {}} {
			for _, id := range []string{"sweep-", "sweep-20261130-0123456789abcdef0123", "Sweep-20261130-0123456789abcdef0123"} {
				_, err := w.engine.Start(t.Context(), caller, w.ask(id, pim.Grant, w.sub, "Reader"))
				require.Equal(t, pim.CodeInvalid, pim.CodeOf(err), "%s %s", caller, id)
				_, err = w.ledger.Load(t.Context(), id)
				require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
			}
		}
		_, err := w.engine.Start(t.Context(), pim.Caller{Kind: pim.CallerSystem, ID: "sweep"}, w.ask("sweep-1", pim.Deactivate, w.sub, "Reader"))
		require.NoError(t, err)
		_, err = w.engine.Start(t.Context(), key, w.ask("sweeper", pim.Grant, w.sub, "Reader"))
		require.NoError(t, err)
	})
}

// An id belongs to who asks for what may be: what came to nothing does not keep it
// from others.
func TestARefusedChangeKeepsItsIdFromNobody(t *testing.T) {
	crm := pim.Caller{Kind: pim.CallerKey, ID: "crm"}
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(`
version: 1
keys: [{name: crm, sha256: 9827e30520c05404ce36638fcc633bdb7b7d551e7dc68b8ddb828670a35480aa}]
rules:
  - name: crm
    effect: allow
    actions: [grant]
    callers: [{keys: [crm]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [` + w.sub + `]
    roles: [Reader, Contributor]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT4H
    waives: [mfa]
`)
		squat := w.drive(w.ask("CR1", pim.Grant, w.rg, "Reader")) // by a nameless key
		require.Equal(t, pim.Refused, squat.State)
		_, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Contributor"))
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err), "the same caller")
		_, err = w.engine.Start(t.Context(), pim.Caller{Kind: pim.CallerKey, ID: "erp"}, w.ask("CR1", pim.Grant, w.sub, "Contributor"))
		require.Equal(t, pim.CodeRefused, pim.CodeOf(err), "another whom no rule knows")
		_, err = w.engine.Start(t.Context(), crm, w.ask("CR1", pim.Grant, w.sub, "Contributor", `"duration":"PT9H"`))
		require.Equal(t, pim.CodeUnmet, pim.CodeOf(err), "what is refused itself takes nothing over, and hears why")

		time.Sleep(time.Hour)
		c, err := w.engine.Start(t.Context(), crm, w.ask("CR1", pim.Grant, w.sub, "Contributor"))
		require.NoError(t, err)
		require.Equal(t, 2, c.Generation)
		require.Equal(t, crm, c.Caller)
		require.WithinDuration(t, time.Now(), c.Created, time.Second)
		c = w.finish("CR1")
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, []pim.EventType{pim.EventRefused, pim.EventDecided, pim.EventGranted}, w.outbox.types())

		// Now it names a change that stands, and nobody takes that over.
		_, err = w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.rg, "Reader"))
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err))
	})
}

// A change that was allowed keeps its id, however it ended.
func TestAChangeThatWasAllowedKeepsItsId(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(openRules + "    approval: {group: 51f0e2aa-7f3f-4d55-8f5e-2a6b0f0c9d77}\n")
		require.Equal(t, pim.AwaitingApproval, w.drive(w.ask("CR1", pim.Grant, w.sub, "Reader")).State)
		time.Sleep(25 * time.Hour)
		require.Equal(t, pim.Refused, w.finish("CR1").State, "nobody has approved")
		_, err := w.engine.Start(t.Context(), pim.Caller{Kind: pim.CallerUser, ID: w.ada}, w.ask("CR1", pim.Grant, w.sub, "Contributor"))
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err))
	})

	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Path: "ScheduleRequests", Status: 400, Code: "ResourceIsLocked", Times: 5})
		c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Reader"))
		require.Equal(t, pim.Failed, c.State)
		_, err := w.engine.Start(t.Context(), pim.Caller{Kind: pim.CallerUser, ID: w.ada}, w.ask("CR1", pim.Grant, w.sub, "Contributor"))
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err))
	})
}
