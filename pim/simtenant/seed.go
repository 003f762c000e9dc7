package simtenant

import "time"

// Grant is an arrangement to seed, with no request behind it and shown at once.
type Grant struct {
	Plane Plane // empty means PlaneAzure
	// Scope and Role as in Access; on PlaneAzure the role may be a name.
	Scope, Role string
	Principal   string
	// For is how long it lasts; zero means for ever.
	For time.Duration
	// Ago is how long it has been in force already.
	Ago time.Duration
}

// MakeEligible seeds an eligibility and returns the id of its schedule.
func (t *Tenant) MakeEligible(g Grant) string { return t.seed(Eligibility, g) }

// Assign seeds an assignment made outside PIM, such as a plain role assignment,
// and returns the id of its schedule.
func (t *Tenant) Assign(g Grant) string { return t.seed(Assignment, g) }

func (t *Tenant) seed(k Kind, g Grant) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g.Plane == "" {
		g.Plane = PlaneAzure
	}
	if g.Plane == PlaneAzure {
		g.Scope, g.Role = t.mustScope(g.Scope), t.mustRole(g.Role)
	}
	if g.Plane == PlaneGroup {
		group := t.mustGroup(g.Scope)
		t.onboard(group)
		g.Scope = group.id
	}
	s := t.newSchedule(place{g.Plane, k, g.Scope, g.Role, g.Principal}, t.newID())
	s.outside = true
	s.start = s.created.Add(-g.Ago)
	s.created, s.updated, s.visibleFrom, s.shownFrom = s.start, s.start, s.start, s.start
	if g.For > 0 {
		t.endAt(s, s.start.Add(g.For))
	} else if k == Assignment {
		t.nameWithoutPIM(s)
	}
	return s.id
}
