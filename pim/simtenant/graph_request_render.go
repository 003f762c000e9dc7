package simtenant

import (
	"maps"
	"strings"
)

// camel writes an enum member of ARM as Graph does.
func camel(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// place writes where and to whom something applies.
func (s collection) place(p place) map[string]any {
	if s.plane == PlaneGroup {
		return map[string]any{"principalId": p.principal, "groupId": p.scope, "accessId": p.role}
	}
	return map[string]any{"principalId": p.principal, "roleDefinitionId": p.role, "directoryScopeId": p.scope, "appScopeId": nil}
}

// targetID is the id of the schedule that a request makes: for a directory role
// the request's own, for a group with the group and the access in front. A
// request that ends something makes none.
func (s collection) targetID(r *request) string {
	switch {
	case r.action.ends():
		return ""
	case s.plane == PlaneGroup:
		return r.scope + "_" + r.role + "_" + r.id
	}
	return r.id
}

func (s collection) renderRequest(t *Tenant, _ *graphCall, r *request) map[string]any {
	m := s.place(r.place)
	m["id"], m["action"], m["status"] = r.id, camel(string(r.action)), r.status
	m["justification"], m["customData"] = textOrNil(r.justification), textOrNil(r.customData)
	m["isValidationOnly"], m["targetScheduleId"] = r.dryRun, textOrNil(s.targetID(r))
	m["approvalId"] = textOrNil(r.approvalID)
	m["createdDateTime"], m["completedDateTime"] = stamp(r.created), stampOrNil(r.completed)
	m["createdBy"] = createdBy(r.caller)
	m["ticketInfo"] = map[string]any{"ticketNumber": textOrNil(r.ticketNumber), "ticketSystem": textOrNil(r.ticketSystem)}
	m["scheduleInfo"] = nil
	if !r.action.ends() {
		m["scheduleInfo"] = scheduleInfo(stamp(r.window.start), expirationType(r.expiration.kind), textOrNil(r.expiration.duration), stampOrNil(r.expiration.end))
	}
	m["serviceInfo"] = futureMember()
	return m
}

func createdBy(c caller) any {
	who := map[string]any{"id": c.oid, "displayName": nil}
	if c.appOnly {
		return map[string]any{"application": who, "device": nil, "user": nil}
	}
	return map[string]any{"application": nil, "device": nil, "user": who}
}

// scheduleInfo writes when something begins and ends.
func scheduleInfo(start, kind, duration, end any) any {
	return map[string]any{
		"startDateTime": start, "recurrence": nil,
		"expiration": map[string]any{"type": kind, "duration": duration, "endDateTime": end},
	}
}

func expirationType(kind string) string {
	canonical, _ := canonicalExpiration(kind).(string)
	return camel(canonical)
}

// futureMember is one that no published version has: readers must bear what is new.
func futureMember() any { return map[string]any{"ring": "general"} }

// expandedRequest is a request with what $expand asks for.
func (s collection) expandedRequest(t *Tenant, c *graphCall, r *request) (map[string]any, *refusal) {
	m := s.renderRequest(t, c, r)
	err := s.expand(t, c, m, r.place, nounRequests, map[string]func() any{
		"targetSchedule": func() any { return s.schedule(t, s.targetID(r)) },
		"activatedUsing": func() any { return collection{s.plane, Eligibility}.schedule(t, r.linkedID) },
	})
	return m, err
}

// schedule is a schedule by its id as the other side of a relation, or nil.
func (s collection) schedule(t *Tenant, id string) any {
	if found := t.scheduleByID(s.plane, s.kind, id); id != "" && found != nil {
		return s.renderSchedule(t, found, "Direct")
	}
	return nil
}

// relations are what $expand can ask for of a noun.
func (s collection) relations(noun string) []string {
	list := []string{"principal", "group"}
	if s.plane == PlaneDirectory {
		list = []string{"principal", "roleDefinition", "directoryScope"}
	}
	if noun == nounRequests {
		list = append(list, "targetSchedule")
	}
	if s.kind == Assignment {
		list = append(list, "activatedUsing")
	}
	return list
}

// expand adds the related objects that are asked for to an item.
func (s collection) expand(t *Tenant, c *graphCall, m map[string]any, p place, noun string, more map[string]func() any) *refusal {
	related := map[string]func() any{"principal": func() any { return t.expandPrincipal(p.principal) }}
	if s.plane == PlaneDirectory {
		related["roleDefinition"] = func() any { return t.directoryRoleByID(p.role).render() }
		related["directoryScope"] = func() any { return t.expandScope(p.scope) }
	} else {
		// A caller who may not read groups does not get it, and no error either.
		related["group"] = func() any {
			if !c.caller.mayRead(TypeGroup) {
				return nil
			}
			return t.expandPrincipal(p.scope)
		}
	}
	maps.Copy(related, more)
	list, err := c.expansions(s.relations(noun)...)
	for _, e := range list {
		m[e.name] = e.cut(related[e.name]())
	}
	return err
}
