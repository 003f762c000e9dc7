package pim

import (
	"context"
	"strings"
	"time"
)

func (w *work) lookGive(ctx context.Context) error {
	c := &w.change
	now := time.Now().UTC()
	a := c.Access()
	i, err := w.standing(ctx, c.Request.kind(), a, now)
	if err != nil {
		return err
	}
	from, until := c.Request.span(now)
	if i != nil && (!from.After(now) || i.Until(until)) {
		w.already(ctx, i, until)
		return nil
	}
	effects := []Effect{w.give(c.Request.kind(), c.Request.Duration)}
	if c.Request.Action == Grant || c.Request.Action == Activate {
		e, err := w.eligibility(ctx, c.Request, c.Role, now)
		switch {
		case err != nil:
			return err
		// It has been decided that it stands long enough, some minutes ago at the most.
		case e != nil && (c.Decision.Make || e.Until(until.Add(-decisionHolds))):
			effects[0].Linked = linked(*e, a.Scope)
			if effects[0].Condition, err = c.bears(e.Condition); err != nil {
				return err
			}
		case c.Request.Action == Activate || !c.Decision.Make:
			return c.unmet(NotEligible, "the principal is not eligible for the role at this scope for as long")
		default:
			effects = append([]Effect{w.give(Eligibility, c.Request.eligibleFor(now))}, effects...)
			effects[0].Window.Start = nil // eligible from now on, whenever the activation starts
		}
	}
	w.plan(now, effects...)
	return nil
}

// give is the effect that makes an eligibility or an assignment.
func (w *work) give(k Kind, d Duration) Effect {
	c := &w.change
	r := w.ask(k, AdminAssign)
	if k == Assignment && c.Decision.Mode == Self {
		r.Type = SelfActivate
	}
	r.Window = Window{Duration: d}
	if s := c.Request.Start; s != nil && s.After(time.Now()) {
		r.Window.Start = s
	}
	r.Condition = c.Request.Condition
	r.Name = requestName(w.Tenant, w.change, r.Kind, r.Type)
	return r
}

// bears is the condition under which PIM is asked for something that rests on what has
// these conditions: PIM does not hand them down to what an administrator assigns.
func (c *Change) bears(held ...string) (string, error) {
	one, ok := oneCondition(append(held, c.Decision.Condition, c.Request.Condition)...)
	if !ok {
		return "", c.unmet(WrongCondition, "what it rests on has another condition")
	}
	return one, nil
}

// unmet is the error of a change that the decision allowed, and what stands does not.
func (c *Change) unmet(code ReasonCode, detail string) error {
	return &Error{Code: CodeUnmet, Unmet: []Reason{{Code: code, Rule: c.Decision.Rule, Detail: detail}}}
}

// eligibleFor is how long an eligibility lasts that a grant makes now: what the
// request says, or a day, but never shorter than the activation needs it, which may
// begin later. The rules are asked about the same length as PIM is, or about a longer
// one: it does not grow while the change waits.
func (r Request) eligibleFor(now time.Time) Duration {
	d := r.Eligible
	if d == 0 {
		d = DefaultEligible
	}
	_, until := r.span(now)
	return max(d, Duration(until.Sub(now).Round(time.Second)))
}

// linked names the eligibility's schedule: by its full id where the activation is at
// a narrower scope, where a bare GUID has been seen to fail.
func linked(e Instance, at Scope) string {
	if e.Plane == Azure && e.Scope.Key() == at.Key() {
		return e.Schedule[strings.LastIndexByte(e.Schedule, '/')+1:]
	}
	return e.Schedule
}
