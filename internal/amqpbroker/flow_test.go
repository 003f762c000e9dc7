package amqpbroker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDrainingGivesBackTheCreditThatIsLeft(t *testing.T) {
	const drain = true
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.sender(0, "in", "q")
		c.put(0, data(1))
		c.receiver(1, "out", "q")
		c.credit(1, 0, 10, nil, drain)
		c.want(codeTransfer)
		f := c.want(codeFlow).fields
		require.Equal(t, []any{uint32(1), uint32(10), uint32(0), true}, []any{f.at(4), f.at(5), f.at(6), f.at(8)})

		c.put(0, data(1)) // there is no credit for it any more
		c.wantNothing()
		c.credit(1, 10, 0, nil, drain) // nor anything left to give back, which is an answer too
		f = c.want(codeFlow).fields
		require.Equal(t, []any{uint32(1), uint32(10), uint32(0), true}, []any{f.at(4), f.at(5), f.at(6), f.at(8)})
		c.credit(1, 10, 1)
		c.want(codeTransfer)
		c.wantNothing()
	}, QueueConfig{Name: "q"})
}

func TestFlowIsToldToWhoAsks(t *testing.T) {
	const echo = true
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.receiver(1, "out", "q")
		c.credit(1, 0, 7, nil, false, echo)
		f := c.want(codeFlow).fields
		require.Equal(t, []any{uint32(1), uint32(0), uint32(7)}, []any{f.at(4), f.at(5), f.at(6)})
		c.send(codeFlow, uint32(0), window, uint32(0), window, nil, nil, nil, nil, nil, echo)
		f = c.want(codeFlow).fields
		require.Nil(t, f.at(4))
		c.wantNothing()
	}, QueueConfig{Name: "q"})
}

func TestAnswersWaitForCreditAndKeepTheirOrder(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.sender(0, "ask", "q/$management")
		c.receiver(1, "answers", "q/$management")
		for _, id := range []string{"first", "second"} {
			c.put(0, described{codeProperties, []any{id, nil, nil, nil, "answers"}}, described{codeValue, nil})
		}
		c.wantNothing()
		c.credit(1, 0, 2)
		require.Contains(t, string(c.want(codeTransfer).payload), "first")
		require.Contains(t, string(c.want(codeTransfer).payload), "second")
	}, QueueConfig{Name: "q"})
}

func TestClientOfTinyFramesIsServedInTheSmallestThatAMQPAllows(t *testing.T) {
	byHand(t, func(t *testing.T, s *Server, large *raw) {
		large.sender(0, "in", "q")
		large.put(0, data(1000))
		for _, size := range []uint32{0, 1, 64, 128, 511} {
			c := hello(t, s, headerAMQP)
			c.send(codeOpen, "raw", nil, size)
			c.send(codeBegin, nil, uint32(0), window, window)
			c.want(codeOpen)
			c.want(codeBegin)
			c.claim()
			c.receiver(1, "out", "q")
			c.credit(1, 0, 1)
			f := c.want(codeTransfer)
			require.Equal(t, size > 0, f.more())
			for f.more() {
				f = c.want(codeTransfer)
			}
			require.NoError(t, c.nc.Close())
			large.put(0, data(1000))
		}
	}, QueueConfig{Name: "q"})
}
