package simtenant

// settle lets the time that has passed since the last call take effect. All state
// that depends on the clock alone is derived; only what leaves a mark is set here.
func (t *Tenant) settle() {
	now := t.now()
	for _, a := range t.approvals {
		if a.open() && !now.Before(a.deadline) {
			a.status, a.request.status = stageExpired, statusTimedOut
			a.request.completed = a.deadline
			t.noteBy(caller{}, a.request, "timed out")
		}
	}
	for _, r := range t.requests {
		switch {
		case r.status == statusMakingApproval && !now.Before(r.provisionAt):
			t.openApproval(r)
		case r.status == statusGranted && !r.stalled && !now.Before(r.window.start),
			r.status == statusProvisioning && !now.Before(r.provisionAt):
			r.status = statusProvisioned
			t.note(r, "completed")
		}
	}
	for _, s := range t.schedules {
		if s.expired(now) && !s.expiryTold {
			s.expiryTold = true
			t.noteExpiry(s)
		}
	}
}
