package amqpbroker_test

import (
	"context"
	"log"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
)

// inVirtualTime runs f in a bubble where the real client reaches a broker that
// has the given queues, so that locks and schedules take no time.
func inVirtualTime(t *testing.T, f func(*testing.T, *amqpbroker.Server, *azservicebus.Client), queues ...amqpbroker.QueueConfig) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &amqpbroker.Server{Broker: amqpbroker.NewBroker(queues...), Log: log.New(t.Output(), "broker: ", 0)}
		defer s.Close()
		c := dial(t, s)
		defer func() { _ = c.Close(context.Background()) }()
		f(t, s, c)
	})
}

// dial returns a client connected within the process.
func dial(t *testing.T, s *amqpbroker.Server) *azservicebus.Client {
	t.Helper()
	c, err := azservicebus.NewClientFromConnectionString(
		amqpbroker.ConnectionString(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5672}),
		&azservicebus.ClientOptions{NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
			return s.Dial(ctx)
		}})
	require.NoError(t, err)
	return c
}

func send(t *testing.T, c *azservicebus.Client, queue string, messages ...*azservicebus.Message) {
	t.Helper()
	s, err := c.NewSender(queue, nil)
	require.NoError(t, err)
	for _, m := range messages {
		require.NoError(t, s.SendMessage(t.Context(), m, nil))
	}
	require.NoError(t, s.Close(t.Context()))
}

func text(body string) *azservicebus.Message { return &azservicebus.Message{Body: []byte(body)} }

func receiver(t *testing.T, c *azservicebus.Client, queue string, o *azservicebus.ReceiverOptions) *azservicebus.Receiver {
	t.Helper()
	r, err := c.NewReceiverForQueue(queue, o)
	require.NoError(t, err)
	return r
}

// receive waits for n messages.
func receive(t *testing.T, r *azservicebus.Receiver, n int) []*azservicebus.ReceivedMessage {
	t.Helper()
	var out []*azservicebus.ReceivedMessage
	for len(out) < n {
		ms, err := r.ReceiveMessages(t.Context(), n-len(out), nil)
		require.NoError(t, err)
		out = append(out, ms...)
	}
	return out
}

// nothing asserts that no message comes within a minute.
func nothing(t *testing.T, r *azservicebus.Receiver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := r.ReceiveMessages(ctx, 1, nil)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func bodies(ms []*azservicebus.ReceivedMessage) []string {
	var out []string
	for _, m := range ms {
		out = append(out, string(m.Body))
	}
	return out
}

func requireCode(t *testing.T, want azservicebus.Code, err error) {
	t.Helper()
	var e *azservicebus.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Code)
}

type counts struct{ active, scheduled, deferred, dead int }

func requireCounts(t *testing.T, b *amqpbroker.Broker, queue string, want counts) {
	t.Helper()
	a, s, d, dead := b.Counts(queue)
	require.Equal(t, want, counts{a, s, d, dead})
}

var deadLetters = &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter}

