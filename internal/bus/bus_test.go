package bus_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
	"github.com/azurepim/azure-pim/internal/bus"
)

const queue = "pim-changes"

// settings are as in Azure, but for the way to the broker.
func settings(dial func(context.Context) (net.Conn, error)) bus.Settings {
	return bus.Settings{
		FullyQualifiedNamespace: "ns.servicebus.windows.net",
		Credential:              token("good"),
		Options: azservicebus.ClientOptions{
			NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) { return dial(ctx) },
		},
	}
}

// token is a credential.
type token string

func (c token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(c), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// inVirtualTime runs f in a bubble with a bus and the broker it talks to.
func inVirtualTime(t *testing.T, f func(*testing.T, *amqpbroker.Server, *bus.Bus)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		// azservicebus forgets a renewer of claims where two goroutines open a link at once;
		// it ends when it finds the connection closed at its next renewal.
		defer func() { <-time.After(24 * time.Hour) }()
		s := newBroker()
		defer s.Close()
		b := newBus(t, settings(s.Dial))
		defer func() { _ = b.Close(context.Background()) }()
		f(t, s, b)
	})
}

// newBroker has our queue as it is in Azure.
func newBroker() *amqpbroker.Server {
	return &amqpbroker.Server{Broker: amqpbroker.NewBroker(amqpbroker.QueueConfig{
		Name: queue, DuplicateDetectionWindow: 10 * time.Minute, MaxDeliveryCount: 2,
	})}
}

func newBus(t *testing.T, s bus.Settings) *bus.Bus {
	t.Helper()
	b, err := bus.New(s)
	require.NoError(t, err)
	return b
}

// receive takes n messages from the queue, and settles them.
func receive(t *testing.T, s *amqpbroker.Server, n int, settle func(*azservicebus.Receiver, *azservicebus.ReceivedMessage) error) []*azservicebus.ReceivedMessage {
	t.Helper()
	o := settings(s.Dial)
	c, err := azservicebus.NewClient(o.FullyQualifiedNamespace, o.Credential, &o.Options)
	require.NoError(t, err)
	defer func() { _ = c.Close(t.Context()) }()
	r, err := c.NewReceiverForQueue(queue, nil)
	require.NoError(t, err)
	var out []*azservicebus.ReceivedMessage
	for len(out) < n {
		ms, err := r.ReceiveMessages(t.Context(), n-len(out), nil)
		require.NoError(t, err)
		for _, m := range ms {
			require.NoError(t, settle(r, m))
		}
		out = append(out, ms...)
	}
	return out
}

func complete(r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
	return r.CompleteMessage(context.Background(), m, nil)
}

func requireActive(t *testing.T, s *amqpbroker.Server, want int) {
	t.Helper()
	active, _, _, _ := s.Broker.Counts(queue)
	require.Equal(t, want, active)
}

func TestSettingsAreCheckedAsAWhole(t *testing.T) {
	const key = "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=k;SharedAccessKey=s"
	for _, tc := range []struct {
		name     string
		settings bus.Settings
		wants    []string // none: they are good
	}{
		{"nothing", bus.Settings{}, []string{"neither connection string nor namespace is set"}},
		{"connection string", bus.Settings{ConnectionString: key}, nil},
		{"connection string of the emulator", bus.Settings{ConnectionString: key + ";UseDevelopmentEmulator=true;"}, nil},
		{"connection string that is none", bus.Settings{ConnectionString: "hello"}, []string{"connection string"}},
		{"connection string of one queue", bus.Settings{ConnectionString: key + ";entitypath=q"}, []string{"EntityPath"}},
		{"namespace and identity", bus.Settings{FullyQualifiedNamespace: "ns.servicebus.windows.net", Credential: token("t")}, nil},
		{"connection string wins, as in the host", bus.Settings{ConnectionString: key, FullyQualifiedNamespace: "sb://x/"}, nil},
		{"namespace that is an address, without identity", bus.Settings{FullyQualifiedNamespace: "sb://ns/"}, []string{"is not a host name", "without a credential"}},
		{"negative time", bus.Settings{ConnectionString: key, Timeout: -1}, []string{"negative"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := bus.New(tc.settings)
			if tc.wants == nil {
				require.NoError(t, err)
			}
			for _, want := range tc.wants {
				require.ErrorContains(t, err, want)
				require.True(t, bus.Permanent(err))
			}
		})
	}
}

func TestConnectionStringReachesTheBroker(t *testing.T) {
	s := newBroker()
	t.Cleanup(s.Close)
	addr, err := s.Start("127.0.0.1:0")
	require.NoError(t, err)
	b := newBus(t, bus.Settings{ConnectionString: amqpbroker.ConnectionString(addr)})
	require.NoError(t, b.Send(t.Context(), queue, bus.Message{Body: []byte("x")}))
	require.NoError(t, b.Close(t.Context()))
	requireActive(t, s, 1)
}

func TestOneConnectionServesTheWholeLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBroker()
		defer s.Close()
		var dials atomic.Int32
		b := newBus(t, settings(func(ctx context.Context) (net.Conn, error) {
			dials.Add(1)
			return s.Dial(ctx)
		}))
		require.Zero(t, dials.Load()) // nothing before the first send
		for range 100 {
			require.NoError(t, b.Send(t.Context(), queue, bus.Message{Body: []byte("x")}))
			<-time.After(time.Minute)
		}
		_, err := b.DeadLetters(t.Context(), queue, 0, 10)
		require.NoError(t, err)
		require.EqualValues(t, 1, dials.Load())
		require.NoError(t, b.Close(t.Context()))
	})
}

func TestClosedBusSendsNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{}))
		require.NoError(t, b.Close(t.Context()))
		require.NoError(t, b.Close(t.Context()))
		err := b.Send(t.Context(), queue, bus.Message{})
		require.ErrorContains(t, err, "closed")
		require.False(t, bus.Permanent(err)) // another process may send it
		requireActive(t, s, 1)
	})
}
