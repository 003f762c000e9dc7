package simtenant

// remove serves AdminRemove and SelfDeactivate.
func (t *Tenant) remove(r *request) *refusal {
	var s *schedule
	for _, c := range t.schedules.at(r.place) {
		if c.inForce(r.created) && r.targets(c) {
			s = c
		}
	}
	if s == nil || r.action == SelfDeactivate && !s.activated {
		return errDoesNotExist
	}
	if r.created.Before(s.shownFrom) {
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
