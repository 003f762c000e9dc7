package functions

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
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
	from := arrivalOf(RequestsQueue, m)
	return a.later(ctx, from, a.take(ctx, from, m))
}

// take starts what a message asks for. Its error may pass, and then the whole of the
// message may be taken again.
func (a *App) take(ctx context.Context, from arrival, m handler.Message[json.RawMessage]) error {
	if m.Malformed != nil {
		detail := "the body is not JSON"
		if errors.Is(m.Malformed, handler.ErrTooLarge) {
			detail = handler.ErrTooLarge.Error()
		}
		return a.invalid(ctx, from, pim.Misfit{}, &pim.Error{Code: pim.CodeInvalid, Detail: detail})
	}
	bodies, many, err := bulk(m.Raw)
	if err != nil {
		return a.invalid(ctx, from, pim.Misfit{}, err)
	}
	if !many {
		bodies = []json.RawMessage{m.Raw}
	}
	caller := pim.Caller{Kind: pim.CallerQueue, ID: RequestsQueue, Message: from.sequence}
	changes, errs := make([]pim.Change, len(bodies)), make([]error, len(bodies))
	beside(bodies, func(e element) {
		misfit := pim.Misfit{Change: idOf(e.body)}
		if many {
			misfit.Element = e.index + 1
		}
		err := e.err
		if err == nil && e.req.ID == "" {
			// A message may come twice, and only its id tells that it is the same.
			err = &pim.Error{Code: pim.CodeInvalid, Field: "id", Detail: "id is missing: a message needs one"}
		}
		var c pim.Change
		if err == nil {
			c, err = a.Engine.Start(ctx, caller, e.req)
		}
		if err != nil && unfit(err) {
			err = a.invalid(ctx, from, misfit, err)
		}
		changes[e.index], errs[e.index] = c, err
	})
	// One that has to come again keeps none of the others back: they may all be asked again.
	again := firstOf(errs)
	started := slices.DeleteFunc(changes, func(c pim.Change) bool { return c.ID() == "" })
	if many {
		return errors.Join(a.Engine.Queue(ctx, started...), again)
	}
	for _, c := range started {
		again = a.drive(ctx, caller, c.ID())
	}
	return again
}

// firstOf is the first error, and stands for all.
func firstOf(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// idOf is the id that a body gives itself, whatever else is wrong with it.
func idOf(b []byte) string {
	var body struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(b, &body) != nil || pim.CheckID(body.ID) != nil {
		return ""
	}
	return body.ID
}

// unfit reports whether err lies with the request, so that no other time is better.
func unfit(err error) bool {
	switch pim.CodeOf(err) {
	case pim.CodeInvalid, pim.CodeConflict, pim.CodeRefused, pim.CodeUnmet, pim.CodeRejected, pim.CodeStepUp, pim.CodeNotFound:
		retry, _ := pim.RetryOf(err)
		return retry == pim.RetryNever || retry == pim.StepUp
	}
	return false
}

// advance drives a change on, as our own continuation says.
func (a *App) advance(ctx context.Context, m handler.Message[pim.Continuation]) error {
	from := arrivalOf(ChangesQueue, m)
	if m.Malformed != nil || m.Body.Change == "" {
		return a.later(ctx, from, a.invalid(ctx, from, pim.Misfit{}, &pim.Error{Code: pim.CodeInvalid, Detail: "the body is not a continuation"}))
	}
	err := a.drive(ctx, pim.Caller{Kind: pim.CallerQueue, ID: ChangesQueue}, m.Body.Change)
	if pim.CodeOf(err) == pim.CodeNotFound {
		a.Log.WarnContext(ctx, "continuation of a change that the journal does not hold", "change", m.Body.Change)
		return nil // forgotten by retention, or never ours: nothing to do
	}
	return a.later(ctx, from, err)
}

// drive takes a change as far as one invocation of a queue should.
func (a *App) drive(ctx context.Context, caller pim.Caller, id string) error {
	ctx, cancel := context.WithTimeout(ctx, queueLimit)
	defer cancel()
	_, err := a.Engine.Drive(ctx, caller, id, time.Now().Add(queueBudget))
	return err
}
