package pim

import (
	"context"
	"time"
)

// decide weighs the request and records the decision before anything is done. An
// approval that has been given leads here again: the rules may have changed since.
func (w *work) decide(ctx context.Context) error {
	c := &w.change
	caller := c.Caller
	if w.caller.String() == caller.String() {
		caller.Token = w.caller.Token // the journal keeps none
	}
	role, d, err := w.weigh(ctx, caller, c.Request)
	if err != nil {
		w.later(ctx, err)
		return nil
	}
	now := time.Now().UTC()
	c.Role, c.Decision = role, d
	c.Decision.At = now
	// The audit line comes first: a grant we cannot account for must not happen.
	if err := w.audit(ctx, c.record(AuditDecision, now)); err != nil {
		w.unaudited(ctx, err)
		return nil
	}
	switch {
	case !d.Allowed:
		c.Fault = faultOf(d.err(""))
		c.State = Refused
		c.enter(StepEnd, now)
		c.tell(EventRefused, now)
	case d.Approval != nil && !c.approved(d.Approval.Group):
		c.State = AwaitingApproval
		c.Stuck, c.Missing = time.Time{}, time.Time{}
		c.Due = now.Add(time.Duration(d.Approval.Within))
		c.tell(EventApproval, now)
	default:
		c.enter(StepLook, now)
		c.tell(EventDecided, now)
	}
	return nil
}

// approved reports whether a member of the group has agreed.
func (c Change) approved(group string) bool {
	for _, v := range c.Votes {
		if v.Approve && v.Group == group {
			return true
		}
	}
	return false
}

// expireApproval ends a change that nobody has approved in time.
func (w *work) expireApproval(ctx context.Context) {
	w.change.Fault = &Fault{Code: CodeRefused, Reasons: []Reason{{Code: NotApproved, Rule: w.change.Decision.Rule, Detail: "nobody approved in time"}}}
	w.end(ctx, Refused, EventRefused)
}
