package pim

import (
	"context"
	"slices"
	"time"
)

// Plan says what Start and Advance would decide. It changes nothing and asks the
// tenant for nothing but reads, and not even for those where the answer is no
// whatever they say: a caller whom no rule knows costs no call, and learns nothing of
// what is there. Its error means that no decision can be had now.
func (e *Engine) Plan(ctx context.Context, caller Caller, r Request) (Decision, error) {
	_, d, err := e.weigh(ctx, caller, r)
	return d, at("Engine.Plan", err)
}

// weigh gathers facts until the rules can decide by them.
func (e *Engine) weigh(ctx context.Context, caller Caller, r Request) (Role, Decision, error) {
	rules, err := e.Rules(ctx)
	if err != nil {
		return Role{}, Decision{}, &Error{Code: CodeInternal, Detail: "the rules cannot be read", Err: err}
	}
	role, known, err := knownRole(r.Scope, r.Role)
	if err != nil {
		return Role{}, Decision{}, err
	}
	if !known {
		role = Role{Name: r.Role}
	}
	q := Question{
		Caller: caller, Request: r, Role: role, Principal: Subject{ID: r.Principal},
		Guard: e.Guard, Now: time.Now().UTC(),
	}
	d := rules.Decide(q)
	for _, learn := range []func(context.Context, *Rules, *Question) error{
		e.learnPrincipal, e.learnGroups, e.learnRole, e.learnPolicy, e.learnStanding, e.learnEligible, e.learnNested, e.learnPower, e.learnHoldings,
	} {
		if d.Allowed || !d.unproven() {
			break
		}
		if err := learn(ctx, rules, &q); err != nil {
			return q.Role, Decision{}, err
		}
		d = rules.Decide(q)
	}
	return q.Role, d, nil
}

// unproven reports whether another fact could still turn the decision.
func (d Decision) unproven() bool {
	for _, r := range d.Reasons {
		if r.Code == Unproven {
			return true
		}
	}
	return false
}

// gives reports whether a adds to what somebody may do.
func (a Action) gives() bool {
	switch a {
	case Deactivate, RemoveEligible, Cancel:
		return false
	}
	return true
}

// learnPrincipal looks the principal up. One that does not exist is an error: there
// is nothing to decide. Where we may not look, it stays unknown.
func (e *Engine) learnPrincipal(ctx context.Context, _ *Rules, q *Question) error {
	if !q.Request.Action.gives() {
		return nil // what a deleted principal holds must be removable
	}
	p, err := e.Client.Principal(ctx, q.Request.Principal)
	switch CodeOf(err) {
	case "":
		q.Principal = Subject{ID: q.Request.Principal, Type: p.Type, Disabled: !p.Enabled, Known: true}
		return nil
	case CodeNotFound:
		return &Error{Code: CodeNotFound, Field: "principalId", Detail: "no such user, group or service principal", Retry: RetryNever, Err: err}
	case CodeDenied:
		return nil
	}
	return err
}

// learnGroups reads which of the groups that the rules name hold the caller and the
// principal.
func (e *Engine) learnGroups(ctx context.Context, rules *Rules, q *Question) error {
	ids := rules.Groups(*q)
	if len(ids) == 0 {
		return nil
	}
	in := func(object string) (map[string]bool, error) {
		found, err := e.Client.MemberOf(ctx, object, ids)
		set := map[string]bool{}
		for _, id := range found {
			set[id] = true
		}
		return set, err
	}
	principal, err := in(q.Request.Principal)
	if err != nil {
		return unlessDenied(err)
	}
	caller := map[string]bool{}
	switch {
	case q.Caller.ID == q.Request.Principal:
		caller = principal
	case q.Caller.Kind == CallerUser || q.Caller.Kind == CallerApp:
		if caller, err = in(q.Caller.ID); err != nil {
			return unlessDenied(err)
		}
	}
	q.Members = map[string]Membership{}
	for _, id := range ids {
		q.Members[id] = Membership{Caller: caller[id], Principal: principal[id]}
	}
	return nil
}

// learnPolicy reads PIM's own settings for the role.
func (e *Engine) learnPolicy(ctx context.Context, _ *Rules, q *Question) error {
	if !q.Request.Action.gives() {
		return nil
	}
	p, err := e.Client.Policy(ctx, q.Request.Scope, q.Role)
	if err != nil {
		return unlessDenied(err)
	}
	q.Policy = &p
	return nil
}

