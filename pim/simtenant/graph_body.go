package simtenant

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// graphRequestBody is the body of a schedule request, of a directory role or of a
// group.
type graphRequestBody struct {
	Action           string             `json:"action"`
	PrincipalID      string             `json:"principalId"`
	RoleDefinitionID string             `json:"roleDefinitionId"`
	DirectoryScopeID string             `json:"directoryScopeId"`
	AppScopeID       string             `json:"appScopeId"`
	GroupID          string             `json:"groupId"`
	AccessID         string             `json:"accessId"`
	Justification    string             `json:"justification"`
	CustomData       string             `json:"customData"`
	TargetScheduleID string             `json:"targetScheduleId"`
	IsValidationOnly bool               `json:"isValidationOnly"`
	TicketInfo       ticketInfo         `json:"ticketInfo"`
	ScheduleInfo     *graphScheduleInfo `json:"scheduleInfo"`
}

type graphScheduleInfo struct {
	armScheduleInfo
	Recurrence json.RawMessage `json:"recurrence"`
}

// The members that a request may have; those of the server are ignored.
var (
	requestMembers = []string{
		"id", "action", "principalId", "justification", "scheduleInfo", "ticketInfo", "customData", "isValidationOnly",
		"targetScheduleId", "status", "approvalId", "createdBy", "createdDateTime", "completedDateTime",
	}
	planeMembers = map[Plane][]string{
		PlaneDirectory: {"roleDefinitionId", "directoryScopeId", "appScopeId"},
		PlaneGroup:     {"groupId", "accessId"},
	}
)

// edmDuration is a duration as OData has it, without years, months and weeks.
var edmDuration = regexp.MustCompile(`^P(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`)

// complexTypes are the types of the members that have members of their own.
var complexTypes = map[string]struct {
	name    string
	members []string
}{
	"scheduleInfo": {"requestSchedule", []string{"startDateTime", "expiration", "recurrence"}},
	"expiration":   {"expirationPattern", []string{"type", "duration", "endDateTime"}},
	"ticketInfo":   {"ticketInfo", []string{"ticketNumber", "ticketSystem"}},
}

// unknownMember refuses what a type does not define, at any depth.
func unknownMember(body map[string]json.RawMessage, kind string, members []string) *refusal {
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if strings.Contains(name, "@odata.") {
			continue
		}
		if !slices.Contains(members, name) {
			return refuse("BadRequest", "The property '"+name+"' does not exist on type 'microsoft.graph."+kind+
				"'. Make sure to only use property names that are defined by the type.")
		}
		var inner map[string]json.RawMessage
		if of, ok := complexTypes[name]; ok && json.Unmarshal(body[name], &inner) == nil {
			if err := unknownMember(inner, of.name, of.members); err != nil {
				return err
			}
		}
	}
	return nil
}

// decodeRequest reads a request. A member that the type does not have is an error
// on Graph.
func (s collection) decodeRequest(t *Tenant, c *graphCall) (ask, *refusal) {
	var names map[string]json.RawMessage
	var b graphRequestBody
	if json.Unmarshal(c.body, &names) != nil || json.Unmarshal(c.body, &b) != nil {
		return ask{}, refuse("BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	if err := unknownMember(names, s.entity(nounRequests), slices.Concat(requestMembers, planeMembers[s.plane])); err != nil {
		return ask{}, err
	}
	action, ok := parseAction(b.Action)
	if !ok {
		return ask{}, badRequest("The action '" + b.Action + "' is not valid.")
	}
	if s.plane == PlaneGroup && (action == SelfExtend || action == SelfRenew) {
		return ask{}, badRequest("The action '" + b.Action + "' is not supported for groups.")
	}
	if !isGUID(b.PrincipalID) {
		return ask{}, badRequest("The principalId is missing or not a GUID.")
	}
	a := ask{
		place: place{plane: s.plane, kind: s.kind, principal: strings.ToLower(b.PrincipalID)}, action: action, caller: c.caller,
		justification: b.Justification, customData: b.CustomData, target: b.TargetScheduleID, dryRun: b.IsValidationOnly,
		ticketNumber: deref(b.TicketInfo.TicketNumber), ticketSystem: deref(b.TicketInfo.TicketSystem),
	}
	if i := b.ScheduleInfo; i != nil && !action.ends() {
		a.start = deref(i.StartDateTime).UTC()
		if e := i.Expiration; e != nil {
			a.expiration = expiration{e.Type, deref(e.Duration), deref(e.EndDateTime).UTC()}
		}
		if len(i.Recurrence) > 0 && string(i.Recurrence) != "null" {
			return ask{}, badSchedule("Recurrence is not supported.")
		}
		if d := a.expiration.duration; d != "" && !edmDuration.MatchString(d) {
			return ask{}, refuse("BadRequest", "Cannot convert the literal '"+d+"' to the expected type 'Edm.Duration'.")
		}
	}
	var err *refusal
	a.scope, a.role, err = s.readPlace(t, b)
	return a, err
}

// readPlace reads where and what a request is about.
func (s collection) readPlace(t *Tenant, b graphRequestBody) (scope, role string, err *refusal) {
	if s.plane == PlaneGroup {
		return t.readGroup(b)
	}
	r := t.directoryRoleByID(b.RoleDefinitionID)
	switch {
	case b.RoleDefinitionID == "":
		return "", "", badRequest("The roleDefinitionId is missing.")
	case r == nil:
		return "", "", errRoleNotFound
	case (b.DirectoryScopeID == "") == (b.AppScopeID == ""):
		return "", "", badRequest("Exactly one of directoryScopeId and appScopeId is needed.")
	case b.AppScopeID != "":
		return "", "", badGraphRequest("The role '" + r.name + "' is not supported at the app scope '" + b.AppScopeID + "'.")
	}
	scope, err = t.directoryScope(b.DirectoryScopeID, r)
	if p := t.principal(b.PrincipalID); err == nil && p != nil && p.kind == TypeGroup && !p.roleAssignable {
		err = badGraphRequest("The group '" + p.id + "' is not assignable to roles.")
	}
	return scope, r.id, err
}
