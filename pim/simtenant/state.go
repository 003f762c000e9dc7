package simtenant

import "time"

// Assignments are the roles in force now, whether or not lists show them yet.
func (t *Tenant) Assignments() []Access { return t.accesses(Assignment) }

// Eligibilities are the rights to activate in force now.
func (t *Tenant) Eligibilities() []Access { return t.accesses(Eligibility) }

func (t *Tenant) accesses(k Kind) []Access {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	now := t.now()
	var out []Access
	for _, s := range t.schedules.all {
		if s.kind == k && s.inForce(now) && !s.unbacked {
			out = append(out, s.access())
		}
	}
	return out
}

func (s *schedule) access() Access {
	return Access{
		Plane: s.plane, Kind: s.kind, Scope: s.scope, Role: s.role, PrincipalID: s.principal, Activated: s.activated,
		Start: s.start, End: s.end, ScheduleID: s.id, RequestID: s.requestID,
	}
}

// Request is a schedule request that was kept.
type Request struct {
	Access
	ID            string
	Action        Action
	Status        string
	Justification string
	TicketNumber  string
	TicketSystem  string
	RequestorID   string
	ApprovalID    string
	Created       time.Time
}

// Requests are all requests that were kept, oldest first. The times of the
// embedded Access are those asked for.
func (t *Tenant) Requests() []Request {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle()
	out := make([]Request, 0, len(t.requests.all))
	for _, r := range t.requests.all {
		out = append(out, Request{
			Access: Access{
				Plane: r.plane, Kind: r.kind, Scope: r.scope, Role: r.role, PrincipalID: r.principal,
				Activated: r.action == SelfActivate, Start: r.window.start, End: r.window.end,
				ScheduleID: r.scheduleID, RequestID: r.id,
			},
			ID: r.id, Action: r.action, Status: r.status, Justification: r.justification,
			TicketNumber: r.ticketNumber, TicketSystem: r.ticketSystem, RequestorID: r.caller.oid,
			ApprovalID: r.approvalID, Created: r.created,
		})
	}
	return out
}
