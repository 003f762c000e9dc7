package amqpbroker

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/stretchr/testify/require"
)

func TestLostSessionLockEndsTheLinkAndIsToldOfItsMessages(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.sender(0, "in", "q")
		c.put(0, ofGroup("A"), data(1))
		c.receiverOf(1, "out", ofSession("q", "A"))
		c.want(codeAttach)
		c.credit(1, 0, 1)
		m := c.want(codeTransfer)
		time.Sleep(61 * time.Second)
		require.EqualValues(t, "com.microsoft:session-lock-lost", c.want(codeDetach).fields.list(2, codeError).at(0))

		const receiver, settled = true, false
		c.send(codeDisposition, receiver, m.id(), m.id(), settled, described{codeAccepted, []any{}})
		state, _ := c.want(codeDisposition).fields.at(4).(described)
		require.Equal(t, codeRejected, state.code)
		reason := fields(state.value.([]any)).list(0, codeError)
		require.EqualValues(t, "com.microsoft:session-lock-lost", reason.at(0))
	}, QueueConfig{Name: "q", RequiresSession: true})
}

func TestExpiredSessionLockHoldsNothingBeforeTheClockHasLooked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBroker(QueueConfig{Name: "q", RequiresSession: true})
		b.Close() // the clock
		q := b.queue("q")
		_, err := q.enqueue(written(t, ofGroup("A")))
		require.NoError(t, err)
		first, second := newConsumer(nil), newConsumer(nil)
		ok, err := q.accept(first, to.Ptr("A"))
		require.NoError(t, err)
		require.True(t, ok)
		d, err := q.next(first, true)
		require.NoError(t, err)
		time.Sleep(time.Minute)

		require.ErrorIs(t, d.settle(outcome{kind: codeAccepted}), errSessionLockLost)
		_, err = q.next(first, true)
		require.ErrorIs(t, err, errSessionLockLost)
		_, err = q.renewGroup("A", nil)
		require.ErrorIs(t, err, errSessionLockLost)

		ok, err = q.accept(second, to.Ptr("A"))
		require.NoError(t, err)
		require.True(t, ok)
		d, err = q.next(second, true)
		require.NoError(t, err)
		require.NotNil(t, d, "the message is the next owner's")
		require.EqualValues(t, 1, q.locked[d.token].deliveries)
		require.NoError(t, d.settle(outcome{kind: codeAccepted}))
	})
}

func TestSessionIsForTheConnectionThatHasLockedIt(t *testing.T) {
	byHand(t, func(t *testing.T, s *Server, owner *raw) {
		owner.sender(0, "in", "q")
		owner.put(0, ofGroup("A"), data(1))
		owner.receiverOf(1, "out", ofSession("q", "A"))
		owner.want(codeAttach)
		owner.credit(1, 0, 1)
		m := owner.want(codeTransfer)
		const receiver, settled, failed, undeliverable = true, false, false, true
		owner.send(codeDisposition, receiver, m.id(), m.id(), settled, described{codeModified, []any{failed, undeliverable}})
		owner.want(codeDisposition)

		stranger := open(t, s)
		id := pair{"session-id", "A"}
		for operation, body := range map[string]pairs{
			"renew-session-lock":         {id},
			"get-session-state":          {id},
			"set-session-state":          {id, {"session-state", []byte("mine")}},
			"receive-by-sequence-number": {id, {"sequence-numbers", []int64{1}}, {"receiver-settle-mode", uint32(1)}},
		} {
			status, condition, _ := stranger.ask("q", operation, body)
			require.EqualValues(t, 410, status, operation)
			require.EqualValues(t, "com.microsoft:session-lock-lost", condition)
			status, _, _ = owner.ask("q", operation, body)
			require.EqualValues(t, 200, status, operation)
		}
	}, QueueConfig{Name: "q", RequiresSession: true})
}

func TestClosingASessionIsNotLosingIt(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		for range 100 { // credit and the link's end come together
			c.receiverOf(1, "out", ofSession("q", "A"))
			c.want(codeAttach)
			flow := appendValue(nil, described{codeFlow, []any{uint32(0), window, uint32(0), window, uint32(1), uint32(0), uint32(1)}})
			var wire bytes.Buffer
			require.NoError(t, writeFrame(&wire, frameAMQP, 0, flow))
			require.NoError(t, writeFrame(&wire, frameAMQP, 0, appendValue(nil, described{codeDetach, []any{uint32(1), true}})))
			_, err := c.nc.Write(wire.Bytes())
			require.NoError(t, err)
			require.Nil(t, c.want(codeDetach).fields.at(2))
			c.wantNothing()
		}
	}, QueueConfig{Name: "q", RequiresSession: true})
}
