package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
	"github.com/azurepim/azure-pim/internal/bus"
)

// bury makes dead letters of new messages with the given ids.
func bury(t *testing.T, s *amqpbroker.Server, b *bus.Bus, ids ...string) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: id, Body: []byte("body of " + id), Subject: "change", Properties: map[string]any{"kept": "yes", "pim-attempt": "50"}}))
	}
	receive(t, s, len(ids), func(r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
		return r.DeadLetterMessage(context.Background(), m, &azservicebus.DeadLetterOptions{Reason: to.Ptr("invalid"), ErrorDescription: to.Ptr("not a change")})
	})
}

func requireDead(t *testing.T, b *bus.Bus, want ...string) {
	t.Helper()
	letters, err := b.DeadLetters(t.Context(), queue, 0, 1000)
	require.NoError(t, err)
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	require.Equal(t, want, ids)
}

func TestDeadLettersAreListedAndStay(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		letters, err := b.DeadLetters(t.Context(), queue, 0, 10)
		require.NoError(t, err)
		require.Empty(t, letters)
		bury(t, s, b, "a", "b", "c")
		for range 2 {
			letters, err = b.DeadLetters(t.Context(), queue, 0, 2)
			require.NoError(t, err)
			require.Len(t, letters, 2)
			require.Equal(t, bus.DeadLetter{
				Sequence: 1, ID: "a", Subject: "change", Reason: "invalid", Description: "not a change",
				Enqueued: letters[0].Enqueued,
			}, letters[0])
			require.WithinDuration(t, time.Now(), letters[0].Enqueued, time.Minute)
		}
		letters, err = b.DeadLetters(t.Context(), queue, 2, 10)
		require.NoError(t, err)
		require.Len(t, letters, 2, "from a number on")
		require.Equal(t, "b", letters[0].ID)
		requireDead(t, b, "a", "b", "c")
	})
}

func TestResubmittedLetterIsANewMessageAndGone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		bury(t, s, b, "a", "b", "c")
		require.NoError(t, b.Resubmit(t.Context(), queue, 2))
		requireDead(t, b, "a", "c")
		m := receive(t, s, 1, complete)[0]
		require.Equal(t, "body of b", string(m.Body))
		require.NotEqual(t, "b", m.MessageID)
		require.Equal(t, "b", *m.CorrelationID)
		require.Equal(t, "change", *m.Subject)
		require.Equal(t, map[string]any{"kept": "yes", "pim-attempt": "1"}, m.ApplicationProperties, "its own attempts begin anew")
		require.Nil(t, m.DeadLetterReason)

		// Those in front of it are at once free for the next.
		begin := time.Now()
		require.NoError(t, b.Resubmit(t.Context(), queue, 1))
		require.Less(t, time.Since(begin), time.Second)
		requireDead(t, b, "c")
	})
}

func TestResubmittingTwiceSendsOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		bury(t, s, b, "a")
		// The process dies after sending: the letter is locked, and then free again.
		first := dyingBus(t, s)
		require.Error(t, first.Resubmit(t.Context(), queue, 1))
		requireActive(t, s, 1)
		requireDead(t, b, "a")
		<-time.After(time.Minute)

		require.NoError(t, b.Resubmit(t.Context(), queue, 1))
		requireActive(t, s, 1)
		requireDead(t, b)
	})
}

func TestLetterThatFailsAgainCanBeResubmittedAgain(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		bury(t, s, b, "a")
		seen := map[string]bool{}
		for range 3 {
			letters, err := b.DeadLetters(t.Context(), queue, 0, 1)
			require.NoError(t, err)
			require.False(t, seen[letters[0].ID])
			seen[letters[0].ID] = true
			require.NoError(t, b.Resubmit(t.Context(), queue, letters[0].Sequence))
			receive(t, s, 1, func(r *azservicebus.Receiver, m *azservicebus.ReceivedMessage) error {
				return r.DeadLetterMessage(context.Background(), m, nil)
			})
		}
	})
}

