package functions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// QueueMessage is one message to be sent. ID is what the queue knows a duplicate by.
type QueueMessage struct {
	ID          string
	ContentType string
	Body        []byte
	After       time.Duration // zero is now
	Properties  map[string]any
}

// DeadLetter is a message that was delivered too often.
type DeadLetter struct {
	Sequence    int64     `json:"sequence"`
	Queue       string    `json:"queue"`
	ID          string    `json:"messageId"`
	Reason      string    `json:"reason,omitempty"`
	Description string    `json:"description,omitempty"`
	Enqueued    time.Time `json:"enqueued,omitzero"`
}

// Queues is what the functions need of Service Bus.
type Queues interface {
	Send(ctx context.Context, queue string, messages ...QueueMessage) error
	// DeadLetters lists those of a queue from a sequence number on, the oldest first.
	DeadLetters(ctx context.Context, queue string, from int64, most int) ([]DeadLetter, error)
	Resubmit(ctx context.Context, queue string, sequence int64) error
}

// Outbox is the pim.Outbox that sends to queues.
type Outbox struct{ Queues Queues }

// Continue sends continuations to ourselves.
func (o Outbox) Continue(ctx context.Context, cs ...pim.Continuation) error {
	ms := make([]QueueMessage, len(cs))
	for i, c := range cs {
		b, err := json.Marshal(c)
		if err != nil {
			return err
		}
		ms[i] = QueueMessage{ID: messageID(c.Key()), ContentType: "application/json", Body: b, After: c.After}
	}
	return o.Queues.Send(ctx, ChangesQueue, ms...)
}

// Publish sends outcomes as CloudEvents in structured mode.
func (o Outbox) Publish(ctx context.Context, events ...pim.Event) error {
	ms := make([]QueueMessage, len(events))
	for i, e := range events {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		ms[i] = QueueMessage{ID: messageID(e.ID), ContentType: "application/cloudevents+json", Body: b}
	}
	return o.Queues.Send(ctx, OutcomesQueue, ms...)
}

// messageID shortens what Service Bus would not take: 128 characters at the most.
func messageID(key string) string {
	if len(key) <= 128 {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
