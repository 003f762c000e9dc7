package simtenant

import (
	"maps"
	"slices"
	"strings"
)

// readGroup reads the group and the access of a request.
func (t *Tenant) readGroup(b graphRequestBody) (scope, role string, err *refusal) {
	access := strings.ToLower(b.AccessID)
	if access != "member" && access != "owner" {
		return "", "", badRequest("The accessId '" + b.AccessID + "' is not valid.")
	}
	g := t.principal(b.GroupID)
	if g == nil || g.kind != TypeGroup {
		return "", "", refuse("InvalidResource", "The group '"+b.GroupID+"' is not found.")
	}
	return g.id, access, nil
}

// prepareGroup brings the group of a request under PIM and refuses what groups
// cannot have.
func (t *Tenant) prepareGroup(a ask) *refusal {
	g := t.principal(a.scope)
	if g.dynamic || g.onPremises {
		return refuse("InvalidResourceType", "Resource type not supported for onboarding")
	}
	if p := t.principal(a.principal); g.roleAssignable && p != nil && p.kind == TypeGroup {
		return badGraphRequest("A role-assignable group cannot have other groups as its members.")
	}
	if !a.dryRun {
		t.onboard(g)
	}
	if a.action == SelfActivate && t.linkedEligibility(&a) == nil {
		other := a
		other.role = map[string]string{"member": "owner", "owner": "member"}[a.role]
		if t.linkedEligibility(&other) != nil {
			return errDoesNotExist // the eligibility is for the other kind of access
		}
	}
	return nil
}

// onboard brings a group under PIM, for ever. Its policies get other ids then,
// and what it holds already shows among the assignments.
func (t *Tenant) onboard(g *principal) {
	if !t.directory.managed[g.id] {
		t.directory.managed[g.id] = true
		for _, access := range []string{"member", "owner"} {
			t.policy(PlaneGroup, g.id, access).id = t.newID()
		}
	}
	t.adopt(g)
}

// adopt turns the memberships and ownerships that were made without PIM into
// permanent assignments.
func (t *Tenant) adopt(g *principal) {
	if len(g.members)+len(g.owners) == 0 {
		return
	}
	take := func(access string, ids []string) {
		for _, id := range ids {
			p := place{PlaneGroup, Assignment, g.id, access, strings.ToLower(id)}
			if t.standing(p) != nil {
				continue
			}
			s := t.newSchedule(p, t.newID())
			s.outside, s.start, s.visibleFrom, s.shownFrom = true, s.created, s.created, s.created
			t.nameWithoutPIM(s)
		}
	}
	take("member", g.members)
	take("owner", g.owners)
	g.members, g.owners, t.memberOf = nil, nil, nil
}

// adoptAll adopts what was added without PIM to the groups that are under it.
func (t *Tenant) adoptAll() {
	if !t.directory.changed {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(t.directory.managed)) {
		t.adopt(t.principals[id])
	}
	t.directory.changed = false
}

// nameWithoutPIM gives s the ids of an assignment that no request made: schedule
// and instance share one.
func (t *Tenant) nameWithoutPIM(s *schedule) {
	switch s.plane {
	case PlaneDirectory:
		t.schedules.rename(s, s.instanceID)
	case PlaneGroup:
		s.instanceID = s.id
	}
}

// mustGroup is a group that a test names.
func (t *Tenant) mustGroup(id string) *principal {
	g := t.principal(id)
	if g == nil || g.kind != TypeGroup {
		panic("simtenant: there is no group " + id)
	}
	return g
}
