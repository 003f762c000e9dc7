package amqpbroker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEveryTypeArrivesAsItWasSent(t *testing.T) {
	values := pairs{
		{"char", encoded{0x73, 0, 1, 0xf6, 0}},
		{"decimal32", encoded("\x74\x22\x50\x00\x01")},
		{"decimal64", encoded("\x84\x22\x34\x00\x00\x00\x00\x00\x01")},
		{"decimal128", encoded("\x94\x22\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")},
		{"symbol", symbol("s")},
		{"array", []int64{1, 2}},
		{"described", described{symbol("com.microsoft:timespan"), int64(1)}},
		{"array of described values", encoded("\xe0\x08\x02\x00\xa3\x01a\x50\x01\x02")},
		{"small uint", encoded{0x52, 7}},
		{"boolean of two bytes", encoded{0x56, 1}},
		{"list", []any{"a", nil}},
		{"uuid", uuid{1}},
		{"float", float32(1)}, {"byte", int8(-1)}, {"short", int16(-1)}, {"time", time.UnixMilli(1).UTC()},
	}
	for _, body := range []described{
		{codeData, []byte("data")},
		{codeSequence, []any{encoded{0x73, 0, 0, 0, 'x'}, symbol("s")}},
		{codeValue, values},
	} {
		byHand(t, func(t *testing.T, s *Server, c *raw) {
			c.sender(0, "in", "q")
			application, footer := described{codeApplication, values}, described{codeFooter, pairs{{symbol("f"), encoded{0x52, 7}}}}
			c.put(0, described{codeAnnotations, pairs{{symbol("x-opt-mine"), encoded{0x52, 7}}}}, described{codeProperties, []any{"id"}}, application, body, footer)
			c.receiver(1, "out", "q")
			c.credit(1, 0, 1)
			m := c.want(codeTransfer)
			require.Contains(t, string(m.payload), string(inBytes([]described{{codeProperties, []any{"id"}}, application, body, footer})))
			annotations, _ := m.sections(t)[codeAnnotations].(pairs)
			require.EqualValues(t, 7, annotations.get("x-opt-mine"))
		}, QueueConfig{Name: "q"})
	}
}

func TestPropertiesThatAReceiverSetsJoinThoseThatWereSent(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		decimal := encoded("\x74\x22\x50\x00\x01")
		c.sender(0, "in", "q")
		c.put(0, described{codeApplication, pairs{{"kept", decimal}, {"changed", "old"}}}, data(1))
		c.receiver(1, "out", "q")
		c.credit(1, 0, 1)
		m := c.want(codeTransfer)
		const receiver, settled, failed, undeliverable = true, true, true, false
		c.send(codeDisposition, receiver, m.id(), m.id(), settled,
			described{codeModified, []any{failed, undeliverable, pairs{{symbol("changed"), decimal}, {symbol("new"), int64(1)}}}})
		c.credit(1, 1, 1)
		require.Equal(t, pairs{{"kept", decimal}, {"changed", decimal}, {"new", int64(1)}}, c.want(codeTransfer).sections(t)[codeApplication])
	}, QueueConfig{Name: "q"})
}

func TestHeaderIsTheSendersWithinTheQueuesLimits(t *testing.T) {
	for _, tc := range []struct {
		name      string
		queue     time.Duration
		sent, got []any // durable, priority, time to live in ms
	}{
		{"nothing said", 0, nil, []any{false, uint8(4), nil}},
		{"all said", 0, []any{true, uint8(9), uint32(5000)}, []any{true, uint8(9), uint32(5000)}},
		{"the queue's time to live for lack of another", time.Minute, nil, []any{false, uint8(4), uint32(60_000)}},
		{"the queue's time to live, which is shorter", time.Minute, []any{nil, nil, uint32(70_000)}, []any{false, uint8(4), uint32(60_000)}},
		{"its own time to live, which is shorter", time.Minute, []any{nil, nil, uint32(50_000)}, []any{false, uint8(4), uint32(50_000)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			byHand(t, func(t *testing.T, _ *Server, c *raw) {
				c.sender(0, "in", "q")
				c.put(0, described{codeHeader, tc.sent}, data(1))
				c.receiver(1, "out", "q")
				c.credit(1, 0, 1)
				header, _ := c.want(codeTransfer).sections(t)[codeHeader].([]any)
				require.Equal(t, tc.got, header[:3])
			}, QueueConfig{Name: "q", DefaultMessageTimeToLive: tc.queue})
		})
	}
}

func TestIDsOfDifferentTypesAreDifferent(t *testing.T) {
	byHand(t, func(t *testing.T, s *Server, c *raw) {
		c.sender(0, "in", "q")
		for _, id := range []any{"5", uint64(5), uint64(5), uuid{5}, []byte{5}, "5"} {
			c.put(0, described{codeProperties, []any{id}}, data(1))
		}
		c.wantNothing()
		active, _, _, _ := s.Broker.Counts("q")
		require.Equal(t, 4, active)
	}, QueueConfig{Name: "q", DuplicateDetectionWindow: time.Minute})
}

func TestSectionsThatMakeNoMessageAreRefused(t *testing.T) {
	for name, b := range map[string]string{
		"nothing":                 "",
		"no section":              "\x40",
		"unknown section":         "\x00\x53\x79\x40",
		"properties are no map":   "\x00\x53\x74\x45",
		"annotations are no map":  "\x00\x53\x72\xa1\x00",
		"map ends early":          "\x00\x53\x74\xc1\x04\x02\xa1\x01a",
		"section ends early":      "\x00\x53\x75\xa0\x05a",
		"described by a symbol":   "\x00\xa3\x01a\x40",
		"nothing behind a symbol": "\x00\x53",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse([]byte(b))
			require.Error(t, err)
		})
	}
}
