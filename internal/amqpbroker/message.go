package amqpbroker

import (
	"crypto/rand"
	"maps"
	"time"

	"github.com/Azure/go-amqp"
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
	body       *amqp.Message
	state      messageState
	sequence   int64
	enqueued   time.Time
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

// setProperties adds application properties.
func (m *message) setProperties(p map[string]any) {
	if m.body.ApplicationProperties == nil {
		m.body.ApplicationProperties = map[string]any{}
	}
	maps.Copy(m.body.ApplicationProperties, p)
}

// encode returns m as a receiver gets it: with the broker's annotations, and
// the lock token if it is locked.
func (m *message) encode() ([]byte, error) {
	c := *m.body
	// The header is written by hand: clients read the delivery count even when
	// it is zero, which go-amqp leaves out.
	const defaultPriority = uint8(4) // AMQP 1.0 part 3, 3.2.1
	header := []any{false, defaultPriority, nil, false, m.deliveries}
	if h := c.Header; h != nil {
		header[0] = h.Durable
		if h.TTL > 0 {
			header[2] = uint32(min(h.TTL.Milliseconds(), 1<<32-1))
		}
	}
	c.Header = nil
	c.Annotations = amqp.Annotations{
		"x-opt-sequence-number": m.sequence,
		"x-opt-enqueued-time":   m.enqueued.UTC(),
		"x-opt-message-state":   int32(m.state),
	}
	for k, v := range m.body.Annotations {
		if _, ours := c.Annotations[k]; !ours {
			c.Annotations[k] = v
		}
	}
	if m.source != "" {
		c.Annotations["x-opt-deadletter-source"] = m.source
	}
	if m.locked {
		c.Annotations["x-opt-locked-until"] = m.lockedUntil.UTC()
		c.DeliveryAnnotations = amqp.Annotations{"x-opt-lock-token": amqp.UUID(m.token)}
	}
	sections, err := c.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return append(appendValue(nil, described{codeHeader, header}), sections...), nil
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
