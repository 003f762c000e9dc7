package main

import (
	"context"
	"errors"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/bus"
	"github.com/azurepim/azure-pim/pim"
)

// queues is Service Bus as the functions see it.
type queues struct{ bus *bus.Bus }

func (q queues) Send(ctx context.Context, queue string, messages ...functions.QueueMessage) error {
	ms := make([]bus.Message, len(messages))
	for i, m := range messages {
		ms[i] = bus.Message{ID: m.ID, Body: m.Body, ContentType: m.ContentType, After: m.After, Properties: m.Properties}
	}
	return busy("Queues.Send", q.bus.SendAll(ctx, queue, ms))
}

func (q queues) DeadLetters(ctx context.Context, queue string, from int64, most int) ([]functions.DeadLetter, error) {
	found, err := q.bus.DeadLetters(ctx, queue, from, most)
	out := make([]functions.DeadLetter, len(found))
	for i, d := range found {
		out[i] = functions.DeadLetter{Sequence: d.Sequence, Queue: queue, ID: d.ID, Reason: d.Reason, Description: d.Description, Enqueued: d.Enqueued}
	}
	return out, busy("Queues.DeadLetters", err)
}

func (q queues) Resubmit(ctx context.Context, queue string, sequence int64) error {
	return busy("Queues.Resubmit", q.bus.Resubmit(ctx, queue, sequence))
}

// busy gives an error of Service Bus a code of ours.
func busy(op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bus.ErrNoDeadLetter):
		return &pim.Error{Op: op, Code: pim.CodeNotFound, Detail: "there is no such dead letter", Err: err}
	case bus.Permanent(err):
		return &pim.Error{Op: op, Code: pim.CodeInternal, Retry: pim.RetryNever, Err: err}
	}
	return &pim.Error{Op: op, Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "Service Bus cannot be reached", Err: err}
}
