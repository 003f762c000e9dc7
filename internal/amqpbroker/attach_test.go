package amqpbroker

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTransactionsAreNotImplemented(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.send(codeAttach, "transactions", uint32(0), false, uint8(0), uint8(0), described{codeSource, []any{}}, described{codeCoordinator, []any{}}, nil, nil, uint32(0))
		require.Nil(t, c.want(codeAttach).fields.at(6))
		require.EqualValues(t, "amqp:not-implemented", c.want(codeDetach).fields.list(2, codeError).at(0))
	}, QueueConfig{Name: "q"})
}

func TestHandleThatIsTakenEndsTheSession(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.receiver(1, "out", "q")
		c.receiverOf(1, "another", described{codeSource, []any{"q"}})
		require.EqualValues(t, "amqp:session:handle-in-use", c.want(codeEnd).fields.list(0, codeError).at(0))
		c.credit(1, 0, 1) // sent before the client knew
		c.send(codeEnd)
		c.wantNothing()
		c.send(codeBegin, nil, uint32(0), window, window)
		c.want(codeBegin)
		c.receiver(1, "out", "q")
	}, QueueConfig{Name: "q"})
}

func TestChannelThatIsTakenEndsTheConnection(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.send(codeBegin, nil, uint32(0), window, window)
		_, open := <-c.received
		require.False(t, open)
	}, QueueConfig{Name: "q"})
}

func TestCreditIsCountedFromTheSendersFirstDelivery(t *testing.T) {
	byHand(t, func(t *testing.T, s *Server, c *raw) {
		first := uint32(math.MaxUint32) // the count wraps
		c.send(codeAttach, "in", uint32(0), false, uint8(0), uint8(0), described{codeSource, []any{}}, described{codeTarget, []any{"q"}}, nil, nil, first)
		c.want(codeAttach)
		f := c.want(codeFlow).fields
		require.Equal(t, []any{first, creditWindow}, []any{f.at(5), f.at(6)})
		for range creditWindow / 2 {
			c.put(0, data(1))
		}
		f = c.want(codeFlow).fields
		require.Equal(t, []any{first + creditWindow/2, creditWindow}, []any{f.at(5), f.at(6)})
		c.wantNothing()
	}, QueueConfig{Name: "q"})
}

func TestMessageOverTheLimitIsRejectedBeforeItsLinkEnds(t *testing.T) {
	byHand(t, func(t *testing.T, s *Server, c *raw) {
		c.sender(0, "in", "q")
		const settled = false
		for n := MaxMessageSize / 50_000; n >= 0; n-- {
			body := appendValue(nil, described{codeTransfer, []any{uint32(0), uint32(7), []byte("t"), uint32(0), settled, n > 0}})
			require.NoError(t, writeFrame(c.nc, frameAMQP, 0, append(body, make([]byte, 50_000)...)))
		}
		f := c.want(codeDisposition).fields
		state, _ := f.at(4).(described)
		require.Equal(t, []any{uint32(7), codeRejected}, []any{f.at(1), state.code})
		require.EqualValues(t, "amqp:link:message-size-exceeded", fields(state.value.([]any)).list(0, codeError).at(0))
		require.EqualValues(t, "amqp:link:message-size-exceeded", c.want(codeDetach).fields.list(2, codeError).at(0))
		c.wantNothing()
	}, QueueConfig{Name: "q"})
}

// On a real clock, since what waits is a mutex.
func TestClientThatDoesNotListenHoldsUpNobodyElse(t *testing.T) {
	s := &Server{Broker: NewBroker(QueueConfig{Name: "q"})}
	defer s.Close()
	deaf, err := s.Dial(t.Context())
	require.NoError(t, err)
	_, err = deaf.Write([]byte(headerAMQP))
	require.NoError(t, err)
	_, err = deaf.Read(make([]byte, len(headerAMQP)))
	require.NoError(t, err)
	require.NoError(t, writeFrame(deaf, frameAMQP, 0, appendValue(nil, described{codeOpen, []any{"deaf"}})))
	running := func(name string) func() bool {
		return func() bool {
			stacks := make([]byte, 1<<20)
			return strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*conn)."+name+"(")
		}
	}
	require.Eventually(t, running("open"), 10*time.Second, time.Millisecond) // its answer is not read
	done := make(chan struct{})
	go func() {
		s.DetachLinks("amqp:link:detach-forced")
		close(done)
	}()
	require.Eventually(t, running("detachLinks"), 10*time.Second, time.Millisecond)
	s.DropConnections()
	<-done
}
