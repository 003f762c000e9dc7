package amqpbroker_test

import (
	"context"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
)

func ofSession(id, body string) *azservicebus.Message {
	return &azservicebus.Message{Body: []byte(body), SessionID: to.Ptr(id)}
}

func TestSessionIsLockedAsAWhole(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", ofSession("A", "a1"), ofSession("B", "b1"), ofSession("A", "a2"))
		a, err := c.AcceptSessionForQueue(t.Context(), "q", "A", nil)
		require.NoError(t, err)
		_, err = c.AcceptSessionForQueue(t.Context(), "q", "A", nil)
		require.ErrorContains(t, err, "session-cannot-be-locked")

		ms, err := a.ReceiveMessages(t.Context(), 5, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"a1", "a2"}, bodies(ms))
		<-time.After(50 * time.Second)
		require.NoError(t, a.RenewSessionLock(t.Context(), nil))
		<-time.After(50 * time.Second)
		for _, m := range ms {
			require.NoError(t, a.CompleteMessage(t.Context(), m, nil))
		}

		next, err := c.AcceptNextSessionForQueue(t.Context(), "q", nil)
		require.NoError(t, err)
		require.Equal(t, "B", next.SessionID())
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second) // B's lock holds
		defer cancel()
		_, err = c.AcceptNextSessionForQueue(ctx, "q", nil)
		requireCode(t, azservicebus.CodeTimeout, err)
	}, amqpbroker.QueueConfig{Name: "q", RequiresSession: true})
}

func TestSessionLeftBehindIsFreeAgain(t *testing.T) {
	for _, tc := range []struct {
		name     string
		leave    func(*testing.T, *azservicebus.SessionReceiver)
		delivery uint32 // that the next receiver sees
	}{
		{"by closing", func(t *testing.T, r *azservicebus.SessionReceiver) { require.NoError(t, r.Close(t.Context())) }, 1},
		{"by waiting", func(*testing.T, *azservicebus.SessionReceiver) { <-time.After(61 * time.Second) }, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
				send(t, c, "q", ofSession("A", "a1"))
				first, err := c.AcceptSessionForQueue(t.Context(), "q", "A", nil)
				require.NoError(t, err)
				_, err = first.ReceiveMessages(t.Context(), 1, nil)
				require.NoError(t, err)
				tc.leave(t, first)

				second, err := c.AcceptNextSessionForQueue(t.Context(), "q", nil)
				require.NoError(t, err)
				ms, err := second.ReceiveMessages(t.Context(), 1, nil)
				require.NoError(t, err)
				require.Equal(t, tc.delivery, ms[0].DeliveryCount)
			}, amqpbroker.QueueConfig{Name: "q", RequiresSession: true})
		})
	}
}

func TestSessionLeftBehindFreesItsOwnMessagesAlone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", ofSession("A", "a"), ofSession("B", "b"))
		take := func(id string) (*azservicebus.SessionReceiver, *azservicebus.ReceivedMessage) {
			r, err := c.AcceptSessionForQueue(t.Context(), "q", id, nil)
			require.NoError(t, err)
			ms, err := r.ReceiveMessages(t.Context(), 1, nil)
			require.NoError(t, err)
			return r, ms[0]
		}
		a, _ := take("A")
		b, m := take("B")
		require.NoError(t, a.Close(t.Context()))
		// The client says nothing of a session's lost lock, so look at the queue.
		require.NoError(t, b.CompleteMessage(t.Context(), m, nil))
		requireCounts(t, s.Broker, "q", counts{active: 1})
	}, amqpbroker.QueueConfig{Name: "q", RequiresSession: true})
}

func TestSessionKeepsItsState(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		r, err := c.AcceptSessionForQueue(t.Context(), "q", "A", nil)
		require.NoError(t, err)
		state, err := r.GetSessionState(t.Context(), nil)
		require.NoError(t, err)
		require.Nil(t, state)
		require.NoError(t, r.SetSessionState(t.Context(), []byte("here"), nil))
		require.NoError(t, r.Close(t.Context()))

		r, err = c.AcceptSessionForQueue(t.Context(), "q", "A", nil)
		require.NoError(t, err)
		state, err = r.GetSessionState(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, "here", string(state))

		page, err := c.NewListSessionsForQueuePager("q", nil).NextPage(t.Context())
		require.NoError(t, err)
		require.Equal(t, []string{"A"}, page.Sessions)
	}, amqpbroker.QueueConfig{Name: "q", RequiresSession: true})
}

func TestSessionsAreForQueuesOfSessions(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		s, err := c.NewSender("sessions", nil)
		require.NoError(t, err)
		require.ErrorContains(t, s.SendMessage(t.Context(), text("no session"), nil), "SessionId was not set")
		_, err = receiver(t, c, "sessions", nil).ReceiveMessages(t.Context(), 1, nil)
		require.ErrorContains(t, err, "amqp:not-allowed")
		_, err = c.AcceptSessionForQueue(t.Context(), "plain", "A", nil)
		require.ErrorContains(t, err, "amqp:not-allowed")
	}, amqpbroker.QueueConfig{Name: "sessions", RequiresSession: true}, amqpbroker.QueueConfig{Name: "plain"})
}
