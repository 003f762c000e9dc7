package pim_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// What the seeded simulation found, each as short as it can be told.

func TestAnOutageUsesUpNoPatienceForReplication(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		now := w.tenant.Now()
		w.tenant.Inject(
			simtenant.Fault{Method: http.MethodPut, Status: 503, Times: simtenant.Always, Until: now.Add(15 * time.Minute)},
			simtenant.Fault{Method: http.MethodPut, Status: 400, Code: "RoleAssignmentExists", Times: simtenant.Always, Until: now.Add(20 * time.Minute)},
		)
		c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
	})
}

func TestARequestThatHangsInPIMIsGivenUp(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Stall(w.ada)
		c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.Equal(t, pim.Failed, c.State)
		require.Equal(t, pim.CodeBusy, c.Fault.Code)
		require.Equal(t, "Granted", c.Fault.PIMCode)
	})
}

func TestAMessageBeginsOneRunHoweverOftenItComes(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.ask("CR1", pim.Activate, w.sub, "Owner") // refused: nobody is eligible
		for _, tt := range []struct {
			name, message string
			run           int
		}{
			{"the first message", "1", 1},
			{"the same again", "1", 1},
			{"another one", "2", 2},
			{"the first once more", "1", 2},
			{"no message at all", "", 3},
		} {
			c, err := w.engine.Start(t.Context(), pim.Caller{Kind: pim.CallerQueue, ID: "pim-requests", Message: tt.message}, r)
			require.NoError(t, err)
			c = w.finish(c.ID())
			require.Equal(t, pim.Refused, c.State)
			require.Equal(t, tt.run, c.Generation, tt.name)
		}
	})
}

// overtaken is a ledger in which others are faster, once.
type overtaken struct {
	pim.Ledger
	by func()
}

func (l *overtaken) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	if by := l.by; by != nil {
		l.by = nil
		by()
	}
	return l.Ledger.Save(ctx, c)
}

func TestWhoAsksAnewIsHeardThoughOutcomesAreSentMeanwhile(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.ask("CR1", pim.Activate, w.sub, "Owner")
		w.drive(r)
		w.engine.Ledger = &overtaken{w.ledger, func() {
			c, err := w.ledger.Load(t.Context(), "CR1")
			require.NoError(t, err)
			_, err = w.ledger.Save(t.Context(), c)
			require.NoError(t, err)
		}}
		c, err := w.engine.Start(t.Context(), key, r)
		require.NoError(t, err)
		require.Equal(t, 2, c.Generation)
		require.Equal(t, pim.Pending, c.State)
	})
}

const rulesWithApproval = `
version: 1
rules:
  - name: by two
    effect: allow
    actions: [grant]
    callers: [{anyKey: true}]
    principals: [{any: true}]
    planes: [azure]
    scopes: ["/"]
    roles: [Owner]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
    approval: {group: 51f0e2aa-7f3f-4d55-8f5e-2a6b0f0c9d77, within: PT4H}
    waives: [mfa]
`

// mute is an outbox that tells nothing.
type mute struct{ *outbox }

func (mute) Publish(context.Context, ...pim.Event) error {
	return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater}
}

func TestADecisionTakenAnewIsToldOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(rulesWithApproval)
		w.engine.Outbox = mute{w.outbox} // what would be sent stays in the journal
		w.tenant.AddGroup(simtenant.Group{ID: "51f0e2aa-7f3f-4d55-8f5e-2a6b0f0c9d77", Name: "approvers", Members: []string{w.carl}})
		c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.Equal(t, pim.AwaitingApproval, c.State, "%+v", c.Fault)
		_, err := w.engine.Vote(t.Context(), pim.Caller{Kind: pim.CallerUser, ID: w.carl}, "CR1", pim.Ballot{Digest: c.Seal(), Approve: true})
		require.NoError(t, err)
		w.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Status: 503, Times: simtenant.Always, Until: w.tenant.Now().Add(30 * time.Minute)})
		c = w.finish("CR1")
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Greater(t, len(decisions(w)), 2)
		var told []pim.EventType
		for _, e := range c.Outbox {
			told = append(told, e.Type)
		}
		require.Equal(t, []pim.EventType{pim.EventApproval, pim.EventDecided, pim.EventGranted}, told)
	})
}

func decisions(w *world) (out []pim.Record) {
	for _, r := range w.audit.records {
		if r.What == pim.AuditDecision {
			out = append(out, r)
		}
	}
	return out
}

// stopped is a way to the tenant on which the whole process stands still before its
// first write.
type stopped struct {
	policy.Transporter
	d time.Duration
}

func (s *stopped) Do(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut && s.d > 0 {
		time.Sleep(s.d)
		s.d = 0
	}
	return s.Transporter.Do(r)
}

