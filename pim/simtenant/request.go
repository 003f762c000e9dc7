package simtenant

import (
	"slices"
	"time"
)

// ask is a schedule request as a surface decoded it.
type ask struct {
	place
	action Action
	caller caller

	// id is the caller's name for the request; empty where the server names it.
	id string

	start      time.Time // zero means now
	expiration expiration

	// The texts; empty ones are null in answers.
	justification               string
	ticketNumber, ticketSystem  string
	customData                  string
	condition, conditionVersion string

	// target is the id of the schedule to change; linked that of the eligibility
	// to activate. Both may be full ids or bare ones; empty lets the server find it.
	target, linked string
	// targetInstance is the id of the instance to change, checked where it is given.
	targetInstance string

	// dryRun checks everything and keeps nothing.
	dryRun bool
}

// targets reports whether a is about s, as far as it names one.
func (a *ask) targets(s *schedule) bool {
	return (a.target == "" || sameID(s.id, lastSegment(a.target))) &&
		(a.targetInstance == "" || sameID(s.instanceID, lastSegment(a.targetInstance)))
}

// The statuses that requests of this tenant go through, spelled as all planes do.
const (
	statusGranted         = "Granted"
	statusProvisioned     = "Provisioned"
	statusProvisioning    = "PendingProvisioning"
	statusRevoked         = "Revoked"
	statusPendingApproval = "PendingApproval"
	statusMakingApproval  = "PendingApprovalProvisioning"
	statusPendingAdmin    = "PendingAdminDecision"
	statusAdminApproved   = "AdminApproved"
	statusAdminDenied     = "AdminDenied"
	statusDenied          = "Denied"
	statusTimedOut        = "TimedOut"
	statusCanceled        = "Canceled"
	statusFailed          = "Failed"
)

// request is a stored ask with its fate.
type request struct {
	ask
	number             int // in the order of making
	status             string
	created, completed time.Time
	// provisionAt is when a request is done that is PendingProvisioning or
	// PendingApprovalProvisioning.
	provisionAt time.Time
	// stalled keeps it Granted for ever.
	stalled    bool
	approvalID string
	// scheduleID is the schedule that it made or ended.
	scheduleID string
	// linkedID is the id of the eligibility that it activates.
	linkedID string
	// window is the time span asked for, with "now" at the time of asking.
	window window
}

// waiting are the statuses in which a request waits for people or for its start, working
// those in which it waits for the service.
var (
	waiting = []string{statusGranted, statusPendingApproval, statusPendingAdmin}
	working = []string{statusProvisioning, statusMakingApproval}
)

// pending reports whether the request still waits for somebody or something.
func (r *request) pending() bool {
	return slices.Contains(waiting, r.status) || slices.Contains(working, r.status)
}

// cancelable reports whether the request can be withdrawn. ARM takes it back from the
// service's hands too, as terraform-provider-azurerm relies on.
func (r *request) cancelable() bool {
	return slices.Contains(waiting, r.status) || r.plane == PlaneAzure && slices.Contains(working, r.status)
}

// fail ends a request that cannot be carried out any more, as if it had made nothing.
func (t *Tenant) fail(r *request) {
	r.status, r.completed = statusFailed, t.now()
	if s := t.scheduleByID(r.plane, r.kind, r.scheduleID); s != nil {
		t.schedules.drop(s)
	}
	t.noteBy(caller{}, r, "failed")
}

// cancel withdraws a request.
func (t *Tenant) cancel(r *request) *refusal {
	if !r.cancelable() {
		return errNotCancel
	}
	r.status = statusCanceled
	r.completed = t.now()
	if s := t.scheduleByID(r.plane, r.kind, r.scheduleID); s != nil {
		s.revoked = r.completed
		s.end = r.completed
	}
	t.closeApproval(r)
	t.note(r, "canceled")
	return nil
}
