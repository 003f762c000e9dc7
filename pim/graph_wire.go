package pim

import (
	"strings"
	"time"
	"unicode"
)

// graphRequest is a schedule request on Graph, of a directory role or of a group.
// Requests and answers share it. The schedule has the shape that it has on ARM.
type graphRequest struct {
	ID             string       `json:"id,omitempty"`
	Action         string       `json:"action"`
	Principal      string       `json:"principalId"`
	RoleDefinition string       `json:"roleDefinitionId,omitempty"`
	DirectoryScope string       `json:"directoryScopeId,omitempty"`
	Group          string       `json:"groupId,omitempty"`
	Access         string       `json:"accessId,omitempty"`
	Justification  string       `json:"justification,omitempty"`
	Ticket         *armTicket   `json:"ticketInfo,omitempty"`
	Schedule       *armSchedule `json:"scheduleInfo,omitempty"`
	Target         string       `json:"targetScheduleId,omitempty"`
	ValidationOnly bool         `json:"isValidationOnly,omitempty"`

	Status   Status        `json:"status,omitempty"`
	Approval string        `json:"approvalId,omitempty"`
	Created  time.Time     `json:"createdDateTime,omitzero"`
	By       *graphCreator `json:"createdBy,omitempty"`
}

// graphCreator is the user who asked, or the application that did.
type graphCreator struct {
	User        graphIdentity `json:"user"`
	Application graphIdentity `json:"application"`
}

type graphIdentity struct {
	ID string `json:"id"`
}

// graphAccess is who holds what where, in the fields of both planes.
type graphAccess struct {
	Principal      string `json:"principalId"`
	RoleDefinition string `json:"roleDefinitionId"`
	DirectoryScope string `json:"directoryScopeId"`
	Group          string `json:"groupId"`
	Access         string `json:"accessId"`
}

// access is false for what cannot be named here: a role in an app's own scope or in
// an attribute set, which PIM lists among the others.
func (g graphAccess) access(p Plane) (Access, bool) {
	where, role := g.DirectoryScope, g.RoleDefinition
	if p == Group {
		where, role = g.Group, g.Access
	}
	s, err := ParseScope(p, where)
	return Access{Scope: s, Role: Role{ID: strings.ToLower(role)}, Principal: strings.ToLower(g.Principal)}, err == nil
}

// graphPath is the collection of one kind on one plane: its ScheduleRequests,
// Schedules or ScheduleInstances.
func graphPath(p Plane, k Kind, collection string) string {
	if p == Group {
		return "/v1.0/identityGovernance/privilegedAccess/group/" + string(k) + collection
	}
	kind := "roleAssignment"
	if k == Eligibility {
		kind = "roleEligibility"
	}
	return "/v1.0/roleManagement/directory/" + kind + collection
}

// lowerFirst writes an enum of ARM as Graph does: AdminAssign is adminAssign.
func lowerFirst(s string) string {
	if s == "" {
		return ""
	}
	return string(unicode.ToLower(rune(s[0]))) + s[1:]
}

// requestTypes are all that a Graph answer's action can mean.
var requestTypes = []RequestType{AdminAssign, AdminRemove, AdminUpdate, AdminExtend, AdminRenew, SelfActivate, SelfDeactivate, SelfExtend, SelfRenew}

// typeOf reads an action in any letter case; an unknown one stays as it is.
func typeOf(action string) RequestType {
	for _, t := range requestTypes {
		if strings.EqualFold(action, string(t)) {
			return t
		}
	}
	return RequestType(action)
}

// noTime turns what Graph writes for never, 0001-01-01 in some time zone, into nil.
func noTime(t *time.Time) *time.Time {
	if t == nil || t.Year() <= 1 {
		return nil
	}
	return t
}
