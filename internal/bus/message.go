package bus

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
)

const (
	// MaxIDLength is the most characters of a message id (Service Bus quotas).
	MaxIDLength = 128

	// maxBatchCount is the most messages of a batch in the Standard tier; above
	// it the service answers as if it were broken (Azure/azure-service-bus 397).
	maxBatchCount = 4500
)

// Message is one message to send.
type Message struct {
	// ID names what the message asks for: queues that detect duplicates keep
	// the first message of an id. At most MaxIDLength characters; empty means a
	// random one.
	ID string

	Body        []byte
	ContentType string
	Subject     string

	// Properties are the application properties: booleans, numbers, strings,
	// times.
	Properties map[string]any

	// After is how long the message waits before it can be received. Duplicates
	// are found from the time it is sent, not from when it is due.
	After time.Duration
}

// encode returns m as azservicebus takes it.
func (m Message) encode(now time.Time) *azservicebus.Message {
	if m.ID == "" {
		m.ID = uuid.NewString() // here, so that it is the same in each try
	}
	out := &azservicebus.Message{MessageID: &m.ID, Body: m.Body, ApplicationProperties: m.Properties}
	if m.ContentType != "" {
		out.ContentType = &m.ContentType
	}
	if m.Subject != "" {
		out.Subject = &m.Subject
	}
	if m.After > 0 {
		due := now.Add(m.After).UTC()
		out.ScheduledEnqueueTime = &due
	}
	return out
}

// Send sends one message and returns once the queue holds it.
func (b *Bus) Send(ctx context.Context, queue string, m Message) error {
	return b.SendAll(ctx, queue, []Message{m})
}

// SendAll sends messages, in order and in as few batches as they fit in. If a
// message can never be sent, none is, and the error names it. After any other
// error some may have been sent: send them all again.
func (b *Bus) SendAll(ctx context.Context, queue string, ms []Message) error {
	now := time.Now()
	list := make([]*azservicebus.Message, len(ms))
	for i, m := range ms {
		if n := utf8.RuneCountInString(m.ID); n > MaxIDLength {
			return fail("send to", queue, refuse(i, m.ID, fmt.Errorf("its id of %d characters is longer than %d", n, MaxIDLength)))
		}
		list[i] = m.encode(now)
	}
	err := b.do(ctx, func(ctx context.Context, c *connection) error { return c.send(ctx, queue, list) })
	return fail("send to", queue, err)
}

// refuse is the error about a message that can never be sent.
func refuse(index int, id string, why error) error {
	return &Error{op: fmt.Sprintf("message %d (id %.*q)", index, MaxIDLength, id), err: why, permanent: true}
}

func (c *connection) send(ctx context.Context, queue string, ms []*azservicebus.Message) error {
	var batches []*azservicebus.MessageBatch
	return c.withSender(ctx, queue, func(s *azservicebus.Sender) error {
		if batches == nil {
			var err error
			if batches, err = pack(ctx, s, ms); err != nil {
				return err
			}
		}
		for len(batches) > 0 {
			if err := s.SendMessageBatch(ctx, batches[0], nil); err != nil {
				return err
			}
			batches = batches[1:]
		}
		return nil
	})
}

// pack fills batches. A single message is a batch of its own, so that one that
// does not fit or cannot be encoded is found before anything is sent: the
// client would take it for a broken connection.
func pack(ctx context.Context, s *azservicebus.Sender, ms []*azservicebus.Message) ([]*azservicebus.MessageBatch, error) {
	batches := []*azservicebus.MessageBatch{}
	var b *azservicebus.MessageBatch
	for i, m := range ms {
		err := azservicebus.ErrMessageTooLarge
		if b != nil && b.NumMessages() < maxBatchCount {
			err = b.AddMessage(m, nil)
		}
		if errors.Is(err, azservicebus.ErrMessageTooLarge) { // begin the next batch
			var open error
			if b, open = s.NewMessageBatch(ctx, nil); open != nil {
				return nil, open
			}
			batches = append(batches, b)
			err = b.AddMessage(m, nil)
		}
		if err != nil {
			return nil, refuse(i, *m.MessageID, err)
		}
	}
	return batches, nil
}