func TestMessageArrivesAsItWasSent(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", &azservicebus.Message{
			Body: []byte("hello"), MessageID: to.Ptr("m1"), CorrelationID: to.Ptr("c1"), Subject: to.Ptr("s"),
			ContentType:           to.Ptr("application/json"),
			ApplicationProperties: map[string]any{"a": int64(7), "b": "x", "t": true},
		})
		r := receiver(t, c, "Q", nil) // names ignore case
		m := receive(t, r, 1)[0]
		require.Equal(t, "hello", string(m.Body))
		require.Equal(t, "m1", m.MessageID)
		require.Equal(t, "c1", *m.CorrelationID)
		require.Equal(t, "s", *m.Subject)
		require.Equal(t, "application/json", *m.ContentType)
		require.Equal(t, map[string]any{"a": int64(7), "b": "x", "t": true}, m.ApplicationProperties)
		require.EqualValues(t, 1, m.DeliveryCount)
		require.EqualValues(t, 1, *m.SequenceNumber)
		require.WithinDuration(t, time.Now(), *m.EnqueuedTime, time.Second)
		require.WithinDuration(t, time.Now().Add(time.Minute), *m.LockedUntil, time.Second)

		requireCounts(t, s.Broker, "q", counts{active: 1})
		require.NoError(t, r.CompleteMessage(t.Context(), m, nil))
		requireCounts(t, s.Broker, "q", counts{})
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestReceiveAndDeleteLeavesNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("a"), text("b"))
		r := receiver(t, c, "q", &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
		require.Equal(t, []string{"a", "b"}, bodies(receive(t, r, 2)))
		requireCounts(t, s.Broker, "q", counts{})
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestPeekingShowsLockedMessagesWithoutTheirLocks(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("a"), text("b"), text("c"))
		r := receiver(t, c, "q", nil)
		locked := receive(t, r, 1)[0]
		peeked, err := r.PeekMessages(t.Context(), 2, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"a", "b"}, bodies(peeked))
		require.Nil(t, peeked[0].LockedUntil)
		require.Zero(t, peeked[0].LockToken)
		peeked, err = r.PeekMessages(t.Context(), 2, nil) // goes on where it was
		require.NoError(t, err)
		require.Equal(t, []string{"c"}, bodies(peeked))
		require.NoError(t, r.CompleteMessage(t.Context(), locked, nil))
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestMessageIsSettledByItsTokenFromAnyLink(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("a"), text("b"), text("c"), text("d"))
		r := receiver(t, c, "q", nil)
		ms := receive(t, r, 4)
		require.NoError(t, r.Close(t.Context()))
		other := receiver(t, c, "q", nil)
		token := func(i int) *azservicebus.ReceivedMessage {
			return &azservicebus.ReceivedMessage{LockToken: ms[i].LockToken}
		}
		require.NoError(t, other.CompleteMessage(t.Context(), token(0), nil))
		require.NoError(t, other.AbandonMessage(t.Context(), token(1), nil))
		require.NoError(t, other.DeferMessage(t.Context(), token(2), nil))
		require.NoError(t, other.DeadLetterMessage(t.Context(), token(3), &azservicebus.DeadLetterOptions{Reason: to.Ptr("bad")}))
		requireCounts(t, s.Broker, "q", counts{active: 1, deferred: 1, dead: 1})
		requireCode(t, azservicebus.CodeLockLost, other.CompleteMessage(t.Context(), token(0), nil))
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestReleasedMessageHasNotFailed(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		r := receiver(t, c, "q", nil)
		send(t, c, "q", text("a"))
		ms, err := r.ReceiveMessages(t.Context(), 3, nil) // asks for more than there is
		require.NoError(t, err)
		require.Equal(t, []string{"a"}, bodies(ms))
		send(t, c, "q", text("b")) // comes unasked, twice, and the client releases it
		<-time.After(time.Second)
		requireCounts(t, s.Broker, "q", counts{active: 2})
		m := receive(t, receiver(t, c, "q", nil), 1)[0]
		require.Equal(t, "b", string(m.Body))
		require.EqualValues(t, 1, m.DeliveryCount)
	}, amqpbroker.QueueConfig{Name: "q", MaxDeliveryCount: 2})
}

