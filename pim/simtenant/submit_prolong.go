package simtenant

import "time"

// extendWindow is how long before its end an arrangement can be extended.
const extendWindow = 14 * 24 * time.Hour

// prolong serves AdminUpdate, AdminExtend and SelfExtend.
func (t *Tenant) prolong(r *request) *refusal {
	old := t.standing(r.place)
	if old == nil || !r.targets(old) {
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
	for _, s := range t.schedules.at(r.place) {
		if s.expired(r.created) && !s.activated {
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
	if s == nil {
		return // it hangs in Granted, and the old one stands
	}
	if start.Before(s.start) {
		s.start = start
	}
	s.created, s.visibleFrom = old.created, old.visibleFrom
	if !s.start.After(t.now()) && old.shownFrom.Before(s.shownFrom) {
		s.shownFrom = old.shownFrom
	}
	s.originID = old.originID
	if r.action == AdminUpdate { // other dates make nothing else of it
		s.activated, s.linked = old.activated, old.linked
	}
	t.schedules.drop(old)
}
