package simtenant

import (
	"strings"
	"time"
)

// Plane is one of the three surfaces of Privileged Identity Management.
type Plane string

// The planes. A scope is an ARM scope on the first, "/" or an administrative unit
// on the second and a group's id on the third; a role is a role definition's
// GUID, on the third "member" or "owner".
const (
	PlaneAzure     Plane = "azure"
	PlaneDirectory Plane = "directory"
	PlaneGroup     Plane = "group"
)

// Kind is what a schedule gives: the right to activate, or the role itself.
type Kind string

// The kinds.
const (
	Eligibility Kind = "eligibility"
	Assignment  Kind = "assignment"
)

// Access is one arrangement as the tenant knows it, regardless of what lists
// already show.
type Access struct {
	Plane       Plane
	Kind        Kind
	Scope       string
	Role        string
	PrincipalID string

	// Activated tells an activation from an assignment by an administrator.
	Activated bool

	Start time.Time
	// End is when the platform ends it; zero means never.
	End time.Time

	ScheduleID, RequestID string
}

// place is where an arrangement applies and to whom. Compare what is folded: no
// service compares ids with case.
type place struct {
	plane     Plane
	kind      Kind
	scope     string
	role      string
	principal string
}

// Action is the verb of a request, as ARM writes it; Graph writes it with a
// small first letter.
type Action string

// The actions.
const (
	AdminAssign    Action = "AdminAssign"
	AdminRemove    Action = "AdminRemove"
	AdminUpdate    Action = "AdminUpdate"
	AdminExtend    Action = "AdminExtend"
	AdminRenew     Action = "AdminRenew"
	SelfActivate   Action = "SelfActivate"
	SelfDeactivate Action = "SelfDeactivate"
	SelfExtend     Action = "SelfExtend"
	SelfRenew      Action = "SelfRenew"
)

// parseAction reads an action in any letter case.
func parseAction(s string) (Action, bool) {
	for _, a := range []Action{
		AdminAssign, AdminRemove, AdminUpdate, AdminExtend, AdminRenew,
		SelfActivate, SelfDeactivate, SelfExtend, SelfRenew,
	} {
		if strings.EqualFold(s, string(a)) {
			return a, true
		}
	}
	return "", false
}

// self reports whether only the principal may ask for a.
func (a Action) self() bool { return strings.HasPrefix(string(a), "Self") }

// ends reports whether a ends an arrangement.
func (a Action) ends() bool { return a == AdminRemove || a == SelfDeactivate }
