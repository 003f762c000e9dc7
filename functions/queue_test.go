package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim"
)

func (a *app) request(id string) string {
	return fmt.Sprintf(`{"id":%q,"action":"grant","scope":%q,"role":"Owner","principalId":%q,"justification":"because"}`, id, a.sub, a.ada)
}

func TestMessageTwiceAsksOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		for delivery := range 3 {
			require.True(t, a.message("requests", "m-1", a.request("CR1"), delivery+1))
		}
		a.settle()
		require.Len(t, a.tenant.Requests(), 2)
		require.Equal(t, []string{"CR1 change.decided", "CR1 change.granted"}, a.queues.outcomes(t))
	})
}

func TestContinuationTwiceAsksOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		require.True(t, a.message("requests", "m-1", a.request("CR1"), 1))
		for {
			m, ok := a.queues.take("pim-changes")
			if !ok {
				break
			}
			time.Sleep(time.Until(m.due))
			require.True(t, a.deliver("advance", m, 1))
			require.True(t, a.deliver("advance", m, 2))
		}
		require.Len(t, a.tenant.Requests(), 2)
	})
}

// What is not a change request is told once, and done with: no poison, no busy loop.
func TestMessageThatIsNoRequestIsToldAndDone(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":          ``,
		"not JSON":         `hello`,
		"no request":       `{}`,
		"no id":            `{"action":"grant","scope":"/subscriptions/00000000-0000-0000-0000-000000000001","role":"Owner","principalId":"00000000-0000-0000-0000-000000000001"}`,
		"forged metadata":  `{"MessageId":"forged","DeliveryCount":99,"sys":{"MethodName":"forged"},"ApplicationProperties":{"caller":"admin"}}`,
		"an empty bulk":    `{"changes":[]}`,
		"another's caller": `{"id":"CR1","caller":"user:admin","action":"grant"}`,
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newApp(t, rules)
				start := time.Now()
				require.True(t, a.message("requests", "m-7", body, 1))
				require.Zero(t, time.Since(start))
				require.Equal(t, []string{"m-7 change.invalid"}, a.queues.outcomes(t))
				require.Empty(t, a.tenant.Calls())
			})
		})
	}
}

// What is too large comes without its id: the invocation names it in what is told.
func TestMessageThatIsTooLargeIsToldAndDone(t *testing.T) {
	for _, function := range []string{"requests", "advance"} {
		inTime(t, func(t *testing.T) {
			a := newApp(t, rules)
			start := time.Now()
			require.True(t, a.message(function, "m-7", strings.Repeat("x", 4<<20), 1))
			require.Zero(t, time.Since(start))
			require.Equal(t, []string{"11111111-2222-3333-4444-555555555555 change.invalid"}, a.queues.outcomes(t))
			require.Empty(t, a.tenant.Calls())
			if function == "requests" {
				m, _ := a.queues.take(functions.OutcomesQueue)
				require.Contains(t, string(m.Body), "the message is too large")
			}
		})
	}
}

func TestRefusedMessageIsDone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, "version: 1\nrules: []\n")
		require.True(t, a.message("requests", "m-1", a.request("CR1"), 1))
		require.Equal(t, []string{"CR1 change.refused"}, a.queues.outcomes(t))
		require.Zero(t, a.effects())
	})
}

// Where nothing can be said and nothing be carried on, the message comes again: each
// time later.
func TestFailureIsHeldBackLongerWithEachDelivery(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		a.queues.down = true
		last := time.Duration(0)
		for delivery := 1; delivery <= 6; delivery++ {
			start := time.Now()
			require.False(t, a.message("requests", "m-1", `{}`, delivery))
			require.Greater(t, time.Since(start), last)
			last = time.Since(start)
		}
	})
}

// away is a ledger that cannot be reached, or lets nobody in.
type away struct {
	pim.Ledger
	err error
}

func (l *away) Load(ctx context.Context, id string) (pim.Change, error) {
	if l.err != nil {
		return pim.Change{}, l.err
	}
	return l.Ledger.Load(ctx, id)
}

func (l *away) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	if l.err != nil {
		return c, l.err
	}
	return l.Ledger.Save(ctx, c)
}

