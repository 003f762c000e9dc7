package amqpbroker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// delivered sends n messages and receives them, and returns the id of the first.
func (c *raw) delivered(n uint32) uint32 {
	c.t.Helper()
	c.sender(0, "in", "q")
	for range n {
		c.put(0, data(1))
	}
	c.receiver(1, "out", "q")
	c.credit(1, 0, n)
	first := c.want(codeTransfer).id()
	for range n - 1 {
		c.want(codeTransfer)
	}
	return first
}

func TestDispositionSettlesWhatIsOpenInItsRange(t *testing.T) {
	for _, tc := range []struct {
		name        string
		first, last uint32 // from the first delivery on
		left        int
	}{
		{"one", 1, 1, 4},
		{"some", 1, 3, 2},
		{"the first and what was never delivered before", ^uint32(9), 0, 4},
		{"all and what is yet to be delivered", 0, 1 << 30, 0},
		{"half of all ids", 0, 1<<31 - 1, 0},
		{"nothing: the last comes before the first", 3, 1, 5},
		{"nothing: far ahead", 1 << 20, 1 << 21, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			byHand(t, func(t *testing.T, s *Server, c *raw) {
				first := c.delivered(5)
				const receiver, settled = true, true
				c.send(codeDisposition, receiver, first+tc.first, first+tc.last, settled, described{codeAccepted, []any{}})
				c.wantNothing()
				active, _, _, _ := s.Broker.Counts("q")
				require.Equal(t, tc.left, active)
			}, QueueConfig{Name: "q"})
		})
	}
}

func TestReasonOfARejection(t *testing.T) {
	info := pairs{{symbol("DeadLetterReason"), "mine"}, {symbol("other"), int64(1)}}
	for _, tc := range []struct {
		name  string
		state []any
		want  pairs
	}{
		{"none", []any{}, nil},
		{"of a Service Bus client", []any{described{codeError, []any{deadLetterCondition, nil, info}}},
			pairs{{"other", int64(1)}, {"DeadLetterReason", "mine"}}},
		{"none of a Service Bus client", []any{described{codeError, []any{deadLetterCondition}}}, nil},
		{"of another client", []any{described{codeError, []any{symbol("mine:bad"), "very bad"}}},
			pairs{{"DeadLetterReason", "mine:bad"}, {"DeadLetterErrorDescription", "very bad"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			byHand(t, func(t *testing.T, s *Server, c *raw) {
				id := c.delivered(1)
				const receiver, settled = true, true
				c.send(codeDisposition, receiver, id, id, settled, described{codeRejected, tc.state})
				c.receiver(2, "dead", "q/$DeadLetterQueue")
				c.credit(2, 0, 1)
				got, _ := c.want(codeTransfer).sections(t)[codeApplication].(pairs)
				require.Equal(t, tc.want, got)
			}, QueueConfig{Name: "q"})
		})
	}
}
