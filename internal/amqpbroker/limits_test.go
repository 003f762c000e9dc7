package amqpbroker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
)

func TestBatchArrivesInOrderAndWhole(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		b, err := snd.NewMessageBatch(t.Context(), nil)
		require.NoError(t, err)
		var want []string
		for i := range 1000 {
			want = append(want, fmt.Sprintf("m%03d", i))
			require.NoError(t, b.AddMessage(text(want[i]), nil))
		}
		require.NoError(t, snd.SendMessageBatch(t.Context(), b, nil))
		requireCounts(t, s.Broker, "q", counts{active: 1000})
		require.Equal(t, want, bodies(receive(t, receiver(t, c, "q", nil), 1000)))
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestBatchOfTooManyMessagesIsRefusedWhole(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		for _, n := range []int{amqpbroker.MaxBatchCount, amqpbroker.MaxBatchCount + 1} {
			b, err := snd.NewMessageBatch(t.Context(), nil)
			require.NoError(t, err)
			for range n {
				require.NoError(t, b.AddAMQPAnnotatedMessage(&azservicebus.AMQPAnnotatedMessage{
					Properties: &azservicebus.AMQPAnnotatedMessageProperties{MessageID: "a"},
					Body:       azservicebus.AMQPAnnotatedMessageBody{Data: [][]byte{{}}},
				}, nil))
			}
			err = snd.SendMessageBatch(t.Context(), b, nil)
			require.Equal(t, n > amqpbroker.MaxBatchCount, err != nil, err)
		}
		requireCounts(t, s.Broker, "q", counts{active: amqpbroker.MaxBatchCount})
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestSenderIsGivenCreditAnew(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", slices.Repeat([]*azservicebus.Message{text("x")}, 1500)...)
		requireCounts(t, s.Broker, "q", counts{active: 1500})
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestMessageUpToTheLimitSpansFrames(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		body := strings.Repeat("x", amqpbroker.MaxMessageSize-100) // room for the properties
		send(t, c, "q", text(body))
		require.Equal(t, body, string(receive(t, receiver(t, c, "q", nil), 1)[0].Body))
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestMessageOverTheLimitIsRefused(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		large := text(strings.Repeat("x", amqpbroker.MaxMessageSize))
		require.ErrorIs(t, snd.SendMessage(t.Context(), large, nil), azservicebus.ErrMessageTooLarge)
		b, err := snd.NewMessageBatch(t.Context(), nil)
		require.NoError(t, err)
		require.ErrorIs(t, b.AddMessage(large, nil), azservicebus.ErrMessageTooLarge)

		requireCounts(t, s.Broker, "q", counts{})
	}, amqpbroker.QueueConfig{Name: "q"})
}

// liar is a connection on which the broker seems to take messages of 1 MiB.
type liar struct{ net.Conn }

func (l liar) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	limit := binary.BigEndian.AppendUint64(nil, amqpbroker.MaxMessageSize)
	copy(b, bytes.ReplaceAll(b[:n], limit, binary.BigEndian.AppendUint64(nil, 1<<20)))
	return n, err
}

func TestClientThatDoesNotKnowTheLimitLosesItsLink(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, _ *azservicebus.Client) {
		c, err := azservicebus.NewClient(namespace, credential("good"), &azservicebus.ClientOptions{
			NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) {
				nc, err := s.Dial(ctx)
				return liar{nc}, err
			}})
		require.NoError(t, err)
		defer func() { _ = c.Close(context.Background()) }()
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		err = snd.SendMessage(t.Context(), text(strings.Repeat("x", amqpbroker.MaxMessageSize)), nil)
		require.ErrorIs(t, err, azservicebus.ErrMessageTooLarge)
		// The client cannot mend a link that ended for good, here or in Azure.
		require.ErrorIs(t, snd.SendMessage(t.Context(), text("small"), nil), azservicebus.ErrMessageTooLarge)
		send(t, c, "q", text("small"))
		requireCounts(t, s.Broker, "q", counts{active: 1})
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestLimitOfEachMessage(t *testing.T) {
	long := func(n int) *string { return to.Ptr(strings.Repeat("ü", n)) }
	properties := func(sizes ...int) map[string]any {
		m := map[string]any{}
		for i, n := range sizes {
			m[fmt.Sprint(i)] = strings.Repeat("x", n)
		}
		return m
	}
	for _, tc := range []struct {
		name    string
		message azservicebus.Message
		refusal string
	}{
		{"id", azservicebus.Message{MessageID: long(128)}, ""},
		{"id too long", azservicebus.Message{MessageID: long(129)}, "not-allowed"},
		{"session id too long", azservicebus.Message{SessionID: long(129)}, "not-allowed"},
		{"session to reply to", azservicebus.Message{ReplyToSessionID: long(128)}, ""},
		{"session to reply to too long", azservicebus.Message{ReplyToSessionID: long(129)}, "not-allowed"},
		{"partition key", azservicebus.Message{PartitionKey: long(128)}, ""},
		{"partition key too long", azservicebus.Message{PartitionKey: long(129)}, "not-allowed"},
		{"partition key of the session", azservicebus.Message{PartitionKey: to.Ptr("a"), SessionID: to.Ptr("a")}, ""},
		{"partition key of no session", azservicebus.Message{PartitionKey: to.Ptr("a"), SessionID: to.Ptr("b")}, "not-allowed"},
		{"property", azservicebus.Message{ApplicationProperties: properties(32_000)}, ""},
		{"property over 32 KB", azservicebus.Message{ApplicationProperties: properties(33_000)}, "internal-error"},
		{"subject over 32 KB", azservicebus.Message{Subject: to.Ptr(strings.Repeat("x", 33_000))}, "internal-error"},
		{"properties", azservicebus.Message{ApplicationProperties: properties(31_000, 31_000)}, ""},
		{"properties over 64 KB", azservicebus.Message{ApplicationProperties: properties(31_000, 31_000, 31_000)}, "internal-error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
				snd, err := c.NewSender("q", nil)
				require.NoError(t, err)
				err = snd.SendMessage(t.Context(), &tc.message, nil)
				if tc.refusal == "" {
					require.NoError(t, err)
					requireCounts(t, s.Broker, "q", counts{active: 1})
					return
				}
				require.ErrorContains(t, err, tc.refusal)
				requireCounts(t, s.Broker, "q", counts{})
			}, amqpbroker.QueueConfig{Name: "q"})
		})
	}
}

func TestBrokerRefusesQueuesThatServiceBusWould(t *testing.T) {
	for name, queues := range map[string][]amqpbroker.QueueConfig{
		"without a name":                   {{}},
		"twice, however written":           {{Name: "q"}, {Name: "Q"}},
		"a lock of more than five minutes": {{Name: "q", LockDuration: 301 * time.Second}},
		"no deliveries":                    {{Name: "q", MaxDeliveryCount: -1}},
		"a window of more than seven days": {{Name: "q", DuplicateDetectionWindow: 7*24*time.Hour + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Panics(t, func() { amqpbroker.NewBroker(queues...) })
		})
	}
}

func TestMessageWithoutAnIDGetsOne(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", text("x"), text("y"))
		ms := receive(t, receiver(t, c, "q", nil), 2)
		require.Regexp(t, "^[0-9a-f]{32}$", ms[0].MessageID)
		require.NotEqual(t, ms[0].MessageID, ms[1].MessageID)
	}, amqpbroker.QueueConfig{Name: "q"})
}
