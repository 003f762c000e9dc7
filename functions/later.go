package functions

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/pim"
)

// arrival is how a message came to us: for the first time, or sent again by us
// because what it needs was out of reach.
type arrival struct {
	queue    string
	message  string // its id when it first came
	sequence string // its number in the queue when it first came; empty if the host does not say
	attempt  int    // how often we sent it again
	delivery int    // of this one
	raw      []byte
}

// The properties by which a message that we send again is known. Whoever may send to
// the queue may forge them, and gains nothing: they number a message of just his body.
const (
	propMessage  = "pim-message"
	propSequence = "pim-sequence"
	propAttempt  = "pim-attempt"
)

func arrivalOf[T any](queue string, m handler.Message[T]) arrival {
	a := arrival{queue: queue, message: m.ID, sequence: m.Metadata["SequenceNumber"], delivery: m.DeliveryCount, raw: m.Raw}
	var own map[string]any
	if json.Unmarshal([]byte(m.Metadata["ApplicationProperties"]), &own) != nil {
		return a
	}
	attempt, _ := own[propAttempt].(string)
	n, err := strconv.Atoi(attempt)
	sequence, ok := own[propSequence].(string)
	if err != nil || n <= 0 || !ok {
		return a
	}
	a.attempt, a.sequence = n, sequence
	a.message, _ = own[propMessage].(string)
	return a
}

// digest tells the body from others: a number that somebody forged names no message but
// one that asks for the same.
func (a arrival) digest() string {
	sum := sha256.Sum256(a.raw)
	return hex.EncodeToString(sum[:8])
}

const (
	// mostAttempts is how often a message is sent again before it is left to the
	// queue's own deliveries: some four hours.
	mostAttempts = 50
	// resendFor bounds the sending, which goes on when the invocation's time is over.
	resendFor = 15 * time.Second
)

// later has a message come again, since err may pass: it is sent to its queue once
// more, for a later time, and this delivery is done with. Only where that cannot be
// sent does the invocation fail.
func (a *App) later(ctx context.Context, from arrival, err error) error {
	if err == nil {
		return nil
	}
	if a.Queues == nil || from.sequence == "" || from.attempt >= mostAttempts {
		return a.holdBack(ctx, from.delivery, err)
	}
	next := from.attempt + 1
	wait := min(5*time.Second<<min(from.attempt, 6), 5*time.Minute)
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), resendFor)
	defer cancel()
	sendErr := a.Queues.Send(bound, from.queue, QueueMessage{
		// The same for whoever else has this delivery: one of them is enough.
		ID:          messageID("later/" + from.sequence + "/" + strconv.Itoa(next) + "/" + from.digest()),
		ContentType: "application/json", Body: from.raw, After: wait,
		Properties: map[string]any{propMessage: from.message, propSequence: from.sequence, propAttempt: strconv.Itoa(next)},
	})
	if sendErr != nil {
		return a.holdBack(ctx, from.delivery, err)
	}
	a.Log.WarnContext(ctx, "message waits", "message", from.message, "attempt", next, "wait", wait, "error", err)
	return nil
}

// holdBack keeps back an answer that fails the invocation, longer with each
// delivery: the host delivers a failed message again within milliseconds, and would
// have it dead-lettered before a fault of a second is over.
func (a *App) holdBack(ctx context.Context, delivery int, err error) error {
	wait := min(time.Second<<min(max(delivery, 1), 7), 2*time.Minute)
	a.Log.WarnContext(ctx, "message will be delivered again", "delivery", delivery, "wait", wait, "error", err)
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return err
}

// invalid tells that what came is not what its queue is for. It is done with:
// delivering it again would change nothing.
func (a *App) invalid(ctx context.Context, from arrival, m pim.Misfit, err error) error {
	if from.message == "" && from.sequence == "" {
		// Else all of which nothing is known would be told as one and the same.
		from.message = handler.InvocationID(ctx)
	}
	a.Log.WarnContext(ctx, "message not taken", "message", from.message, "element", m.Element, "error", err)
	if a.Engine.Outbox == nil {
		return nil
	}
	m.Queue, m.Message, m.Sequence, m.Digest = from.queue, from.message, from.sequence, from.digest()
	return a.Engine.Outbox.Publish(ctx, pim.InvalidEvent(m, err, time.Now()))
}
