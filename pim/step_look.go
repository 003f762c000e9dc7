package pim

import (
	"context"
	"time"
)

const (
	// MinActive is how long an assignment must have been active before PIM lets it
	// be ended: until then it answers ActiveDurationTooShort.
	MinActive = 5 * time.Minute
	// unseen is how long after a request an instance may be missing from listings:
	// more than a minute has been observed on ARM.
	unseen = 2 * time.Minute
)

// look reads what stands and chooses the effects that are still missing. What
// stands already is not asked for again.
func (w *work) look(ctx context.Context) {
	var err error
	switch w.change.Request.Action {
	case Grant, Activate, MakeEligible, Assign:
		err = w.lookGive(ctx)
	case Deactivate, RemoveEligible:
		err = w.lookRemove(ctx)
	case Extend, Renew:
		err = w.lookProlong(ctx)
	case Cancel:
		err = w.lookCancel(ctx)
	default:
		err = &Error{Code: CodeInternal, Detail: "the journal names an unknown action"}
	}
	if err != nil {
		w.later(ctx, err)
	}
}

// kind is the side of PIM that the action leaves its mark on.
func (r Request) kind() Kind {
	switch r.Action {
	case MakeEligible, RemoveEligible:
		return Eligibility
	case Extend, Renew:
		return r.Kind
	}
	return Assignment
}

// span is when what a request asks for starts and ends, if it begins now.
func (r Request) span(now time.Time) (from, until time.Time) {
	from = now
	if r.Start != nil && r.Start.After(now) {
		from = *r.Start
	}
	return from, from.Add(time.Duration(r.Duration))
}

// ask is an effect without its window and name.
func (w *work) ask(k Kind, t RequestType) Effect {
	c := &w.change
	return Effect{ScheduleRequest: ScheduleRequest{
		Kind: k, Type: t, Access: c.Access(), Justification: c.Request.Justification, Ticket: c.Request.Ticket,
	}}
}

// plan sets what is to be done.
func (w *work) plan(now time.Time, effects ...Effect) {
	for i := range effects {
		e := &effects[i]
		if e.Name != "" && w.change.Request.Plane != Azure && w.change.Request.Action != Cancel {
			e.Mark, e.Name = e.Name[:13], "" // the service will choose the name
		}
		for _, old := range w.change.Effects {
			if old.Tried > 0 && old.Kind == e.Kind && old.Type == e.Type && (old.Mark == e.Mark && e.Mark != "" || old.Name == e.Name) {
				// Chosen anew in the same run: it may be there, though listings do not show
				// it yet, and is looked for before it is asked for again.
				e.Name, e.Tried, e.Asked = old.Name, old.Tried, old.Asked
			}
		}
	}
	w.change.Effects, w.change.Current = effects, 0
	w.change.enter(StepSubmit, now)
}

// already ends a change that the tenant needs no effect for.
func (w *work) already(ctx context.Context, i *Instance, until time.Time) {
	res := &Result{Already: true, Confirmed: true}
	if i != nil {
		res.From, res.Until = i.Start, i.End
		if i.End != nil && i.End.Before(until) {
			res.Note = "it stands already, and ends sooner than asked for: extend it, or end it and ask again"
		}
	}
	w.change.Result = res
	w.end(ctx, Done, w.change.Request.Action.outcome())
}

// outcome is the event of an action that is done.
func (a Action) outcome() EventType {
	if a.gives() {
		return EventGranted
	}
	return EventEnded
}