// learnStanding reads what is to be extended: its length counts from its own start.
func (e *Engine) learnStanding(ctx context.Context, _ *Rules, q *Question) error {
	if q.Request.Action != Extend {
		return nil
	}
	i, err := e.own(ctx, q.Request.kind(), Access{Scope: q.Request.Scope, Role: q.Role, Principal: q.Request.Principal})
	if err != nil {
		return unlessDenied(err)
	}
	q.Standing = &Found{i}
	return nil
}

// learnEligible reads whether the principal may activate the role, or keep it active.
func (e *Engine) learnEligible(ctx context.Context, _ *Rules, q *Question) error {
	switch a := q.Request; a.Action {
	case Grant, Activate:
	case Extend, Renew:
		if a.Kind != Assignment {
			return nil
		}
	default:
		return nil
	}
	i, err := e.eligibility(ctx, q.Request, q.Role, q.Now)
	if err != nil {
		return unlessDenied(err)
	}
	q.Eligible = &Found{i}
	return nil
}

// unlessDenied lets a fact stay unknown that we may not read, or that does not
// exist; the rules then say no.
func unlessDenied(err error) error {
	switch CodeOf(err) {
	case CodeDenied, CodeNotFound, CodeInvalid, CodeRejected:
		return nil
	}
	return err
}

// standing finds what covers a now: an eligibility or assignment of the role, at the
// scope or above it, of the principal itself or through a group. Nil if none does.
func (e *Engine) standing(ctx context.Context, k Kind, a Access, now time.Time) (*Instance, error) {
	return e.best(ctx, k, a, now, Instance.outlasts)
}

// eligibility finds what r rests on: of the eligibilities that cover it now, one that
// stands until its end, then one whose condition it can bear, then as standing does.
func (e *Engine) eligibility(ctx context.Context, r Request, role Role, now time.Time) (*Instance, error) {
	_, until := r.span(now)
	a := Access{Scope: r.Scope, Role: role, Principal: r.Principal}
	return e.best(ctx, Eligibility, a, now, func(i, j Instance) bool {
		switch one, other := i.suits(r), j.suits(r); {
		case i.Until(until) != j.Until(until):
			return i.Until(until)
		case one != other:
			return one > other
		}
		return i.outlasts(j)
	})
}

// suits ranks i by its condition: the very one that r names comes first, then one
// that leaves r no wider than it asks.
func (i Instance) suits(r Request) int {
	switch _, ok := oneCondition(i.Condition, r.Condition); {
	case i.Condition == r.Condition:
		return 2
	case ok:
		return 1
	}
	return 0
}

// best is of what covers a now the one that comes before all others.
func (e *Engine) best(ctx context.Context, k Kind, a Access, now time.Time, before func(i, j Instance) bool) (*Instance, error) {
	q := Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal, Groups: true, Exact: true}
	var best *Instance
	for i, err := range e.Client.Instances(ctx, k, q) {
		if err != nil {
			return nil, err
		}
		// No path says what lies below a management group, but the listing does: it shows
		// what is held at the scope or above.
		reaches := i.Scope.Contains(a.Scope) || i.Scope.Level() == LevelManagementGroup
		if i.Until(now) && reaches && (best == nil || before(i, *best)) {
			best = &i
		}
	}
	return best, nil
}

// outlasts prefers what ends later, and of equals what is the principal's own.
func (i Instance) outlasts(j Instance) bool {
	if i.End == nil || j.End == nil {
		return i.End == nil && (j.End != nil || i.Member == Direct)
	}
	return i.End.After(*j.End) || i.End.Equal(*j.End) && i.Member == Direct
}

// Holds lets those pass who hold the office by the rules, and refuses all others.
func (e *Engine) Holds(ctx context.Context, of Office, caller Caller) error {
	const op = "Engine.Holds"
	rules, err := e.Rules(ctx)
	if err != nil {
		return &Error{Op: op, Code: CodeInternal, Detail: "the rules cannot be read", Err: err}
	}
	members := map[string]Membership{}
	if ids := rules.OfficeGroups(); len(ids) > 0 && (caller.Kind == CallerUser || caller.Kind == CallerApp) {
		in, err := e.Client.MemberOf(ctx, caller.ID, ids)
		if err != nil && CodeOf(err) != CodeNotFound { // whoever was deleted is in no group
			return at(op, err)
		}
		for _, id := range ids {
			members[id] = Membership{Caller: slices.Contains(in, id)}
		}
	}
	if !rules.Holds(of, caller, members) {
		return &Error{Op: op, Code: CodeRefused, Unmet: []Reason{{Code: WrongCaller, Detail: "the rules do not name this caller among the " + string(of)}}}
	}
	return nil
}