func TestWhoHasLostTheLeaseAsksNoMore(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		client, err := pim.NewClient(w.tenant.Credential(w.app), &pim.ClientOptions{ClientOptions: azcore.ClientOptions{
			Transport: &stopped{w.tenant.Transport(), pim.DefaultLease + time.Second},
		}})
		require.NoError(t, err)
		w.engine.Client = client
		_, err = w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.NoError(t, err)
		for range 2 { // decide; look, and ask
			_, err = w.engine.Advance(t.Context(), key, "CR1")
			require.NoError(t, err)
		}
		require.Zero(t, w.effects(), w.calls())
		require.Equal(t, pim.Done, w.finish("CR1").State)
		require.Len(t, w.tenant.Requests(), 2)
	})
}

func TestWhatPIMHasIsNotAskedForAnewAfterADecisionTakenAnew(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		_, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.NoError(t, err)
		advance := func(after time.Duration) {
			time.Sleep(after)
			_, err := w.engine.Advance(t.Context(), key, "CR1")
			require.NoError(t, err)
		}
		advance(0)                              // decided
		advance(9*time.Minute + 30*time.Second) // two effects are missing: the first is asked for, and lists do not show it yet
		require.Equal(t, 1, w.effects(), w.calls())
		advance(31 * time.Second)
		require.Len(t, decisions(w), 2)
		require.Equal(t, pim.Done, w.finish("CR1").State)
		require.Equal(t, 1, w.tenant.Count(http.MethodPut, "roleEligibilityScheduleRequests"))
	})
}

// keyed is an outbox that drops ids it has seen, as the queue does for ten minutes, and
// delivers the rest when they are due.
type keyed struct {
	*outbox
	seen map[string]bool
	wait []pim.Continuation
}

func (o *keyed) Continue(_ context.Context, cs ...pim.Continuation) error {
	for _, c := range cs {
		if !o.seen[c.Key()] {
			o.seen[c.Key()] = true
			o.wait = append(o.wait, c)
		}
	}
	return nil
}

// settle delivers continuations until none is left, each of them twice, and with no
// timer that looks after what stands still.
func (o *keyed) settle(t *testing.T, e *pim.Engine) {
	for len(o.wait) > 0 {
		c := o.wait[0]
		o.wait = o.wait[1:]
		time.Sleep(c.After)
		for range 2 {
			_, err := e.Drive(t.Context(), key, c.Change, time.Now().Add(10*time.Second))
			require.NoError(t, err)
		}
	}
}

func TestNoContinuationIsTakenForAnother(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(w *world)
	}{
		{"each of two effects is put off once", func(w *world) {
			for range 2 {
				w.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Path: "Eligibility", Status: 429, RetryAfter: 70 * time.Second},
					simtenant.Fault{Method: http.MethodPut, Path: "roleAssignment", Status: 429, RetryAfter: 70 * time.Second})
			}
		}},
		{"somebody approves what was queued a minute ago", func(w *world) {
			w.rules(rulesWithApproval)
			w.tenant.AddGroup(simtenant.Group{ID: "51f0e2aa-7f3f-4d55-8f5e-2a6b0f0c9d77", Name: "approvers", Members: []string{w.carl}})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				o := &keyed{outbox: w.outbox, seen: map[string]bool{}}
				w.engine.Outbox = o
				tt.do(w)
				c, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Owner"))
				require.NoError(t, err)
				require.NoError(t, w.engine.Queue(t.Context(), c))
				o.settle(t, w.engine)
				if c, err = w.ledger.Load(t.Context(), "CR1"); c.State == pim.AwaitingApproval {
					time.Sleep(time.Minute)
					c, err = w.engine.Vote(t.Context(), pim.Caller{Kind: pim.CallerUser, ID: w.carl}, "CR1", pim.Ballot{Digest: c.Seal(), Approve: true})
					require.NoError(t, err)
					require.NoError(t, w.engine.Queue(t.Context(), c))
					o.settle(t, w.engine)
					c, err = w.ledger.Load(t.Context(), "CR1")
				}
				require.NoError(t, err)
				require.Equal(t, pim.Done, c.State, "it is left to the timer: %+v", c)
			})
		})
	}
}

// Whoever takes over from the dead waits for the lease, though the dead one may have
// sent the very cursor.
func TestWhoeverFollowsTheDeadIsNotTakenForHim(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		o := &keyed{outbox: w.outbox, seen: map[string]bool{}}
		w.engine.Outbox = o
		c, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.NoError(t, err)
		require.NoError(t, w.engine.Queue(t.Context(), c))
		first := o.wait[0]
		doomed := w.newEngine()
		doomed.Rules, doomed.Ledger, doomed.Outbox = w.engine.Rules, &mortal{w.ledger, 2, true}, o
		_, err = doomed.Drive(t.Context(), key, "CR1", time.Now().Add(10*time.Second))
		require.Error(t, err, "it dies behind an announcement")
		require.Equal(t, []pim.Continuation{first}, o.wait, "and the message comes again")
		o.settle(t, w.engine)
		c, err = w.ledger.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, pim.Done, c.State, "%+v", c)
	})
}