// Later is a message of ours, not a failed delivery, whatever the journal's trouble is;
// and no trouble of the journal makes a request invalid.
func TestMessageComesAgainLaterWhileTheJournalIsAway(t *testing.T) {
	for name, err := range map[string]error{
		"unreachable": &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater},
		"no right":    &pim.Error{Code: pim.CodeDenied, Retry: pim.RetryLater},
		"no table":    &pim.Error{Code: pim.CodeInternal},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newApp(t, rules)
				journal := &away{a.app.Engine.Ledger, err}
				a.app.Engine.Ledger = journal
				start := time.Now()
				for delivery := range 2 {
					require.True(t, a.message("requests", "m-1", a.request("CR1"), delivery+1))
				}
				require.Zero(t, time.Since(start), "no instance is held")
				require.Empty(t, a.queues.outcomes(t))
				for attempt := 1; attempt <= 5; attempt++ {
					m, ok := a.queues.take(functions.RequestsQueue)
					require.True(t, ok, "attempt %d", attempt)
					require.Greater(t, time.Until(m.due), 4*time.Second)
					_, more := a.queues.take(functions.RequestsQueue)
					require.False(t, more, "two deliveries, one message")
					time.Sleep(time.Until(m.due))
					if attempt == 5 {
						journal.err = nil
					}
					require.True(t, a.deliver("requests", m, 1))
				}
				a.settle()
				require.Equal(t, []string{"CR1 change.decided", "CR1 change.granted"}, a.queues.outcomes(t))
				require.Len(t, a.tenant.Requests(), 2)
			})
		})
	}
}

func TestContinuationComesAgainLaterWhileTheJournalIsAway(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		require.Equal(t, http.StatusAccepted, a.call(http.MethodPost, "/api/changes", a.request("CR1"), "Prefer", "respond-async").Code)
		journal := &away{a.app.Engine.Ledger, &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater}}
		a.app.Engine.Ledger = journal
		m, ok := a.queues.take(functions.ChangesQueue)
		require.True(t, ok)
		require.True(t, a.deliver("advance", m, 1))
		journal.err = nil
		a.settle()
		require.Equal(t, []string{"CR1 change.decided", "CR1 change.granted"}, a.queues.outcomes(t))
	})
}

// A message that we sent again is the one that came first: it begins no run that the
// first did not.
func TestMessageThatWeSentAgainBeginsNoOtherRun(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, "version: 1\nrules: []\n")
		first := queued{QueueMessage: functions.QueueMessage{ID: "m-1", Body: []byte(a.request("CR1"))}, sequence: 7}
		require.True(t, a.deliver("requests", first, 1))
		again := first
		again.ID, again.sequence = "later/7/1", 8
		again.Properties = map[string]any{"pim-message": "m-1", "pim-sequence": "7", "pim-attempt": "1"}
		require.True(t, a.deliver("requests", again, 1))
		require.Equal(t, []string{"CR1 change.refused"}, a.queues.outcomes(t))
		another := first
		another.sequence = 9
		require.True(t, a.deliver("requests", another, 1))
		require.Equal(t, []string{"CR1 change.refused", "CR1 change.refused"}, a.queues.outcomes(t), "whoever sends it anew is heard")
	})
}

// digests stand in the ids of what is told of misfits.
var digests = regexp.MustCompile(`/[0-9a-f]{16}`)

// What is wrong is told of each element of each message, whatever ids the senders chose.
func TestEachMisfitIsToldOfByItsPlace(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		many := `{"changes":[` + a.request("CR1") + `,{"id":"CR2","action":"dance"},7,` + a.request("CR3") + `]}`
		for n, m := range []queued{
			{QueueMessage: functions.QueueMessage{ID: "m", Body: []byte(many)}, sequence: 1},
			{QueueMessage: functions.QueueMessage{ID: "m", Body: []byte(`{}`)}, sequence: 2},
			{QueueMessage: functions.QueueMessage{Body: []byte(`{}`)}, sequence: 3},
			{QueueMessage: functions.QueueMessage{Body: []byte(`{}`)}, sequence: 4},
		} {
			require.True(t, a.deliver("requests", m, 1), n)
		}
		require.True(t, a.deliver("advance", queued{QueueMessage: functions.QueueMessage{ID: "m", Body: []byte(`{}`)}, sequence: 1}, 1))
		var told []string
		for _, m := range a.queues.held[functions.OutcomesQueue] {
			var e pim.Event
			require.NoError(t, json.Unmarshal(m.Body, &e))
			require.Equal(t, pim.EventInvalid, e.Type)
			told = append(told, digests.ReplaceAllString(m.ID, "")+" "+e.Subject+" "+e.Data.ID+" "+e.Data.Fault.Field)
		}
		require.ElementsMatch(t, []string{
			"pim-requests/1/2 m CR2 changes[1].scope",
			"pim-requests/1/3 m m changes[2]",
			"pim-requests/2 m m scope",
			"pim-requests/3   scope",
			"pim-requests/4   scope",
			"pim-changes/1 m m ",
		}, told)
		a.settle()
		for _, id := range []string{"CR1", "CR3"} {
			require.Contains(t, a.queues.outcomes(t), id+" change.granted", "the others are done")
		}
	})
}