func TestSenderCannotForgeWhatTheBrokerSays(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		require.NoError(t, snd.SendAMQPAnnotatedMessage(t.Context(), &azservicebus.AMQPAnnotatedMessage{
			Header:             &azservicebus.AMQPAnnotatedMessageHeader{DeliveryCount: 7},
			MessageAnnotations: map[any]any{"x-opt-sequence-number": int64(99), "x-opt-mine": "kept"},
			Body:               azservicebus.AMQPAnnotatedMessageBody{Data: [][]byte{[]byte("x")}},
			Properties:         &azservicebus.AMQPAnnotatedMessageProperties{MessageID: "a"},
		}, nil))
		m := receive(t, receiver(t, c, "q", nil), 1)[0]
		require.EqualValues(t, 1, *m.SequenceNumber)
		require.EqualValues(t, 1, m.DeliveryCount)
		require.Equal(t, "kept", m.RawAMQPMessage.MessageAnnotations["x-opt-mine"])
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestLockedMessageIsNobodyElses(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("x"))
		receive(t, receiver(t, c, "q", nil), 1)
		ctx, cancel := context.WithTimeout(t.Context(), 59*time.Second)
		defer cancel()
		other := receiver(t, c, "q", nil)
		_, err := other.ReceiveMessages(ctx, 1, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		again := receive(t, other, 1)[0] // once the lock has expired
		require.EqualValues(t, 2, again.DeliveryCount)
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestRenewedLockHoldsAndLostLockIsTold(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("x"))
		r := receiver(t, c, "q", nil)
		m := receive(t, r, 1)[0]
		for range 3 {
			<-time.After(50 * time.Second)
			require.NoError(t, r.RenewMessageLock(t.Context(), m, nil))
			require.WithinDuration(t, time.Now().Add(time.Minute), *m.LockedUntil, time.Second)
		}
		<-time.After(61 * time.Second)
		requireCode(t, azservicebus.CodeLockLost, r.RenewMessageLock(t.Context(), m, nil))
		requireCode(t, azservicebus.CodeLockLost, r.CompleteMessage(t.Context(), m, nil))
		require.EqualValues(t, 2, receive(t, r, 1)[0].DeliveryCount)
	}, amqpbroker.QueueConfig{Name: "q", LockDuration: time.Minute})
}

func TestMessageThatFailsTooOftenIsDeadLettered(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("poison"))
		r := receiver(t, c, "q", nil)
		for n := range 3 {
			m := receive(t, r, 1)[0]
			require.EqualValues(t, n+1, m.DeliveryCount)
			require.NoError(t, r.AbandonMessage(t.Context(), m, &azservicebus.AbandonMessageOptions{PropertiesToModify: map[string]any{"why": "test"}}))
		}
		requireCounts(t, s.Broker, "q", counts{dead: 1})
		dead := receiver(t, c, "q", deadLetters)
		m := receive(t, dead, 1)[0]
		require.Equal(t, "MaxDeliveryCountExceeded", *m.DeadLetterReason)
		require.Equal(t, "Message could not be consumed after 3 delivery attempts.", *m.DeadLetterErrorDescription)
		require.Equal(t, "test", m.ApplicationProperties["why"])
		for range 20 { // a dead letter may fail for ever
			require.EqualValues(t, 4, m.DeliveryCount)
			require.NoError(t, dead.AbandonMessage(t.Context(), m, nil))
			m = receive(t, dead, 1)[0]
		}
		require.NoError(t, dead.CompleteMessage(t.Context(), m, nil))
		requireCounts(t, s.Broker, "q", counts{})
	}, amqpbroker.QueueConfig{Name: "q", MaxDeliveryCount: 3})
}

