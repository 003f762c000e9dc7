package simtenant

import (
	"slices"
	"time"
)

// extendWindow is how long before its end an arrangement can be extended.
const extendWindow = 14 * 24 * time.Hour

// submit takes a request that the surface has decoded and authorized, and
// answers what became of it. Only a stored request is kept in mind: a refused one
// leaves no trace, so its id may be used again.
func (t *Tenant) submit(a ask) (*request, *refusal) {
	now := t.now()
	p := t.principal(a.principal)
	if p == nil || now.Before(p.known) {
		return nil, errSubject
	}
	if a.action.self() && !sameID(a.caller.oid, a.principal) {
		return nil, t.policyFailed(ruleEligibility)
	}
	if a.kind == Eligibility && (a.action == SelfActivate || a.action == SelfDeactivate) {
		return nil, refuse("InvalidRoleAssignmentRequest", "The request type is not valid for an eligibility.")
	}
	r := &request{ask: a, created: now}
	if r.id == "" {
		r.id = t.newID()
	}
	var err *refusal
	switch a.action {
	case AdminRemove, SelfDeactivate:
		err = t.remove(r)
	case AdminUpdate, AdminExtend, SelfExtend:
		err = t.prolong(r)
	case AdminRenew, SelfRenew:
		err = t.renew(r)
	default:
		err = t.grant(r)
	}
	if err != nil {
		return nil, err
	}
	if !a.dryRun {
		t.requests = append(t.requests, r)
		t.note(r, "requested")
		t.noteFate(r)
	}
	return r, nil
}

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
		r.status = statusPendingApproval
		if !r.dryRun {
			t.openApproval(r, policy)
		}
		return nil
	}
	t.carryOut(r)
	return nil
}

// conflict refuses what is there already, is under way, or ended too recently.
func (t *Tenant) conflict(r *request) *refusal {
	if t.pendingAt(r.place) != nil {
		return errPending
	}
	if t.standing(r.place) != nil {
		return errExists
	}
	for _, s := range t.schedules {
		if s.same(r.place) && s.kind == Assignment && s.start.Before(s.revoked) &&
			r.created.Before(s.revoked.Add(t.reactivation(s.plane))) {
			return errExists
		}
	}
	return nil
}

// carryOut turns a request that passed into its schedule.
func (t *Tenant) carryOut(r *request) {
	now := t.now()
	if r.window.start.Before(now) {
		late := now.Sub(r.window.start)
		r.window.start = now
		if r.expiration.duration != "" {
			r.window.end = r.window.end.Add(late) // a duration counts from the beginning
		}
	}
	switch {
	case r.window.start.After(now):
		r.status = statusGranted
	case t.opt.Provisioning > 0:
		r.status = statusProvisioning
		r.provisionAt = now.Add(t.opt.Provisioning)
	default:
		r.status = statusProvisioned
	}
	if r.dryRun {
		r.status = statusGranted
		return
	}
	r.completed = r.window.start
	s := t.newSchedule(r.place, r.id)
	s.start, s.end, s.expiration = r.window.start, r.window.end, r.expiration
	s.condition, s.conditionVersion = r.condition, r.conditionVersion
	s.activated, s.linked = r.action == SelfActivate, r.linkedID
	if r.status == statusProvisioning {
		s.start = r.provisionAt
	}
	if s.start.After(now) {
		s.visibleFrom = s.start.Add(t.visibility(s.plane))
	}
	r.scheduleID = s.id
}

// remove serves AdminRemove and SelfDeactivate.
func (t *Tenant) remove(r *request) *refusal {
	var s *schedule
	for _, c := range t.schedules {
		if c.same(r.place) && c.inForce(r.created) && (r.target == "" || sameID(c.id, lastSegment(r.target))) {
			s = c
		}
	}
	if s == nil || r.action == SelfDeactivate && !s.activated {
		return errDoesNotExist
	}
	if r.created.Before(s.visibleFrom) {
		return errDoesNotExist // what lists do not show yet cannot be found either
	}
	if r.created.Before(s.start.Add(minimum)) {
		return errTooShort
	}
	r.status = statusRevoked
	r.scheduleID = s.id
	if !r.dryRun {
		s.revoked = r.created
		s.updated = r.created
	}
	return nil
}

// prolong serves AdminUpdate, AdminExtend and SelfExtend.
func (t *Tenant) prolong(r *request) *refusal {
	old := t.standing(r.place)
	if old == nil || r.target != "" && !sameID(old.id, lastSegment(r.target)) {
		return errDoesNotExist
	}
	if r.start.IsZero() {
		r.start = old.start
	}
	var err *refusal
	if r.window, err = r.expiration.resolve(r.start, r.created); err != nil {
		return err
	}
	if !old.start.After(r.created) && !r.window.start.After(r.created) && r.expiration.duration == "" {
		r.window.start = old.start
	}
	if r.action != AdminUpdate {
		soon := !old.end.IsZero() && old.end.Sub(r.created) <= extendWindow
		longer := r.window.permanent() || r.window.end.After(old.end)
		if old.activated || !soon || !longer {
			return refuse("InvalidRoleAssignmentRequest", "The assignment cannot be extended.")
		}
	}
	return t.replace(r, old)
}

// renew serves AdminRenew and SelfRenew.
func (t *Tenant) renew(r *request) *refusal {
	var old *schedule
	for _, s := range t.schedules {
		if s.same(r.place) && s.expired(r.created) && !s.activated {
			old = s
		}
	}
	if t.standing(r.place) != nil {
		return errExists
	}
	if old == nil {
		return errDoesNotExist
	}
	var err *refusal
	if r.window, err = r.expiration.resolve(r.start, r.created); err != nil {
		return err
	}
	return t.replace(r, old)
}

// replace puts a new schedule in the place of an old one: each manipulation
// changes the id. A user's wish waits for an administrator, whose own request
// settles it.
func (t *Tenant) replace(r *request, old *schedule) *refusal {
	waiting := t.pendingAt(r.place)
	if waiting != nil && (r.action.self() || waiting.status != statusPendingAdmin) {
		return errPending
	}
	policy := t.policy(r.plane, r.scope, r.role)
	if err := t.check(r, policy); err != nil {
		return err
	}
	if r.action.self() {
		r.status = statusPendingAdmin
		return nil
	}
	if r.dryRun {
		r.status = statusGranted
		return nil
	}
	if waiting != nil {
		waiting.status = statusAdminApproved
		waiting.completed = r.created
	}
	t.supersede(r, old)
	return nil
}

// supersede carries r out in the place of old without a gap in lists.
func (t *Tenant) supersede(r *request, old *schedule) {
	start := r.window.start
	t.carryOut(r)
	s := t.scheduleByID(r.plane, r.kind, r.scheduleID)
	if start.Before(s.start) {
		s.start = start
	}
	s.created, s.visibleFrom = old.created, old.visibleFrom
	s.originID = old.originID
	t.schedules = slices.DeleteFunc(t.schedules, func(o *schedule) bool { return o == old })
}
