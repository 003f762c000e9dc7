package simtenant

import (
	"slices"
	"strings"
	"time"
)

const auditPath = "auditLogs/directoryAudits"

var auditRoutes = []graphRoute{
	{get, "v1.0/" + auditPath, (*Tenant).graphAudits},
	{get, "v1.0/" + auditPath + "/{id}", (*Tenant).graphAudit},
}

// auditsKept is how long a tenant with Entra ID P1 or P2 keeps events.
const auditsKept = 30 * 24 * time.Hour

var rolesReadAudit = []string{RoleGlobalAdmin, RoleGlobalReader, RoleSecurityReader, roleSecurityAdmin, roleReportsReader}

// mayReadAudit asks for two permissions, and of people for a role as well.
func (t *Tenant) mayReadAudit(c caller) *refusal {
	if !c.allowed("AuditLog.Read.All") || !c.allowed(readDirectory...) || !c.appOnly && !t.holdsAny(c.oid, rolesReadAudit) {
		return errDenied
	}
	return nil
}

// loggedEvents are the events that the log shows by now, newest first.
func (t *Tenant) loggedEvents() []Event {
	late := delay(t.opt.AuditDelay, 5*time.Minute)
	var list []Event
	for _, e := range slices.Backward(t.events) {
		if age := t.now().Sub(e.Time); age >= late && age <= auditsKept {
			list = append(list, e)
		}
	}
	slices.SortStableFunc(list, func(a, b Event) int { return b.Time.Compare(a.Time) })
	return list
}

func (t *Tenant) graphAudits(c *graphCall) *answer {
	if err := t.mayReadAudit(c.caller); err != nil {
		return graphError(err)
	}
	passes, ok := parseAuditFilter(c.query.Get("$filter"))
	if !ok {
		return graphError(refuse("BadRequest", "Invalid filter clause: "+c.query.Get("$filter")))
	}
	events := t.loggedEvents()
	switch strings.TrimSpace(c.query.Get("$orderby")) {
	case "", "activityDateTime desc":
	case "activityDateTime", "activityDateTime asc":
		slices.Reverse(events)
	default:
		return graphError(refuse("BadRequest", "Invalid $orderby: "+c.query.Get("$orderby")))
	}
	var items []map[string]any
	for _, e := range events {
		if passes(e) {
			items = append(items, t.renderEvent(e))
		}
	}
	return t.graphItems(c, "auditLogs/directoryAudits", t.renderEvent(Event{Plane: PlaneAzure, Scope: "/"}), items)
}

func (t *Tenant) graphAudit(c *graphCall) *answer {
	if err := t.mayReadAudit(c.caller); err != nil {
		return graphError(err)
	}
	for _, e := range t.loggedEvents() {
		if eventID(e) == c.args[0] {
			return c.one(auditPath, t.renderEvent(e))
		}
	}
	return graphError(noSuch())
}

func eventID(e Event) string { return "PIM_" + e.ID }

// operation is the kind of an activity.
func (e Event) operation() string {
	switch {
	case strings.HasPrefix(e.Activity, "Remove"):
		return "Unassign"
	case strings.HasPrefix(e.Activity, "Add"):
		return "Assign"
	}
	return "Update"
}

func (t *Tenant) renderEvent(e Event) map[string]any {
	return map[string]any{
		"id": eventID(e), "category": e.Category, "correlationId": e.CorrelationID, "result": e.Result,
		"resultReason": e.Justification, "activityDisplayName": e.Activity, "activityDateTime": stamp(e.Time),
		"loggedByService": loggedBy, "operationType": e.operation(), "initiatedBy": t.initiator(e),
		"targetResources": t.auditTargets(e),
		"additionalDetails": []any{
			map[string]any{"key": "RoleDefinitionOriginId", "value": e.Role},
			map[string]any{"key": "RequestId", "value": textOrNil(e.RequestID)},
		},
	}
}

// loggedBy is the service that writes PIM's events.
const loggedBy = "PIM"

// initiator is a user, an application, or the service itself.
func (t *Tenant) initiator(e Event) any {
	p := t.principals[e.ActorID]
	switch {
	case p == nil:
		return map[string]any{"user": nil, "app": map[string]any{
			"appId": nil, "displayName": "Azure AD PIM", "servicePrincipalId": nil, "servicePrincipalName": nil}}
	case p.kind == TypeServicePrincipal:
		return map[string]any{"user": nil, "app": map[string]any{
			"appId": p.appID, "displayName": p.name, "servicePrincipalId": p.id, "servicePrincipalName": nil}}
	}
	return map[string]any{"app": nil, "user": map[string]any{
		"id": p.id, "displayName": p.name, "userPrincipalName": p.upn, "ipAddress": nil}}
}

// auditTargets are the role, the principal and the place that an event is about.
func (t *Tenant) auditTargets(e Event) []any {
	target := func(id, name, kind string) map[string]any {
		return map[string]any{"id": textOrNil(id), "displayName": textOrNil(name), "type": kind, "modifiedProperties": []any{}}
	}
	list := []any{target(e.Role, t.roleName(e.Plane, e.Role), "Role")}
	if p := t.principals[e.PrincipalID]; p != nil {
		who := target(p.id, p.name, string(p.kind))
		who["userPrincipalName"] = textOrNil(p.upn)
		list = append(list, who)
	}
	switch e.Plane {
	case PlaneGroup:
		list = append(list, target(e.Scope, t.principals[e.Scope].name, "Group"))
	case PlaneDirectory:
		list = append(list, target(t.opt.TenantID, "Contoso", "Directory"))
	default:
		list = append(list, target(e.Scope, t.tree[strings.ToLower(e.Scope)].name, "Other"))
	}
	return list
}

func (t *Tenant) roleName(p Plane, role string) string {
	switch p {
	case PlaneGroup:
		return role
	case PlaneDirectory:
		if r := t.directoryRoleByID(role); r != nil {
			return r.name
		}
	}
	if r := t.roles[strings.ToLower(role)]; r != nil {
		return r.name
	}
	return ""
}
