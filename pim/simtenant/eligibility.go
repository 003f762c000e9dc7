package simtenant

import "strings"

// linkedEligibility finds the eligibility that an activation rests on, or nil: in
// force now and when the activation starts, of the principal or of a group that it is
// in, for the same role. At the eligibility's own scope the link may be left out or
// bare; below it ARM wants the full id.
func (t *Tenant) linkedEligibility(a *ask) *schedule {
	now := t.now()
	for _, s := range t.schedules.of(t.withGroups(a.principal)) {
		if s.plane != a.plane || s.kind != Eligibility || !sameID(s.role, a.role) || !s.inForce(now) || !s.stands(a.start) {
			continue
		}
		full := sameID(withoutProvider(a.linked), armID(s.scope, "RoleEligibilitySchedules", s.id))
		if a.linked != "" && !full && !sameID(a.linked, s.id) {
			continue
		}
		if sameID(s.scope, a.scope) || full && t.tree.contains(s.scope, a.scope) {
			return s
		}
	}
	return nil
}

// stillEligible reports whether the principal of an activation that starts now may
// still activate it. That its eligibility was replaced meanwhile does not matter.
func (t *Tenant) stillEligible(r *request) bool {
	now := t.now()
	for _, s := range t.schedules.of(t.withGroups(r.principal)) {
		reaches := sameID(s.scope, r.scope) || s.plane == PlaneAzure && t.tree.contains(s.scope, r.scope)
		if s.plane == r.plane && s.kind == Eligibility && sameID(s.role, r.role) && s.inForce(now) && reaches {
			return true
		}
	}
	return false
}

// withoutProvider is an id of a subscription's without the provider that examples
// write before it.
func withoutProvider(id string) string {
	if rest, ok := cutFold(id, subscriptionProvider); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return id
}