// The journal has forgotten the id, PIM has not: what it granted then is over.
func TestAnIDThatTheJournalForgotIsAnotherChange(t *testing.T) {
	for _, plane := range []string{"azure", "group"} {
		t.Run(plane, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				r := w.ask("CR1", pim.Grant, w.sub, "Owner")
				if plane == "group" {
					r = w.ask("CR1", pim.Grant, w.group, "member")
				}
				require.Equal(t, pim.Done, w.drive(r).State)
				time.Sleep(72 * time.Hour)
				w.ledger = ledger.NewMemory()
				w.engine.Ledger = w.ledger
				c := w.drive(r)
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				require.True(t, c.Result.Confirmed, "%+v", c.Result)
				require.Len(t, w.tenant.Requests(), 4)
			})
		})
	}
}

// late is a sink that is out of reach until a time.
type late struct {
	pim.Sink
	until time.Time
}

func (s late) Write(ctx context.Context, r pim.Record) error {
	if time.Now().Before(s.until) {
		return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the audit log could not be reached in time"}
	}
	return s.Sink.Write(ctx, r)
}

func TestNothingIsDoneWhileTheAuditLogIsAwayAndAllOfItAfterwards(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Audit = late{w.audit, time.Now().Add(20 * time.Minute)}
		began := time.Now()
		c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.GreaterOrEqual(t, time.Since(began), 20*time.Minute)
		require.Len(t, w.tenant.Requests(), 2)
	})
}

// hanging is an outbox on which nothing moves.
type hanging struct{ asked int }

func (h *hanging) hang(ctx context.Context) error {
	h.asked++
	<-ctx.Done()
	return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater, Err: ctx.Err()}
}
func (h *hanging) Continue(ctx context.Context, _ ...pim.Continuation) error { return h.hang(ctx) }
func (h *hanging) Publish(ctx context.Context, _ ...pim.Event) error         { return h.hang(ctx) }

func TestResumptionGivesUpOnQueuesOutOfReach(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Outbox = nil
		for i := range 250 {
			_, err := w.engine.Start(t.Context(), key, w.ask(fmt.Sprint("CR", i), pim.Grant, w.sub, "Owner"))
			require.NoError(t, err)
		}
		time.Sleep(time.Hour)
		h := &hanging{}
		w.engine.Outbox = h
		began := time.Now()
		done, err := w.engine.Resume(t.Context(), time.Now().Add(time.Minute))
		require.Error(t, err)
		require.Zero(t, done.Carried)
		require.Equal(t, 1, h.asked)
		require.Less(t, time.Since(began), time.Minute)

		w.engine.Outbox = w.outbox
		done, err = w.engine.Resume(t.Context(), time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Equal(t, 250, done.Carried)
		require.Len(t, w.outbox.conts, 250)
	})
}

// crossed is an outbox that cannot be reached at first.
type crossed struct {
	*outbox
	from time.Time
}

func (o crossed) Publish(ctx context.Context, events ...pim.Event) error {
	if time.Now().Before(o.from) {
		return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater}
	}
	return o.outbox.Publish(ctx, events...)
}

// Whoever meets a change in another's hands tells what waits to be told, and leaves the
// journal to him: he must be able to write what came of his effect.
func TestTellingTakesNothingOutOfAnothersHands(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Outbox = crossed{w.outbox, time.Now().Add(5 * time.Second)}
		w.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Delay: 15 * time.Second})
		began := time.Now()
		_, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.NoError(t, err)
		other := make(chan error)
		go func() {
			time.Sleep(10 * time.Second)
			_, err := w.engine.Drive(t.Context(), key, "CR1", time.Now())
			other <- err
		}()
		c, err := w.engine.Drive(t.Context(), key, "CR1", time.Now().Add(25*time.Second))
		require.NoError(t, err)
		require.NoError(t, <-other)
		require.Equal(t, pim.Done, w.finish("CR1").State, "%+v", c)
		require.Less(t, time.Since(began), pim.DefaultLease, "nobody waited for a lease")
	})
}

// Where nobody is told of anything, nothing waits to be told, and what ended is forgotten.
func TestWithoutQueuesTheJournalForgetsAllTheSame(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.engine.Outbox = nil
		c := w.drive(w.ask("CR1", pim.Grant, w.sub, "Owner"))
		require.Empty(t, c.Outbox)
		time.Sleep(48 * time.Hour)
		_, err := w.engine.Remind(t.Context())
		require.NoError(t, err)
		time.Sleep(48 * time.Hour)
		n, err := w.ledger.Prune(t.Context(), time.Now().Add(-time.Hour))
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// Reading by POST takes no place of those who write.
func TestMembershipIsReadWhileMuchIsWritten(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Inject(simtenant.Fault{Path: "privilegedAccess/group", Method: http.MethodPost, Delay: 50 * time.Second, Times: simtenant.Always})
		var all sync.WaitGroup
		for i := range 8 {
			r := w.ask(fmt.Sprint("CR", i), pim.Grant, w.group, "member")
			r.Principal = w.tenant.AddUser(simtenant.User{Name: fmt.Sprint("user ", i)})
			all.Go(func() { w.drive(r) })
		}
		time.Sleep(10 * time.Second)
		began := time.Now()
		_, err := w.engine.Client.MemberOf(t.Context(), w.ada, []string{w.group})
		require.NoError(t, err)
		require.Less(t, time.Since(began), time.Second)
		all.Wait()
	})
}
