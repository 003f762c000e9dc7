package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
)

var errTaken = errors.New("somebody else has it")

// Resubmit sends a dead letter to its queue again, under a new id, and then
// removes it. If the process dies in between, the letter is still there and
// Resubmit may be called again: the new id follows from the old one, so that
// the queue drops the second copy while it remembers the first.
//
// It fails with ErrNoDeadLetter if there is no such letter, and with an error
// that is not [Permanent] while somebody else has it.
func (b *Bus) Resubmit(ctx context.Context, queue string, sequence int64) error {
	err := b.do(ctx, func(ctx context.Context, c *connection) error { return c.resubmit(ctx, queue, sequence) })
	return fail(fmt.Sprintf("resubmit dead letter %d of", sequence), queue, err)
}

func (c *connection) resubmit(ctx context.Context, queue string, sequence int64) error {
	var t taken
	err := c.withDeadLetters(ctx, queue, func(r *azservicebus.Receiver) (err error) {
		t, err = take(ctx, r, sequence)
		return err
	})
	if err != nil && len(t.others) == 0 {
		return err
	}
	// Settled on a link of their own: on the one that took them, letters that
	// are given back would come at once again.
	settle := c.withDeadLetters(ctx, queue, func(r *azservicebus.Receiver) error {
		defer giveBack(ctx, r, t.others...)
		if t.letter == nil {
			return nil
		}
		if err := c.send(ctx, queue, []*azservicebus.Message{renewed(t.letter)}); err != nil {
			giveBack(ctx, r, t.letter)
			return err
		}
		return r.CompleteMessage(ctx, lock(t.letter), nil)
	})
	return errors.Join(err, settle)
}

// taken are locked letters: the one that was asked for, and those that had to
// be taken to get at it.
type taken struct {
	letter *azservicebus.ReceivedMessage
	others []*azservicebus.ReceivedMessage
}

// take locks the dead letter with the given number. Service Bus hands out only
// the oldest, so those before it are locked too.
func take(ctx context.Context, r *azservicebus.Receiver, sequence int64) (taken, error) {
	n, err := place(ctx, r, sequence)
	if err != nil {
		return taken{}, err
	}
	// What is neither here by then nor newer is locked by somebody.
	const patience = 5 * time.Second
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var t taken
	for t.letter == nil && len(t.others) < n {
		ms, err := r.ReceiveMessages(wait, n-len(t.others), nil)
		if err != nil && wait.Err() != nil && ctx.Err() == nil {
			return t, errTaken
		}
		if err != nil {
			return t, err
		}
		for _, m := range ms {
			if *m.SequenceNumber == sequence {
				t.letter = m
			} else {
				t.others = append(t.others, m)
			}
		}
	}
	if t.letter == nil {
		return t, errTaken
	}
	return t, nil
}

// place returns how many dead letters there are up to the given one.
func place(ctx context.Context, r *azservicebus.Receiver, sequence int64) (int, error) {
	const page = 100
	n, from := 0, int64(0)
	for {
		ms, err := r.PeekMessages(ctx, page, &azservicebus.PeekMessagesOptions{FromSequenceNumber: &from})
		if err != nil {
			return 0, err
		}
		if len(ms) == 0 {
			return 0, ErrNoDeadLetter
		}
		for _, m := range ms {
			n++
			if *m.SequenceNumber == sequence {
				return n, nil
			}
			from = *m.SequenceNumber + 1
		}
		if from > sequence {
			return 0, ErrNoDeadLetter
		}
	}
}

// giveBack unlocks letters. One that cannot be unlocked is free again when its
// lock expires.
func giveBack(ctx context.Context, r *azservicebus.Receiver, ms ...*azservicebus.ReceivedMessage) {
	for _, m := range ms {
		if r.AbandonMessage(ctx, lock(m), nil) != nil {
			return
		}
	}
}

// lock is what it takes to settle m on any link.
func lock(m *azservicebus.ReceivedMessage) *azservicebus.ReceivedMessage {
	return &azservicebus.ReceivedMessage{LockToken: m.LockToken}
}

// resubmitted is the namespace of the ids of resubmitted messages.
var resubmitted = uuid.MustParse("7c1f0a54-3f0e-4b5e-9d2a-6d1c7f3b8e20")

// attempts counts how often the app has sent the message again by itself. Whoever sends
// a dead letter again has mended something: it begins anew, but for its first number,
// which the other properties keep.
const attempts = "pim-attempt"

// renewed is the message of a dead letter, under an id that only this letter
// leads to, and without what was said of its death.
func renewed(m *azservicebus.ReceivedMessage) *azservicebus.Message {
	out := m.Message()
	id := uuid.NewSHA1(resubmitted, fmt.Appendf(nil, "%s/%d", m.MessageID, *m.SequenceNumber)).String()
	out.MessageID = &id
	if out.CorrelationID == nil {
		out.CorrelationID = &m.MessageID
	}
	out.TimeToLive = nil // the queue's: what was left of its own time is over
	if _, ok := out.ApplicationProperties[attempts]; ok {
		out.ApplicationProperties[attempts] = "1"
	}
	delete(out.ApplicationProperties, "DeadLetterReason")
	delete(out.ApplicationProperties, "DeadLetterErrorDescription")
	return out
}
