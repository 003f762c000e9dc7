package bus

import (
	"context"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
)

// DeadLetter is a message that was given up.
type DeadLetter struct {
	Sequence    int64 // in the dead-letter queue; names it there
	ID          string
	Subject     string
	Reason      string // such as MaxDeliveryCountExceeded
	Description string
	Enqueued    time.Time
}

func newDeadLetter(m *azservicebus.ReceivedMessage) DeadLetter {
	d := DeadLetter{
		Sequence:    *m.SequenceNumber,
		ID:          m.MessageID,
		Subject:     str(m.Subject),
		Reason:      str(m.DeadLetterReason),
		Description: str(m.DeadLetterErrorDescription),
	}
	if m.EnqueuedTime != nil {
		d.Enqueued = *m.EnqueuedTime
	}
	return d
}

// peekAtOnce bounds how many messages, whole as they are, one answer holds.
const peekAtOnce = 100

// DeadLetters returns the oldest dead letters of the queue from a sequence number
// on, at most max of them and without their bodies. They stay where they are.
func (b *Bus) DeadLetters(ctx context.Context, queue string, from int64, max int) ([]DeadLetter, error) {
	var out []DeadLetter
	err := b.do(ctx, func(ctx context.Context, c *connection) error {
		return c.withDeadLetters(ctx, queue, func(r *azservicebus.Receiver) error {
			var letters []DeadLetter
			from := from // f may be called again
			for len(letters) < max {
				ms, err := r.PeekMessages(ctx, min(max-len(letters), peekAtOnce), &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
				if err != nil {
					return err
				}
				if len(ms) == 0 {
					break
				}
				for _, m := range ms { // the service may return fewer than there are
					letters = append(letters, newDeadLetter(m))
				}
				from = letters[len(letters)-1].Sequence + 1
			}
			out = letters
			return nil
		})
	})
	if err != nil {
		return nil, fail("list dead letters of", queue, err)
	}
	return out, nil
}

// withDeadLetters calls f with a receiver of the queue's dead letters.
func (c *connection) withDeadLetters(ctx context.Context, queue string, f func(*azservicebus.Receiver) error) error {
	r, err := c.client.NewReceiverForQueue(queue, &azservicebus.ReceiverOptions{SubQueue: azservicebus.SubQueueDeadLetter})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close(ctx) }() // what it had locked is free again in time
	return f(r)
}

func str(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
