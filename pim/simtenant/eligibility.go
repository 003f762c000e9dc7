package simtenant

import "strings"

// linkedEligibility finds the eligibility that an activation rests on, or nil: in
// force, of the principal or of a group that it is in, for the same role. At the
// eligibility's own scope the link may be left out or bare; below it ARM wants
// the full id.
func (t *Tenant) linkedEligibility(a *ask) *schedule {
	now := t.now()
	for _, s := range t.schedules.of(t.withGroups(a.principal)) {
		if s.plane != a.plane || s.kind != Eligibility || !s.inForce(now) || !sameID(s.role, a.role) {
			continue
		}
		if a.linked != "" && !sameID(lastSegment(a.linked), s.id) {
			continue
		}
		if sameID(s.scope, a.scope) {
			return s
		}
		if a.plane == PlaneAzure && strings.Contains(a.linked, "/") && t.tree.contains(s.scope, a.scope) {
			return s
		}
	}
	return nil
}
