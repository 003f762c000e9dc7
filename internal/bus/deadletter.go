package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
)

// DeadLetter is a message that was given up.
type DeadLetter struct {
	Sequence    int64 // in the dead-letter queue; names it there
	ID          string
	Subject     string
	Reason      string // such as MaxDeliveryCountExceeded
	Description string
	Enqueued    time.Time
	Body        []byte
}

func newDeadLetter(m *azservicebus.ReceivedMessage) DeadLetter {
	d := DeadLetter{
		Sequence:    *m.SequenceNumber,
		ID:          m.MessageID,
		Subject:     str(m.Subject),
		Reason:      str(m.DeadLetterReason),
		Description: str(m.DeadLetterErrorDescription),
		Body:        m.Body,
	}
	if m.EnqueuedTime != nil {
		d.Enqueued = *m.EnqueuedTime
	}
	return d
}

// DeadLetters returns the oldest dead letters of the queue, at most max of
// them. They stay where they are.
func (b *Bus) DeadLetters(ctx context.Context, queue string, max int) ([]DeadLetter, error) {
	var out []DeadLetter
	err := b.do(ctx, func(ctx context.Context, c *connection) error {
		return c.withDeadLetters(ctx, queue, func(r *azservicebus.Receiver) error {
			var letters []DeadLetter
			from := int64(0)
			for len(letters) < max {
				ms, err := r.PeekMessages(ctx, max-len(letters), &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
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

// Resubmit sends a dead letter to its queue again, under a new id, and then
// removes it. If the process dies in between, the letter is still there and
// Resubmit may be called again: the new id follows from the old one, so that
// the queue drops the second copy while it remembers the first.
//
// It fails with ErrNoDeadLetter if there is no such letter, and with an error
// that is not [Permanent] while somebody else has it.
func (b *Bus) Resubmit(ctx context.Context, queue string, sequence int64) error {
	err := b.do(ctx, func(ctx context.Context, c *connection) error {
		return c.withDeadLetters(ctx, queue, func(r *azservicebus.Receiver) error {
			m, others, err := take(ctx, r, sequence)
			defer giveBack(ctx, r, others)
			if err != nil {
				return err
			}
			if err := c.send(ctx, queue, []*azservicebus.Message{renewed(m)}); err != nil {
				giveBack(ctx, r, []*azservicebus.ReceivedMessage{m})
				return err
			}
			return r.CompleteMessage(ctx, m, nil)
		})
	})
	return fail(fmt.Sprintf("resubmit dead letter %d of", sequence), queue, err)
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

// take locks the dead letter with the given number. Service Bus hands out only
// the oldest, so those before it are locked too, and returned as others.
func take(ctx context.Context, r *azservicebus.Receiver, sequence int64) (m *azservicebus.ReceivedMessage, others []*azservicebus.ReceivedMessage, err error) {
	peeked, err := r.PeekMessages(ctx, 1, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &sequence})
	if err != nil {
		return nil, nil, err
	}
	if len(peeked) == 0 || *peeked[0].SequenceNumber != sequence {
		return nil, nil, ErrNoDeadLetter
	}
	const patience = 5 * time.Second // then all that is left is locked by somebody
	for m == nil {
		wait, cancel := context.WithTimeout(ctx, patience)
		ms, err := r.ReceiveMessages(wait, 100, nil)
		cancel()
		if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return nil, others, errors.New("somebody else has it")
		}
		if err != nil {
			return nil, others, err
		}
		for _, got := range ms {
			if *got.SequenceNumber == sequence {
				m = got
			} else {
				others = append(others, got)
			}
		}
	}
	return m, others, nil
}

// giveBack unlocks messages. What cannot be unlocked is free again when its
// lock expires.
func giveBack(ctx context.Context, r *azservicebus.Receiver, ms []*azservicebus.ReceivedMessage) {
	for _, m := range ms {
		if r.AbandonMessage(ctx, m, nil) != nil {
			return
		}
	}
}

// resubmitted is the namespace of the ids of resubmitted messages.
var resubmitted = uuid.MustParse("7c1f0a54-3f0e-4b5e-9d2a-6d1c7f3b8e20")

// renewed is the message of a dead letter, under an id that only this letter
// leads to, and without what was said of its death.
func renewed(m *azservicebus.ReceivedMessage) *azservicebus.Message {
	out := m.Message()
	id := uuid.NewSHA1(resubmitted, fmt.Appendf(nil, "%s/%d", m.MessageID, *m.SequenceNumber)).String()
	out.MessageID = &id
	if out.CorrelationID == nil {
		out.CorrelationID = &m.MessageID
	}
	out.ScheduledEnqueueTime = nil
	out.TimeToLive = nil // the queue's: what was left of its own time is over
	delete(out.ApplicationProperties, "DeadLetterReason")
	delete(out.ApplicationProperties, "DeadLetterErrorDescription")
	return out
}

func str(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