func TestDeadLetterKeepsReasonAndGoesBackAsANewMessage(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("1"))
		r := receiver(t, c, "q", nil)
		require.NoError(t, r.DeadLetterMessage(t.Context(), receive(t, r, 1)[0],
			&azservicebus.DeadLetterOptions{Reason: to.Ptr("bad"), ErrorDescription: to.Ptr("very bad"), PropertiesToModify: map[string]any{"who": "me"}}))
		requireCounts(t, s.Broker, "q", counts{dead: 1})

		dead := receiver(t, c, "q", deadLetters)
		peeked, err := dead.PeekMessages(t.Context(), 10, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"1"}, bodies(peeked))
		m := receive(t, dead, 1)[0]
		require.Equal(t, "bad", *m.DeadLetterReason)
		require.Equal(t, "very bad", *m.DeadLetterErrorDescription)
		require.Equal(t, "q", *m.DeadLetterSource)
		require.Equal(t, "me", m.ApplicationProperties["who"])

		send(t, c, "q", m.Message())
		require.NoError(t, dead.CompleteMessage(t.Context(), m, nil))
		requireCounts(t, s.Broker, "q", counts{active: 1})
		require.Equal(t, []string{"1"}, bodies(receive(t, r, 1)))
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestDeadLettersKeepTheirNumbersAndOrder(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("1"), text("2"), text("3"))
		r := receiver(t, c, "q", nil)
		ms := receive(t, r, 3)
		for _, i := range []int{2, 0, 1} {
			require.NoError(t, r.DeadLetterMessage(t.Context(), ms[i], nil))
		}
		dead := receive(t, receiver(t, c, "q", deadLetters), 3)
		require.Equal(t, []string{"1", "2", "3"}, bodies(dead))
		for i, m := range dead {
			require.EqualValues(t, i+1, *m.SequenceNumber)
			require.EqualValues(t, i+1, *m.EnqueuedSequenceNumber)
		}
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestDeadLetterDoesNotDieAgain(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("1"))
		r := receiver(t, c, "q", nil)
		require.NoError(t, r.DeadLetterMessage(t.Context(), receive(t, r, 1)[0], nil))
		dead := receiver(t, c, "q", deadLetters)
		require.NoError(t, dead.DeadLetterMessage(t.Context(), receive(t, dead, 1)[0], nil))
		requireCounts(t, s.Broker, "q", counts{dead: 1})
		require.Equal(t, []string{"1"}, bodies(receive(t, dead, 1)))
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestNobodySendsToADeadLetterQueue(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		s, err := c.NewSender("q/$DeadLetterQueue", nil)
		require.NoError(t, err)
		require.ErrorContains(t, s.SendMessage(t.Context(), text("x"), nil), "amqp:not-allowed")
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestExpiredMessage(t *testing.T) {
	for _, tc := range []struct {
		name    string
		queue   amqpbroker.QueueConfig
		message time.Duration
		want    counts
	}{
		{"no time to live", amqpbroker.QueueConfig{}, 0, counts{active: 1}},
		{"of the message, dropped", amqpbroker.QueueConfig{}, time.Second, counts{}},
		{"of the message, kept as a dead letter", amqpbroker.QueueConfig{DeadLetteringOnMessageExpiration: true}, time.Second, counts{dead: 1}},
		{"of the queue", amqpbroker.QueueConfig{DefaultMessageTimeToLive: time.Second, DeadLetteringOnMessageExpiration: true}, 0, counts{dead: 1}},
		{"the queue's is the limit", amqpbroker.QueueConfig{DefaultMessageTimeToLive: time.Second}, time.Hour, counts{}},
		{"not over yet", amqpbroker.QueueConfig{DefaultMessageTimeToLive: time.Hour}, time.Hour, counts{active: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.queue.Name = "q"
			inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
				m := text("x")
				if tc.message > 0 {
					m.TimeToLive = &tc.message
				}
				send(t, c, "q", m)
				<-time.After(2 * time.Second)
				requireCounts(t, s.Broker, "q", tc.want)
				if tc.want.dead > 0 {
					dead := receive(t, receiver(t, c, "q", deadLetters), 1)[0]
					require.Equal(t, "TTLExpiredException", *dead.DeadLetterReason)
				}
			}, tc.queue)
		})
	}
}

func TestDeferredMessageIsHadByItsNumberAlone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("later"))
		r := receiver(t, c, "q", nil)
		m := receive(t, r, 1)[0]
		require.NoError(t, r.DeferMessage(t.Context(), m, nil))
		requireCounts(t, s.Broker, "q", counts{deferred: 1})
		nothing(t, r)
		peeked, err := r.PeekMessages(t.Context(), 10, nil)
		require.NoError(t, err)
		require.Equal(t, azservicebus.MessageStateDeferred, peeked[0].State)

		got, err := r.ReceiveDeferredMessages(t.Context(), []int64{*m.SequenceNumber}, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"later"}, bodies(got))
		require.NoError(t, r.CompleteMessage(t.Context(), got[0], nil))
		requireCounts(t, s.Broker, "q", counts{})
	}, amqpbroker.QueueConfig{Name: "q"})
}
