package pim_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
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
