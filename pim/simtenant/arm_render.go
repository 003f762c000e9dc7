package simtenant

import "strings"

// The types as they stand in ids and in the member "type": Pascal case, unlike
// the paths that clients write.
func requestType(k Kind) string { return typeOf(k, "ScheduleRequests") }

func typeOf(k Kind, noun string) string {
	if k == Eligibility {
		return "RoleEligibility" + noun
	}
	return "RoleAssignment" + noun
}

// resource wraps properties as ARM does.
func resource(scope, kind, name string, properties any) map[string]any {
	return map[string]any{
		"id": armID(scope, kind, name), "name": name, "type": "Microsoft.Authorization/" + kind, "properties": properties,
	}
}

// common are the properties that requests, schedules and instances share.
func (t *Tenant) common(p place, condition, version string) map[string]any {
	return map[string]any{
		"scope": p.scope, "roleDefinitionId": roleID(p.scope, p.role), "principalId": p.principal,
		"principalType": t.principalType(p.principal),
		"condition":     textOrNil(condition), "conditionVersion": textOrNil(version),
		"expandedProperties": t.expanded(p),
		// No published version has this member: readers must bear what is new.
		"resourceVersion": map[string]any{"revision": 1, "ring": "general"},
	}
}

func (t *Tenant) principalType(id string) PrincipalType {
	if p := t.principal(id); p != nil {
		return p.kind
	}
	return TypeUser // what ARM says of the unknown
}

func (t *Tenant) expanded(p place) any {
	who := map[string]any{"id": p.principal, "displayName": nil, "email": nil, "type": t.principalType(p.principal)}
	if found := t.principal(p.principal); found != nil {
		who["displayName"], who["email"] = found.name, textOrNil(found.mail)
	}
	return map[string]any{"scope": t.expandedScope(p.scope), "roleDefinition": t.expandedRole(p.scope, p.role), "principal": who}
}

func (t *Tenant) expandedScope(scope string) any {
	n := t.tree[strings.ToLower(scope)]
	return map[string]any{"id": n.id, "displayName": n.name, "type": n.kind}
}

func (t *Tenant) expandedRole(scope, role string) any {
	r := t.roles[role]
	return map[string]any{"id": roleID(scope, role), "displayName": r.name, "type": r.kind()}
}

func (t *Tenant) renderRequest(r *request) any {
	props := t.common(r.place, r.condition, r.conditionVersion)
	props["requestType"], props["status"], props["requestorId"] = r.action, r.status, r.caller.oid
	props["createdOn"], props["justification"] = stamp(r.created), textOrNil(r.justification)
	props["ticketInfo"] = map[string]any{"ticketNumber": textOrNil(r.ticketNumber), "ticketSystem": textOrNil(r.ticketSystem)}
	props["approvalId"] = nil
	if r.approvalID != "" {
		props["approvalId"] = armID("/", "roleAssignmentApprovals", r.approvalID)
	}
	props["scheduleInfo"] = nil
	if !r.action.ends() {
		props["scheduleInfo"] = map[string]any{
			"startDateTime": stamp(r.window.start),
			"expiration": map[string]any{
				"type": canonicalExpiration(r.expiration.kind), "duration": textOrNil(r.expiration.duration),
				"endDateTime": stampOrNil(r.expiration.end),
			},
		}
	}
	target := "targetRoleAssignmentSchedule"
	if r.kind == Eligibility {
		target = "targetRoleEligibilitySchedule"
	} else {
		props["linkedRoleEligibilityScheduleId"] = textOrNil(r.linkedID)
	}
	props[target+"Id"], props[target+"InstanceId"] = textOrNil(r.scheduleID), nil
	return resource(r.scope, requestType(r.kind), r.id, props)
}

// renderSchedule is a schedule as the lists at a scope show it.
func (t *Tenant) renderSchedule(s *schedule, member string) any {
	props := t.scheduleProperties(s, member)
	props["updatedOn"] = stamp(s.updated)
	props["status"] = t.status(s)
	props[requestMember(s.kind)] = nil
	if !s.outside {
		props[requestMember(s.kind)] = armID(s.scope, requestType(s.kind), s.requestID)
	}
	return resource(s.scope, typeOf(s.kind, "Schedules"), s.id, props)
}

func requestMember(k Kind) string {
	if k == Eligibility {
		return "roleEligibilityScheduleRequestId"
	}
	return "roleAssignmentScheduleRequestId"
}

// renderInstance is a schedule that is in force. Its status means nothing: on
// live instances too it has been seen to say Accepted.
func (t *Tenant) renderInstance(s *schedule, member string) any {
	props := t.scheduleProperties(s, member)
	if s.kind == Eligibility {
		props["status"] = statusProvisioned
		props["roleEligibilityScheduleId"] = armID(s.scope, "RoleEligibilitySchedules", s.id)
	} else {
		props["status"] = "Accepted"
		props["roleAssignmentScheduleId"] = armID(s.scope, "RoleAssignmentSchedules", s.id)
		props["originRoleAssignmentId"] = armID(s.scope, "roleAssignments", s.originID)
		props["linkedRoleEligibilityScheduleInstanceId"] = nil
		if s.linked != "" {
			if e := t.scheduleByID(PlaneAzure, Eligibility, s.linked); e != nil {
				props["linkedRoleEligibilityScheduleInstanceId"] = e.instanceID
			}
		}
	}
	if t.opt.FutureValues {
		props["status"] = "AcceptedForReview"
	}
	return resource(s.scope, typeOf(s.kind, "ScheduleInstances"), s.instanceID, props)
}

func (t *Tenant) scheduleProperties(s *schedule, member string) map[string]any {
	props := t.common(s.place, s.condition, s.conditionVersion)
	props["memberType"], props["createdOn"] = member, stamp(s.created)
	props["startDateTime"], props["endDateTime"] = stamp(s.start), stampOrNil(s.end)
	if s.kind == Assignment {
		props["linkedRoleEligibilityScheduleId"] = textOrNil(s.linked)
		props["assignmentType"] = "Assigned"
		if s.activated {
			props["assignmentType"] = "Activated"
		}
	}
	return props
}