func TestLetterFarBackIsFound(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		var ids []string
		for i := range 300 {
			ids = append(ids, fmt.Sprint(i))
		}
		bury(t, s, b, ids...)
		require.NoError(t, b.Resubmit(t.Context(), queue, 300))
		requireDead(t, b, ids[:299]...)
	})
}

func TestMissingLetterIsNoDeadLetter(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		bury(t, s, b, "a", "b")
		require.NoError(t, b.Resubmit(t.Context(), queue, 1))
		for _, sequence := range []int64{1, 3, -1} {
			err := b.Resubmit(t.Context(), queue, sequence)
			require.ErrorIs(t, err, bus.ErrNoDeadLetter)
			require.True(t, bus.Permanent(err))
		}
		requireActive(t, s, 1)
	})
}

func TestLetterThatSomebodyHasIsForLater(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		bury(t, s, b, "a", "b")
		o := settings(s.Dial)
		c, err := azservicebus.NewClient(o.FullyQualifiedNamespace, o.Credential, &o.Options)
		require.NoError(t, err)
		defer func() { _ = c.Close(context.Background()) }()
		r, err := c.NewReceiverForQueue(queue, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
		require.NoError(t, err)
		_, err = r.ReceiveMessages(t.Context(), 1, nil)
		require.NoError(t, err)

		err = b.Resubmit(t.Context(), queue, 1)
		require.ErrorContains(t, err, "somebody else has it")
		require.False(t, bus.Permanent(err))
		require.NoError(t, b.Resubmit(t.Context(), queue, 2)) // not held back by the attempt
		<-time.After(time.Minute)
		require.NoError(t, b.Resubmit(t.Context(), queue, 1))
		requireActive(t, s, 2)
	})
}

func TestUnreachableBrokerKeepsTheLetter(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		bury(t, s, b, "a")
		s.Refuse(true)
		err := b.Resubmit(t.Context(), queue, 1)
		require.Error(t, err)
		require.False(t, bus.Permanent(err))
		_, err = b.DeadLetters(t.Context(), queue, 0, 1)
		require.Error(t, err)
		require.False(t, bus.Permanent(err))
		s.Refuse(false)
		require.NoError(t, b.Resubmit(t.Context(), queue, 1))
		requireActive(t, s, 1)
		requireDead(t, b)
	})
}

func TestLetterThatCannotBeSentIsFreeAtOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		bury(t, s, b, "a")
		var maySend atomic.Bool
		s.Authorize = func(audience, _, _ string) error {
			if !maySend.Load() && !strings.Contains(audience, "DeadLetterQueue") {
				return errors.New("no role")
			}
			return nil
		}
		s.DropConnections() // claims last as long as a connection
		err := b.Resubmit(t.Context(), queue, 1)
		require.ErrorContains(t, err, "unauthorized")
		requireDead(t, b, "a")
		maySend.Store(true)
		begin := time.Now()
		require.NoError(t, b.Resubmit(t.Context(), queue, 1))
		require.Less(t, time.Since(begin), time.Second)
	})
}

// dying is a connection that ends when a message is settled on it.
type dying struct {
	net.Conn
	dead *atomic.Bool
}

func (d dying) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("com.microsoft:update-disposition")) {
		d.dead.Store(true)
		_ = d.Close()
	}
	return d.Conn.Write(b)
}

// dyingBus is the bus of a process that dies just before it settles a message.
func dyingBus(t *testing.T, s *amqpbroker.Server) *bus.Bus {
	var dead atomic.Bool
	b := newBus(t, settings(func(ctx context.Context) (net.Conn, error) {
		if dead.Load() {
			return nil, errors.New("the process is dead")
		}
		nc, err := s.Dial(ctx)
		return dying{nc, &dead}, err
	}))
	t.Cleanup(func() { _ = b.Close(context.Background()) })
	return b
}
