package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
	"github.com/azurepim/azure-pim/internal/bus"
)

func TestSendSurvivesTheEndOfWhatItSendsOn(t *testing.T) {
	for name, cut := range map[string]func(*amqpbroker.Server){
		"connection dropped":    (*amqpbroker.Server).DropConnections,
		"link detached as idle": func(s *amqpbroker.Server) { s.DetachLinks(amqp.ErrCondDetachForced) },
		"claim expired":         func(s *amqpbroker.Server) { s.DetachLinks(amqp.ErrCondUnauthorizedAccess) },
		"queue made anew":       func(s *amqpbroker.Server) { s.DetachLinks(amqp.ErrCondNotFound) },
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
				for i := range 5 {
					require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: fmt.Sprint(i)}))
					cut(s)
				}
				requireActive(t, s, 5)
			})
		})
	}
}

func TestSendersSurviveFailoversTogether(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				for j := range 10 {
					if err := b.Send(t.Context(), queue, bus.Message{ID: fmt.Sprint(i, "/", j)}); err != nil {
						t.Error(err)
					}
					<-time.After(time.Second)
				}
			})
		}
		for range 5 {
			<-time.After(1500 * time.Millisecond)
			s.DropConnections()
			<-time.After(500 * time.Millisecond)
			s.DetachLinks(amqp.ErrCondUnauthorizedAccess)
		}
		wg.Wait()
		requireActive(t, s, 100)
	})
}

func TestUnreachableBrokerIsForLater(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "before"}))
		s.Refuse(true)
		for range 3 {
			begin := time.Now()
			err := b.Send(t.Context(), queue, bus.Message{ID: "meanwhile"})
			require.Error(t, err)
			require.False(t, bus.Permanent(err))
			require.LessOrEqual(t, time.Since(begin), bus.DefaultTimeout)
		}
		s.Refuse(false)
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "meanwhile"}))
		requireActive(t, s, 2)
	})
}

func TestSendWaitsOutAShortOutage(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		s.Refuse(true)
		begin := time.Now()
		time.AfterFunc(time.Second, func() { s.Refuse(false) })
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "a"}))
		require.Less(t, time.Since(begin), 3*time.Second)
		requireActive(t, s, 1)
	})
}

func TestMissingQueueIsForLater(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, b *bus.Bus) {
		err := b.Send(t.Context(), "nope", bus.Message{})
		require.ErrorContains(t, err, `send to "nope"`)
		require.ErrorContains(t, err, "amqp:not-found")
		require.False(t, bus.Permanent(err))
	})
}

func TestRefusedIdentityIsForLaterAndMendsItself(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		var assigned atomic.Bool // the role, some minutes after the deployment
		s.Authorize = func(_, _, token string) error {
			if token != "good" || !assigned.Load() {
				return errors.New("no role")
			}
			return nil
		}
		err := b.Send(t.Context(), queue, bus.Message{ID: "a"})
		require.ErrorContains(t, err, "unauthorized")
		require.False(t, bus.Permanent(err))
		assigned.Store(true)
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "a"}))
		requireActive(t, s, 1)
	})
}

// blackHole is a connection to a network that swallows everything.
func blackHole(t *testing.T) net.Conn {
	c, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	return c
}

// On a real clock: azservicebus waits for a mutex, which no virtual time sees.
func TestSendThatHangsIsCutAndTheNextOneGoesThrough(t *testing.T) {
	s := newBroker()
	t.Cleanup(s.Close)
	var lost atomic.Bool
	lost.Store(true)
	o := settings(func(ctx context.Context) (net.Conn, error) {
		if lost.Load() {
			return blackHole(t), nil
		}
		return s.Dial(ctx)
	})
	o.Timeout = 200 * time.Millisecond
	b := newBus(t, o)
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	begin := time.Now()
	const senders = 20
	errs := make(chan error, senders)
	for range senders { // together: none may wait for those before it
		go func() { errs <- b.Send(context.Background(), queue, bus.Message{ID: "a"}) }()
	}
	for range senders {
		err := <-errs
		require.ErrorContains(t, err, "did not answer in time")
		require.False(t, bus.Permanent(err))
	}
	require.Less(t, time.Since(begin), senders*o.Timeout/2)
	lost.Store(false)
	require.Eventually(t, func() bool { return b.Send(t.Context(), queue, bus.Message{ID: "a"}) == nil }, 5*time.Second, time.Millisecond)
	requireActive(t, s, 1)
}

// stuck is a credential that gets no answer and looks at no deadline.
type stuck chan struct{}

func (c stuck) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	<-c
	return azcore.AccessToken{}, errors.New("released")
}

func TestDeadlineOfTheCallerIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBroker()
		defer s.Close()
		never := make(stuck)
		o := settings(s.Dial)
		o.Credential = never
		b := newBus(t, o)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := b.Send(ctx, queue, bus.Message{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, bus.Permanent(err))
		require.Equal(t, time.Second, time.Since(begin))

		closing, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, b.Close(closing), context.DeadlineExceeded) // one send still runs
		close(never)
	})
}
