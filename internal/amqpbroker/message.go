package amqpbroker

import (
	"crypto/rand"
	"time"
)

// messageState is the value of the annotation x-opt-message-state.
type messageState int32

const (
	stateActive messageState = iota
	stateDeferred
	stateScheduled
)

// message is a stored message. The zero times mean "never".
type message struct {
	*content
	state      messageState
	sequence   int64
	enqueued   time.Time
	ttl        time.Duration // the shorter of the sender's and the queue's; zero: no expiry
	expires    time.Time
	scheduled  time.Time
	deliveries uint32 // deliveries that failed
	group      string // session id
	source     string // queue a dead letter came from

	locked      bool
	token       uuid
	lockedUntil time.Time

	due            time.Time // when the queue has to see to it
	inReady, inDue int       // places in the queue's piles
}

// available tells whether m is anybody's who asks for a message.
func (m *message) available() bool { return m.state == stateActive && !m.locked }

func (m *message) expired(now time.Time) bool {
	return m.available() && !m.expires.IsZero() && !now.Before(m.expires)
}

// brokers are the annotations that no sender can set.
var brokers = map[string]bool{
	"x-opt-sequence-number":         true,
	"x-opt-enqueued-time":           true,
	"x-opt-enqueue-sequence-number": true,
	"x-opt-message-state":           true,
	"x-opt-deadletter-source":       true,
	"x-opt-locked-until":            true,
	"x-opt-lock-token":              true,
}

// encode returns m as a receiver gets it: with the broker's annotations, and
// the lock token if it is locked.
func (m *message) encode() []byte {
	const defaultPriority = uint8(4) // AMQP 1.0 part 3, 3.2.1
	header := []any{m.header.bool(0), defaultPriority, nil, false, m.deliveries}
	if p, ok := m.header.at(1).(uint8); ok {
		header[1] = p
	}
	if m.ttl > 0 {
		header[2] = uint32(min(m.ttl.Milliseconds(), 1<<32-1))
	}
	annotations := pairs{
		{symbol("x-opt-sequence-number"), m.sequence},
		{symbol("x-opt-enqueued-time"), m.enqueued},
		{symbol("x-opt-message-state"), int32(m.state)},
	}
	if m.source != "" {
		annotations = append(annotations, pair{symbol("x-opt-deadletter-source"), m.source},
			pair{symbol("x-opt-enqueue-sequence-number"), m.sequence})
	}
	if m.locked {
		annotations = append(annotations, pair{symbol("x-opt-locked-until"), m.lockedUntil})
	}
	for _, p := range m.annotations {
		if !brokers[p.name()] {
			annotations = append(annotations, p)
		}
	}
	b := appendValue(nil, described{codeHeader, header})
	if m.locked {
		b = appendValue(b, described{codeDeliveryAnnotations, pairs{{symbol("x-opt-lock-token"), m.token}}})
	}
	b = appendValue(b, described{codeAnnotations, annotations})
	if len(m.properties) > 0 {
		b = appendValue(b, described{codeProperties, []any(m.properties)})
	}
	if len(m.application) > 0 {
		b = appendValue(b, described{codeApplication, m.application})
	}
	return append(b, m.body...)
}

func newToken() uuid {
	var t uuid
	_, _ = rand.Read(t[:]) // never fails
	return t
}

// deliveryTag is the token in the byte order of a .NET GUID, which Service Bus
// uses for delivery tags and clients turn back into the lock token.
func (t uuid) deliveryTag() []byte {
	t[0], t[3] = t[3], t[0]
	t[1], t[2] = t[2], t[1]
	t[4], t[5] = t[5], t[4]
	t[6], t[7] = t[7], t[6]
	return t[:]
}
