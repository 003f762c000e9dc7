package pim

import (
	"context"
	"time"
)

// Vote is what one approver said.
type Vote struct {
	By      string    `json:"by"`
	Group   string    `json:"group"` // the group by whose membership
	Approve bool      `json:"approve"`
	Why     string    `json:"why,omitempty"`
	At      time.Time `json:"at"`
}

// Ballot is what an approver sends.
type Ballot struct {
	Digest  string `json:"digest"` // of the change as the approver saw it
	Approve bool   `json:"approve"`
	Why     string `json:"justification"`
}

// Vote decides a change that awaits approval. The approver is a person with a
// verified token, a member of the group that the rule names, neither who asked nor
// who gains; the ballot names the exact change, and counts once. An approved change
// is decided anew before it is done.
func (e *Engine) Vote(ctx context.Context, caller Caller, id string, b Ballot) (Change, error) {
	const op = "Engine.Vote"
	c, err := e.Ledger.Load(ctx, id)
	if err != nil {
		return Change{}, at(op, err)
	}
	now := time.Now().UTC()
	no := func(code Code, detail string) (Change, error) {
		return Change{}, &Error{Op: op, Code: code, Detail: detail}
	}
	switch {
	case caller.Kind != CallerUser || caller.ID == "":
		return no(CodeRefused, "an approver is a person with a token of their own")
	case c.State != AwaitingApproval || !now.Before(c.Due) || c.Decision.Approval == nil:
		return no(CodeConflict, "the change does not await approval")
	case b.Digest != c.Digest:
		return no(CodeConflict, "the change is not the one that was looked at")
	case caller.ID == c.Caller.ID || caller.ID == c.Request.Principal:
		return no(CodeRefused, "nobody approves what they asked for or gain by")
	case len([]rune(b.Why)) > maxJustification:
		return no(CodeInvalid, "the justification is too long")
	}
	group := c.Decision.Approval.Group
	in, err := e.Client.MemberOf(ctx, caller.ID, []string{group})
	if err != nil {
		return Change{}, at(op, err)
	}
	if len(in) != 1 || in[0] != group {
		return no(CodeRefused, "only members of the approvers' group decide")
	}
	r := c.record(AuditVote, now)
	r.Caller, r.Allowed = caller.String(), b.Approve
	if err := e.audit(ctx, r); err != nil {
		return Change{}, &Error{Op: op, Code: CodeInternal, Detail: "the audit log cannot be written", Err: err}
	}
	c.Votes = append(c.Votes, Vote{By: caller.String(), Group: group, Approve: b.Approve, Why: b.Why, At: now})
	c.Updated = now
	if b.Approve {
		c.State = Pending
		c.enter(StepDecide, now)
	} else {
		c.Fault = &Fault{Code: CodeRefused, Reasons: []Reason{{Code: NotApproved, Rule: c.Decision.Rule, Detail: "an approver said no"}}}
		c.State = Refused
		c.enter(StepEnd, now)
		c.tell(EventRefused, now)
	}
	c, err = e.Ledger.Save(ctx, c)
	return c, at(op, err) // CodeConflict: somebody else decided first
}
