package simtenant

// submit takes a request that the surface has decoded and authorized, and
// answers what became of it. Only a stored request is kept in mind: a refused one
// leaves no trace, so its id may be used again.
func (t *Tenant) submit(a ask) (*request, *refusal) {
	now := t.now()
	p := t.principal(a.principal)
	if p == nil && !a.orphaned() || p != nil && now.Before(p.known) {
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
		t.requests.add(r)
		t.note(r, "requested")
		t.noteFate(r)
	}
	return r, nil
}

// orphaned reports whether a ends what a principal may hold that is gone from the
// directory. That ARM lets an eligibility be removed so is what clients rely on that
// clean up after the deleted (azure-pim-cli); of the other planes and of assignments
// nothing is known.
func (a ask) orphaned() bool {
	return a.plane == PlaneAzure && a.kind == Eligibility && a.action == AdminRemove
}
