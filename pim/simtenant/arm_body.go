package simtenant

import (
	"strings"
	"time"
)

// armRequestBody is the body of a schedule request. Read-only members that
// callers send along are ignored.
type armRequestBody struct {
	Properties *struct {
		PrincipalID                     string           `json:"principalId"`
		RoleDefinitionID                string           `json:"roleDefinitionId"`
		RequestType                     string           `json:"requestType"`
		Justification                   *string          `json:"justification"`
		LinkedRoleEligibilityScheduleID *string          `json:"linkedRoleEligibilityScheduleId"`
		TargetRoleAssignmentScheduleID  *string          `json:"targetRoleAssignmentScheduleId"`
		TargetRoleEligibilityScheduleID *string          `json:"targetRoleEligibilityScheduleId"`
		TargetAssignmentInstanceID      *string          `json:"targetRoleAssignmentScheduleInstanceId"`
		TargetEligibilityInstanceID     *string          `json:"targetRoleEligibilityScheduleInstanceId"`
		Condition                       *string          `json:"condition"`
		ConditionVersion                *string          `json:"conditionVersion"`
		TicketInfo                      *ticketInfo      `json:"ticketInfo"`
		ScheduleInfo                    *armScheduleInfo `json:"scheduleInfo"`
	} `json:"properties"`
}

type ticketInfo struct {
	TicketNumber *string `json:"ticketNumber"`
	TicketSystem *string `json:"ticketSystem"`
}

type armScheduleInfo struct {
	StartDateTime *time.Time `json:"startDateTime"`
	Expiration    *struct {
		Type        string     `json:"type"`
		Duration    *string    `json:"duration"`
		EndDateTime *time.Time `json:"endDateTime"`
	} `json:"expiration"`
}

func badRequest(message string) *refusal { return refuse("InvalidRoleAssignmentRequest", message) }

// decodeRequest reads the body of a request of a kind at the call's scope.
func (t *Tenant) decodeRequest(c *armCall, k Kind) (ask, *refusal) {
	var b armRequestBody
	if err := c.decode(&b); err != nil {
		return ask{}, err
	}
	p := b.Properties
	if p == nil {
		return ask{}, refuse("InvalidRequestContent", "The request content was invalid: the member 'properties' is missing.")
	}
	action, ok := parseAction(p.RequestType)
	if !ok {
		return ask{}, badRequest("The requestType '" + p.RequestType + "' is not valid.")
	}
	if !isGUID(p.PrincipalID) {
		return ask{}, badRequest("The principalId is missing or not a GUID.")
	}
	role, err := t.readRoleID(p.RoleDefinitionID, c.at)
	if err != nil {
		return ask{}, err
	}
	a := ask{
		place:  place{PlaneAzure, k, c.at.id, role.id, strings.ToLower(p.PrincipalID)},
		action: action, caller: c.caller, id: strings.ToLower(c.name(0)),
		justification: deref(p.Justification), linked: deref(p.LinkedRoleEligibilityScheduleID),
		target: deref(p.TargetRoleAssignmentScheduleID), targetInstance: deref(p.TargetAssignmentInstanceID), condition: deref(p.Condition), conditionVersion: deref(p.ConditionVersion),
	}
	if k == Eligibility {
		a.target, a.targetInstance = deref(p.TargetRoleEligibilityScheduleID), deref(p.TargetEligibilityInstanceID)
	}
	if p.TicketInfo != nil {
		a.ticketNumber, a.ticketSystem = deref(p.TicketInfo.TicketNumber), deref(p.TicketInfo.TicketSystem)
	}
	if s := p.ScheduleInfo; s != nil {
		a.start = deref(s.StartDateTime).UTC()
		if e := s.Expiration; e != nil {
			a.expiration = expiration{e.Type, deref(e.Duration), deref(e.EndDateTime).UTC()}
		}
	}
	if a.condition != "" && a.conditionVersion != "2.0" && a.conditionVersion != "1.0" {
		return ask{}, badRequest("The conditionVersion must be '2.0' where there is a condition.")
	}
	return a, nil
}

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// readRoleID reads the full id of a role: below the subscription inside one,
// without a subscription above. A bare GUID is no id.
func (t *Tenant) readRoleID(id string, at *node) (*roleDefinition, *refusal) {
	unknown := refuse("RoleDefinitionDoesNotExist", "The role definition '"+id+"' does not exist or cannot be assigned at scope '"+at.id+"'.")
	i := strings.LastIndex(strings.ToLower(id), authorization+"roledefinitions/")
	if i < 0 {
		return nil, unknown
	}
	scope := strings.TrimPrefix(strings.ToLower(id[:i]), subscriptionProvider)
	if !sameID(scope, subscriptionOf(at.id)) {
		return nil, unknown
	}
	role := t.roles[strings.ToLower(lastSegment(id))]
	if role == nil || !t.assignableAt(role, at.id) {
		return nil, unknown
	}
	if t.now().Before(role.known) {
		return nil, refuse("RoleNotFound", "The role is not found.")
	}
	return role, nil
}
