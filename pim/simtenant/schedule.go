package simtenant

import (
	"strings"
	"time"
)

// schedule is an arrangement, present, future or past; an instance is a schedule
// that is in force.
type schedule struct {
	place
	number     int // in the order of making
	id         string
	instanceID string
	requestID  string // of the request that made it; empty if made outside PIM
	linked     string // the eligibility's schedule id, of an activation
	activated  bool

	start, end       time.Time // end is zero if permanent
	created, updated time.Time
	visibleFrom      time.Time // in lists of schedules
	shownFrom        time.Time // in lists of instances: what starts later shows there later
	revoked          time.Time // zero while it stands
	expiryTold       bool

	expiration                  expiration
	condition, conditionVersion string

	// outside marks a plain role assignment, made without PIM.
	outside bool
	// unbacked marks a schedule whose plain role assignment was deleted under it.
	unbacked bool
	// originID is the name of the plain role assignment behind an assignment.
	originID string
}

// stands reports whether s is present or still to come.
func (s *schedule) stands(now time.Time) bool {
	return s.revoked.IsZero() && (s.end.IsZero() || now.Before(s.end))
}

// inForce reports whether s is present.
func (s *schedule) inForce(now time.Time) bool { return s.stands(now) && !now.Before(s.start) }

// expired reports whether s came to its own end.
func (s *schedule) expired(now time.Time) bool {
	return s.revoked.IsZero() && !s.end.IsZero() && !now.Before(s.end)
}

// visible reports whether lists of schedules show s: late after it was made, even if
// it starts later, and late after it was revoked, but not beyond its end.
func (t *Tenant) visible(s *schedule, now time.Time) bool {
	if now.Before(s.visibleFrom) || !s.end.IsZero() && !now.Before(s.end) {
		return false
	}
	return s.revoked.IsZero() || now.Before(s.revoked.Add(t.visibility(s.plane)))
}

// listedInstance reports whether lists of instances show s.
func (t *Tenant) listedInstance(s *schedule, now time.Time) bool {
	return t.visible(s, now) && !now.Before(s.start) && !now.Before(s.shownFrom)
}

// status is what lists of schedules say of s.
func (t *Tenant) status(s *schedule) string {
	if t.now().Before(s.start) {
		return statusGranted
	}
	return statusProvisioned
}

// standing finds the schedule at a place that is present or to come, or nil.
func (t *Tenant) standing(p place) *schedule {
	now := t.now()
	for _, s := range t.schedules.at(p) {
		if s.stands(now) {
			return s
		}
	}
	return nil
}

// holds reports whether an assignment is in force at just this place.
func (t *Tenant) holds(p place) bool {
	now := t.now()
	for _, s := range t.schedules.at(p) {
		if s.inForce(now) && !s.unbacked {
			return true
		}
	}
	return false
}

// scheduleByID finds a schedule of a kind by id, case aside, whatever its state.
func (t *Tenant) scheduleByID(p Plane, k Kind, id string) *schedule {
	return t.schedules.byID[scheduleKey{p, k, strings.ToLower(id)}]
}

// newSchedule makes a schedule with the ids of its plane and keeps it.
func (t *Tenant) newSchedule(p place, requestID string) *schedule {
	now := t.now()
	s := &schedule{place: p, requestID: requestID, created: now, updated: now}
	s.visibleFrom = now.Add(t.visibility(p.plane))
	s.shownFrom = s.visibleFrom
	switch p.plane {
	case PlaneDirectory:
		// A directory schedule has the id of its request; the instance's is opaque.
		s.id, s.instanceID = requestID, t.opaqueID(p.kind)
	case PlaneGroup:
		s.id = p.scope + "_" + p.role + "_" + requestID
		s.instanceID = p.scope + "_" + p.role + "_" + t.newID()
	default:
		s.id, s.instanceID, s.originID = t.newID(), t.newID(), t.newID()
	}
	t.schedules.add(s)
	return s
}

// endAt gives a schedule its end.
func (t *Tenant) endAt(s *schedule, end time.Time) {
	if s.end = end; !end.IsZero() {
		t.await(end, s)
	}
}
