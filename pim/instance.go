package pim

import (
	"errors"
	"time"
)

// Member says how a principal came to hold something.
type Member string

const (
	Direct    Member = "direct"    // given to the principal at this scope
	ByGroup   Member = "group"     // by membership of a group that holds it
	Inherited Member = "inherited" // from a scope above
)

// Instance is an eligibility or an assignment while it is in force. It is the truth
// of who holds what: PIM's request and schedule only lead to it.
type Instance struct {
	Kind          Kind       `json:"kind"`
	Plane         Plane      `json:"plane"`
	Access                   // of the holder, which for ByGroup is the group
	ID            string     `json:"id"`
	PrincipalType string     `json:"principalType,omitempty"` // User, Group, ServicePrincipal, ForeignGroup, Device; empty if the service does not say
	Start         *time.Time `json:"start,omitempty"`         // nil for what was made outside PIM
	End           *time.Time `json:"end,omitempty"`           // nil is permanent
	Member        Member     `json:"memberType,omitempty"`
	Activated     bool       `json:"activated,omitempty"` // an assignment that came of an eligibility
	Schedule      string     `json:"scheduleId,omitempty"`
	Condition     string     `json:"condition,omitempty"`
	PrincipalName string     `json:"principalName,omitempty"`
	ScopeName     string     `json:"scopeName,omitempty"`
}

// Until reports whether the instance stays in force until t. That it is in force now
// says the listing: our clock need not agree with the service's about its start.
func (i Instance) Until(t time.Time) bool { return i.End == nil || !i.End.Before(t) }

// Query narrows a listing. Zero fields do not narrow.
type Query struct {
	Plane     Plane  // required
	Scope     Scope  // required on the azure plane; a group is needed on the group plane unless Principal is set
	Role      Role   //
	Principal string // object id
	Groups    bool   // with Principal, and on the planes of Graph with Scope: also what its groups hold
	Exact     bool   // what holds at Scope (there or inherited), not what lies below it
	// Odd, if set, hears of each item that a listing leaves out since no Scope can name
	// where it lies: there is one, and nobody here can change it.
	Odd func(scope string)
}

// leavesOut reports whether err is about the scope of one item alone, and says so.
func (q Query) leavesOut(err error) bool {
	odd, ok := errors.AsType[*oddScope](err)
	if ok && q.Odd != nil {
		q.Odd(odd.scope)
	}
	return ok
}

// oddScope is a scope in an answer that is none of ours. Azure itself makes resources
// whose names have blanks in them.
type oddScope struct {
	scope string
	err   error
}

func (o *oddScope) Error() string { return o.err.Error() }
