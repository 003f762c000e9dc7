package simtenant

import "time"

// Event is a line of the audit log.
type Event struct {
	ID            string
	CorrelationID string
	Time          time.Time
	Plane         Plane
	Category      string
	Activity      string
	Result        string
	// ActorID is the object id of who did it; empty if the service itself.
	ActorID, ActorAppID string
	PrincipalID         string
	Scope, Role         string
	Justification       string
	RequestID           string
}

// Events returns the audit log so far, without the delay with which the
// directory shows it.
func (t *Tenant) Events() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	return append([]Event(nil), t.events...)
}

var auditCategories = map[Plane]string{
	PlaneAzure: "ResourceManagement", PlaneDirectory: "RoleManagement", PlaneGroup: "GroupManagement",
}

// note writes down a step that the requestor takes, in the service's words.
func (t *Tenant) note(r *request, step string) { t.noteBy(r.caller, r, step) }

// noteBy writes down a step of a request that somebody else takes: an approver,
// or, if by is zero, the service.
func (t *Tenant) noteBy(by caller, r *request, step string) {
	e := t.event(r.place, r.activity(step))
	e.CorrelationID, e.RequestID = r.id, r.id
	e.ActorID, e.ActorAppID, e.Justification = by.oid, "", r.justification
	if by.appOnly {
		e.ActorAppID = by.appID
	}
	if step == "denied" || step == "timed out" || step == "failed" {
		e.Result = "failure"
	}
	t.events = append(t.events, e)
}

// noteFate writes down that a request is done, if it is.
func (t *Tenant) noteFate(r *request) {
	if r.status == statusProvisioned || r.status == statusRevoked {
		t.note(r, "completed")
	}
}

func (t *Tenant) noteExpiry(s *schedule) {
	activity := "Remove member from role (PIM activation expired)"
	switch {
	case s.kind == Eligibility:
		activity = "Remove eligible member from role in PIM completed (timebound)"
	case !s.activated:
		activity = "Remove member from role in PIM completed (timebound)"
	}
	e := t.event(s.place, activity)
	e.Time, e.CorrelationID, e.RequestID = s.end, s.id, s.requestID
	t.events = append(t.events, e)
}

func (t *Tenant) event(p place, activity string) Event {
	return Event{
		ID: t.newID(), Time: t.now(), Plane: p.plane, Category: auditCategories[p.plane], Activity: activity,
		Result: "success", PrincipalID: p.principal, Scope: p.scope, Role: p.role,
	}
}

// activity is the display name of a step: not to be built on, but searched for.
func (r *request) activity(step string) string {
	length := "timebound"
	if r.window.permanent() {
		length = "permanent"
	}
	done := step == "completed"
	switch {
	case step == "approved" || step == "denied" || step == "timed out":
		return "Add member to role request " + step + " (PIM activation)"
	case step == "canceled":
		return "Add member to role canceled (PIM activation)"
	case r.action == SelfActivate:
		return "Add member to role " + step + " (PIM activation)"
	case r.action == SelfDeactivate:
		return "Remove member from role " + step + " (PIM deactivate)"
	case r.action == AdminRemove && r.kind == Eligibility:
		return "Remove eligible member from role in PIM " + step + " (" + length + ")"
	case r.action == AdminRemove:
		return "Remove member from role in PIM " + step + " (" + length + ")"
	case r.kind == Eligibility && done:
		return "Add eligible member to role in PIM completed (" + length + ")"
	case r.kind == Eligibility:
		return "Add eligible member to role in PIM requested (" + length + ")"
	}
	return "Add member to role in PIM " + step + " (" + length + ")"
}

// notePolicy writes down that the settings of a role were changed.
func (t *Tenant) notePolicy(p *Policy, by caller) {
	e := t.event(place{plane: p.key.plane, scope: p.key.scope, role: p.key.role}, "Update role setting in PIM")
	e.CorrelationID, e.ActorID = t.newID(), by.oid
	if by.appOnly {
		e.ActorAppID = by.appID
	}
	t.events = append(t.events, e)
}