// Whoever may send may forge by what number a message is known: it names no message of
// anybody else's.
func TestForgedNumberNamesNoOthersMessage(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		journal := &away{a.app.Engine.Ledger, &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater}}
		a.app.Engine.Ledger = journal
		forged := map[string]any{"pim-message": "m", "pim-sequence": "8", "pim-attempt": "1"}
		victim := queued{QueueMessage: functions.QueueMessage{ID: "v", Body: []byte(a.request("CR1"))}, sequence: 8}
		require.True(t, a.deliver("requests", queued{QueueMessage: functions.QueueMessage{ID: "f", Body: []byte(a.request("CR9")), Properties: forged}, sequence: 9}, 1))
		require.True(t, a.deliver("requests", victim, 1))
		for range 6 {
			m, ok := a.queues.take(functions.RequestsQueue)
			require.True(t, ok)
			time.Sleep(time.Until(m.due))
			require.True(t, a.deliver("requests", m, 1))
		}
		journal.err = nil
		for {
			m, ok := a.queues.take(functions.RequestsQueue)
			if !ok {
				break
			}
			time.Sleep(time.Until(m.due))
			require.True(t, a.deliver("requests", m, 1))
		}
		a.settle()
		require.Contains(t, a.queues.outcomes(t), "CR1 change.granted")

		bad := func(body string, sequence int, p map[string]any) queued {
			return queued{QueueMessage: functions.QueueMessage{ID: "b", Body: []byte(body), Properties: p}, sequence: sequence}
		}
		before := len(a.queues.outcomes(t))
		require.True(t, a.deliver("requests", bad(`{}`, 11, map[string]any{"pim-message": "b", "pim-sequence": "12", "pim-attempt": "1"}), 1))
		require.True(t, a.deliver("requests", bad(`{"id":"CR7"}`, 12, nil), 1))
		require.Len(t, a.queues.outcomes(t), before+2)
	})
}

// One that must come again keeps none of the others back.
func TestWhatMustComeAgainKeepsNoneOfABulkBack(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		a.app.Engine.Ledger = unreadable{a.app.Engine.Ledger}
		require.True(t, a.message("requests", "m-1", a.bulk(a.request("CR1"), a.request("BAD"), a.request("CR3")), 1))
		a.settle()
		for _, id := range []string{"CR1", "CR3"} {
			require.Contains(t, a.queues.outcomes(t), id+" change.granted")
		}
		_, again := a.queues.take(functions.RequestsQueue)
		require.True(t, again, "and it comes again")
	})
}

// unreadable is a ledger that holds an entry which cannot be read.
type unreadable struct{ pim.Ledger }

func (l unreadable) Load(ctx context.Context, id string) (pim.Change, error) {
	if id == "BAD" {
		return pim.Change{}, &pim.Error{Code: pim.CodeInternal, Detail: "the ledger's entry BAD cannot be read"}
	}
	return l.Ledger.Load(ctx, id)
}

// The resume timer tells of what ends soon.
func TestResumeTimerTellsOfWhatEndsSoon(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		require.True(t, a.message("requests", "m-1", a.request("CR1"), 1)) // for an hour
		a.settle()
		time.Sleep(50 * time.Minute)
		rec := a.call(http.MethodPost, "/resume", `{"Data":{"timer":{"IsPastDue":false}},"Metadata":{}}`, "x-functions-key", "")
		require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
		require.Contains(t, a.queues.outcomes(t), "CR1 access.expiringSoon")
	})
}
