package pim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
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
	Digest  string `json:"digest"` // the [Change.Seal] that the approver saw; PIM's own approvals have none
	Approve bool   `json:"approve"`
	Why     string `json:"justification"`
}

// Seal is a SHA-256 over what an approver agrees to: what is asked for, by whom, and
// in which run. The same request asked again, or by another, needs another agreement.
func (c Change) Seal() string {
	b, err := json.Marshal([]any{c.ID(), c.Digest, c.Caller.String(), c.Generation})
	if err != nil {
		panic("strings can always be written: " + err.Error())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// check finds what is wrong with what the approver wrote.
func (b Ballot) check() error {
	if len([]rune(b.Why)) > maxJustification {
		return invalid("justification", "justification is longer than %d characters", maxJustification)
	}
	if strings.ContainsFunc(b.Why, unprintable) {
		return invalid("justification", "justification holds a control or text direction character")
	}
	return nil
}

// gainers is who would gain by the change besides the principal itself: the members of
// a principal that is a group.
func (e *Engine) gainers(ctx context.Context, principal string) ([]string, error) {
	p, err := e.Client.Principal(ctx, principal)
	switch {
	case CodeOf(err) == CodeNotFound:
		return nil, nil // nobody gains what is given to nobody
	case err != nil:
		return nil, err
	case p.Type == TypeUser || p.Type == TypeServicePrincipal:
		return nil, nil
	}
	return []string{principal}, nil
}

// Gains reports whether a person would gain by what is asked for the principal: as the
// principal, or by being in it.
func (e *Engine) Gains(ctx context.Context, person, principal string) (bool, error) {
	const op = "Engine.Gains"
	if strings.EqualFold(person, principal) {
		return true, nil
	}
	groups, err := e.gainers(ctx, principal)
	if err != nil || len(groups) == 0 {
		return false, at(op, err)
	}
	in, err := e.Client.MemberOf(ctx, person, groups)
	if err != nil && CodeOf(err) != CodeNotFound { // whoever was deleted is in no group
		return false, at(op, err)
	}
	return hasID(in, principal), nil
}

// Vote decides a change that awaits approval. The approver is a person with a
// verified token, a member of the group that the rule names, neither who asked nor
// who gains, be it as a member of a group; the ballot names the exact change, and counts once. An approved change
// is decided anew before it is done.
func (e *Engine) Vote(ctx context.Context, caller Caller, id string, b Ballot) (Change, error) {
	const op = "Engine.Vote"
	if err := b.check(); err != nil {
		return Change{}, at(op, err)
	}
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
	case b.Digest != c.Seal():
		return no(CodeConflict, "the change is not the one that was looked at")
	case strings.EqualFold(caller.ID, c.Caller.ID) || strings.EqualFold(caller.ID, c.Request.Principal):
		return no(CodeRefused, "nobody approves what they asked for or gain by")
	}
	group := c.Decision.Approval.Group
	gainers, err := e.gainers(ctx, c.Request.Principal)
	if err != nil {
		return Change{}, at(op, err)
	}
	in, err := e.Client.MemberOf(ctx, caller.ID, append([]string{group}, gainers...))
	switch {
	case err != nil && CodeOf(err) != CodeNotFound: // whoever was deleted is in no group
		return Change{}, at(op, err)
	case !hasID(in, group):
		return no(CodeRefused, "only members of the approvers' group decide")
	case hasID(in, c.Request.Principal):
		return no(CodeRefused, "nobody approves what they gain by as a member of the group that gains")
	}
	r := c.record(AuditVote, now)
	r.Caller, r.Allowed = caller.String(), b.Approve
	if err := e.audit(ctx, r); err != nil {
		return Change{}, &Error{Op: op, Code: CodeInternal, Detail: "the audit log cannot be written", Err: err}
	}
	c, err = e.count(ctx, c, Vote{By: caller.String(), Group: group, Approve: b.Approve, Why: b.Why, At: now})
	return c, at(op, err) // CodeConflict: somebody else decided first
}

// count puts the vote into the journal. Where the change was written meanwhile and
// still awaits this approval, only outcomes were sent, and the vote counts all the same.
func (e *Engine) count(ctx context.Context, c Change, v Vote) (Change, error) {
	for {
		voted := c
		voted.Votes = append(c.Votes[:len(c.Votes):len(c.Votes)], v)
		voted.Updated = v.At
		if v.Approve {
			voted.State = Pending
			voted.enter(StepDecide, v.At)
		} else {
			voted.Fault = &Fault{Code: CodeRefused, Reasons: []Reason{{Code: NotApproved, Rule: c.Decision.Rule, Detail: "an approver said no"}}}
			voted.State = Refused
			voted.enter(StepEnd, v.At)
			voted.tell(EventRefused, v.At)
		}
		saved, err := e.keep(ctx, voted)
		if CodeOf(err) != CodeConflict {
			return saved, err
		}
		now, loaded := e.Ledger.Load(ctx, c.ID())
		if loaded != nil {
			return Change{}, loaded
		}
		if now.State != AwaitingApproval || now.Seal() != c.Seal() || len(now.Votes) != len(c.Votes) {
			return Change{}, err
		}
		c = now
	}
}

// VoteNative decides an approval of PIM's own, in the name of the approver and with
// the approver's own token: PIM knows who may. It is in the audit log before PIM is
// asked.
func (e *Engine) VoteNative(ctx context.Context, caller Caller, p Plane, id string, b Ballot) error {
	const op = "Engine.VoteNative"
	if err := b.check(); err != nil {
		return at(op, err)
	}
	if e.Guard.Stopped {
		return &Error{Op: op, Code: CodeRefused, Unmet: []Reason{{Code: Stopped, Detail: "everything is stopped by setting"}}}
	}
	if caller.Kind != CallerUser || caller.Token == "" || e.As == nil {
		return &Error{Op: op, Code: CodeRefused, Unmet: []Reason{{Code: NeedUserToken, Detail: "PIM takes an approver's own token alone"}}}
	}
	client, err := e.As(ctx, caller.Token)
	if err != nil {
		return at(op, err)
	}
	r := Record{Time: time.Now().UTC(), Event: "audit", What: AuditVote, Caller: caller.String(), AppID: caller.AppID, Plane: p, Request: id, Allowed: b.Approve}
	for w, err := range client.Approvals(ctx, p) {
		if err != nil {
			return at(op, err)
		}
		if strings.EqualFold(w.ID, id) {
			r.Scope, r.Role, r.Principal, r.Type, r.Bears = w.Scope.String(), w.Role, w.Principal, w.Type, w.Condition
			if w.Window != (Window{}) {
				r.Window = &w.Window
			}
			break
		}
	}
	if err := e.audit(ctx, r); err != nil {
		return &Error{Op: op, Code: CodeInternal, Detail: "the audit log cannot be written", Err: err}
	}
	return client.DecideApproval(ctx, p, id, b.Approve, b.Why)
}
