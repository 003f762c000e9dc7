package functions_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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
			require.True(t, a.message("advance", m.ID, string(m.Body), 1))
			require.True(t, a.message("advance", m.ID, string(m.Body), 2))
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
