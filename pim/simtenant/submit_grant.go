package simtenant

import "strings"

// grant serves AdminAssign and SelfActivate.
func (t *Tenant) grant(r *request) *refusal {
	var err *refusal
	if r.window, err = r.expiration.resolve(r.start, r.created); err != nil {
		return err
	}
	if err := t.conflict(r); err != nil {
		return err
	}
	if r.action == SelfActivate {
		eligibility := t.linkedEligibility(&r.ask)
		if eligibility == nil {
			return t.policyFailed(ruleEligibility)
		}
		r.linkedID = eligibility.id
	}
	policy := t.policy(r.plane, r.scope, r.role)
	if err := t.check(r, policy); err != nil {
		return err
	}
	if r.action == SelfActivate && policy.approvalRequired() {
		t.askApprovers(r)
		return nil
	}
	t.carryOut(r)
	return nil
}

// askApprovers makes a request wait, first for its approval to be made if that
// takes time.
func (t *Tenant) askApprovers(r *request) {
	r.status = statusPendingApproval
	switch {
	case r.dryRun:
	case t.opt.ApprovalDelay > 0:
		r.status, r.provisionAt = statusMakingApproval, r.created.Add(t.opt.ApprovalDelay)
		t.await(r.provisionAt, r)
	default:
		t.openApproval(r)
	}
}

// conflict refuses what is there already, is under way, or ended too recently.
func (t *Tenant) conflict(r *request) *refusal {
	if t.pendingAt(r.place) != nil {
		return errPending
	}
	if t.standing(r.place) != nil {
		return errExists
	}
	for _, s := range t.schedules.at(r.place) {
		if s.kind == Assignment && s.start.Before(s.revoked) &&
			r.created.Before(s.revoked.Add(t.reactivation(s.plane))) {
			return errExists
		}
	}
	return nil
}

// carryOut turns a request that passed into its schedule. An approval may have
// come too late for what it approves.
func (t *Tenant) carryOut(r *request) {
	now := t.now()
	r.window = r.window.from(now, r.expiration.duration != "")
	over := !r.window.permanent() && !r.window.end.After(now)
	if over || r.action == SelfActivate && t.linkedEligibility(&r.ask) == nil {
		r.status, r.completed = statusFailed, now
		return
	}
	if p := t.principals[strings.ToLower(r.principal)]; r.dryRun || p.stalled {
		r.status, r.stalled = statusGranted, p.stalled
		return
	}
	switch {
	case r.window.start.After(now):
		r.status = statusGranted
		t.await(r.window.start, r)
	case t.opt.Provisioning > 0:
		r.status = statusProvisioning
		r.provisionAt = now.Add(t.opt.Provisioning)
		t.await(r.provisionAt, r)
	default:
		r.status = statusProvisioned
	}
	r.completed = r.window.start
	r.scheduleID = t.schedule(r).id
}

// schedule makes the schedule of a request.
func (t *Tenant) schedule(r *request) *schedule {
	s := t.newSchedule(r.place, r.id)
	s.start, s.expiration = r.window.start, r.expiration
	t.endAt(s, r.window.end)
	s.condition, s.conditionVersion = r.condition, r.conditionVersion
	s.activated, s.linked = r.action == SelfActivate, r.linkedID
	if s.start.After(s.created) {
		s.shownFrom = s.start.Add(t.visibility(s.plane))
	}
	if r.status == statusProvisioning {
		s.start = r.provisionAt
		s.visibleFrom = s.start.Add(t.visibility(s.plane))
		s.shownFrom = s.visibleFrom
	}
	return s
}
