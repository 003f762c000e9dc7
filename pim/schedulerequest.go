package pim

import (
	"slices"
	"strings"
	"time"
)

// RequestType is the verb of a ScheduleRequest, as ARM spells it.
type RequestType string

const (
	AdminAssign    RequestType = "AdminAssign"
	AdminRemove    RequestType = "AdminRemove"
	AdminUpdate    RequestType = "AdminUpdate"
	AdminExtend    RequestType = "AdminExtend"
	AdminRenew     RequestType = "AdminRenew"
	SelfActivate   RequestType = "SelfActivate"
	SelfDeactivate RequestType = "SelfDeactivate"
	SelfExtend     RequestType = "SelfExtend"
	SelfRenew      RequestType = "SelfRenew"
)

// removes reports whether t ends something.
func (t RequestType) removes() bool { return t == AdminRemove || t == SelfDeactivate }

// Window says from when and how long. With Duration and End both zero it never
// ends, which a request must say with Permanent, so that no forgotten field does.
type Window struct {
	Start     *time.Time `json:"start,omitempty"` // nil or past is now
	Duration  Duration   `json:"duration,omitzero"`
	End       *time.Time `json:"end,omitempty"`
	Permanent bool       `json:"permanent,omitempty"`
}

// ScheduleRequest is what PIM calls one: a single intent with a status of its own.
// The fields to Condition are asked, the others are answered.
type ScheduleRequest struct {
	Kind          Kind        `json:"kind"`
	Type          RequestType `json:"type"`
	Name          string      `json:"name"` // GUID: ours on ARM, the service's on Graph
	Access        Access      `json:"-"`    // in a Change's journal the change itself says it
	Window        Window      `json:"window,omitzero"`
	Justification string      `json:"justification,omitempty"`
	Ticket        Ticket      `json:"ticket,omitzero"`
	Mark          string      `json:"mark,omitempty"`   // Graph: stands in the justification, so that a lost answer can be found
	Linked        string      `json:"linked,omitempty"` // SelfActivate: schedule of the eligibility
	Target        string      `json:"target,omitempty"` // schedule that is updated, extended or renewed
	Condition     string      `json:"condition,omitempty"`

	Status    Status    `json:"status,omitempty"`
	Approval  string    `json:"approvalId,omitempty"`
	Requestor string    `json:"requestor,omitempty"`
	Created   time.Time `json:"created,omitzero"`
}

// Status is where a ScheduleRequest has got to, as the service words it. Values
// that are not known here are read as Working.
type Status string

const (
	Provisioned     Status = "Provisioned"
	Revoked         Status = "Revoked"
	Canceled        Status = "Canceled"
	Denied          Status = "Denied"
	Granted         Status = "Granted"
	PendingApproval Status = "PendingApproval"
)

// Class is what a Status means for us.
type Class string

const (
	Working Class = "working" // ask again soon
	Waiting Class = "waiting" // people must act first, or the start lies ahead: ask again in minutes
	Good    Class = "good"    // final
	Bad     Class = "bad"     // final
)

// Class sorts the twenty-two statuses of ARM and the strings of Graph. Case differs
// between the two.
func (s Status) Class() Class {
	is := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, string(s)) })
	}
	switch {
	case is("Provisioned", "Revoked", "ScheduleCreated"):
		return Good
	case is("Denied", "AdminDenied", "Failed", "FailedAsResourceIsLocked", "Invalid", "TimedOut", "Canceled"):
		return Bad
	case is("PendingApproval", "PendingAdminDecision", "Granted"):
		return Waiting
	}
	return Working
}

// Cancelable reports whether a request in this status is withdrawn by cancelling
// it, not by AdminRemove (the set that terraform-provider-azurerm uses).
func (s Status) Cancelable() bool {
	for _, n := range []string{"PendingApproval", "PendingApprovalProvisioning", "PendingEvaluation", "Granted", "PendingProvisioning", "PendingAdminDecision"} {
		if strings.EqualFold(n, string(s)) {
			return true
		}
	}
	return false
}
