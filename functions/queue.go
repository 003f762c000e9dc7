package functions

import (
	"context"
	"encoding/json"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/pim"
)

// The queues, as function.json, the Bicep and the local broker name them.
const (
	RequestsQueue = "pim-requests" // front door for others
	ChangesQueue  = "pim-changes"  // our own continuations
	OutcomesQueue = "pim-outcomes" // what we have to tell
)

// requests takes change requests from the queue that others send to. Who may send
// is the queue's to know: the caller is the queue, whatever a message says.
func (a *App) requests(ctx context.Context, m handler.Message[json.RawMessage]) error {
	caller := pim.Caller{Kind: pim.CallerQueue, ID: RequestsQueue, Message: m.Metadata["SequenceNumber"]}
	if m.Malformed != nil {
		return a.invalid(ctx, m.ID, m.DeliveryCount, &pim.Error{Code: pim.CodeInvalid, Detail: "the body is not JSON"})
	}
	bodies, many, err := bulk(m.Raw)
	if err == nil && !many {
		bodies = []json.RawMessage{m.Raw}
	}
	if err != nil {
		return a.invalid(ctx, m.ID, m.DeliveryCount, err)
	}
	var started []pim.Change
	for _, b := range bodies {
		var req pim.Request
		if err = req.UnmarshalJSON(b); err == nil && req.ID == "" {
			// A message may come twice, and only its id tells that it is the same.
			err = &pim.Error{Code: pim.CodeInvalid, Field: "id", Detail: "id is missing: a message needs one"}
		}
		var c pim.Change
		if err == nil {
			c, err = a.Engine.Start(ctx, caller, req)
		}
		switch retry, _ := pim.RetryOf(err); {
		case err == nil:
			started = append(started, c)
		case retry == pim.RetryNever || retry == pim.StepUp:
			err = a.invalid(ctx, m.ID, m.DeliveryCount, err)
		}
		if err != nil {
			return a.holdBack(ctx, m.DeliveryCount, err)
		}
	}
	if many {
		return a.holdBack(ctx, m.DeliveryCount, a.Engine.Queue(ctx, started...))
	}
	for _, c := range started {
		if _, err := a.Engine.Drive(ctx, caller, c.ID(), time.Now().Add(queueBudget)); err != nil {
			return a.holdBack(ctx, m.DeliveryCount, err)
		}
	}
	return nil
}

// advance drives a change on, as our own continuation says.
func (a *App) advance(ctx context.Context, m handler.Message[pim.Continuation]) error {
	if m.Malformed != nil || m.Body.Change == "" {
		return a.invalid(ctx, m.ID, m.DeliveryCount, &pim.Error{Code: pim.CodeInvalid, Detail: "the body is not a continuation"})
	}
	caller := pim.Caller{Kind: pim.CallerQueue, ID: ChangesQueue}
	_, err := a.Engine.Drive(ctx, caller, m.Body.Change, time.Now().Add(queueBudget))
	if pim.CodeOf(err) == pim.CodeNotFound {
		a.Log.WarnContext(ctx, "continuation of a change that the journal does not hold", "change", m.Body.Change)
		return nil // forgotten by retention, or never ours: nothing to do
	}
	return a.holdBack(ctx, m.DeliveryCount, err)
}

// resume finds what stands still, and forgets what ended long ago.
func (a *App) resume(ctx context.Context, _ handler.Tick) error {
	done, err := a.Engine.Resume(ctx, time.Now().Add(time.Minute))
	pruned := 0
	if err == nil && a.Pruner != nil && a.Retention > 0 {
		pruned, err = a.Pruner.Prune(ctx, time.Now().Add(-a.Retention))
	}
	if err == nil && a.Sweeper != nil {
		err = a.Sweeper.Settle(ctx) // changes of a sweep may have ended since it was applied
	}
	a.Log.InfoContext(ctx, "resumed", "carried", done.Carried, "told", done.Told, "expired", done.Expired, "pruned", pruned)
	return err
}

// invalid tells that a message is not what its queue is for. The message is done
// with: delivering it again would change nothing.
func (a *App) invalid(ctx context.Context, messageID string, delivery int, err error) error {
	a.Log.WarnContext(ctx, "message not taken", "message", messageID, "error", err)
	if a.Engine.Outbox == nil {
		return nil
	}
	sendErr := a.Engine.Outbox.Publish(ctx, pim.InvalidEvent(messageID, RequestsQueue, err, time.Now()))
	return a.holdBack(ctx, delivery, sendErr)
}

// holdBack keeps back an answer that fails the invocation, longer with each
// delivery: the host delivers a failed message again within milliseconds, and would
// have it dead-lettered before a fault of a second is over.
func (a *App) holdBack(ctx context.Context, delivery int, err error) error {
	if err == nil {
		return nil
	}
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
