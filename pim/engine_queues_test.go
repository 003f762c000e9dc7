package pim_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

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
