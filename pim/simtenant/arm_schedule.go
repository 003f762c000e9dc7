package simtenant

import "net/http"

// serveSchedules serves the schedules and the instances of a kind.
func serveSchedules(k Kind, noun string) func(*Tenant, *armCall) *answer {
	instances := noun == "ScheduleInstances"
	return func(t *Tenant, c *armCall) *answer {
		switch {
		case c.method != http.MethodGet:
			return notAllowed(c)
		case len(c.names) == 0:
			return t.listSchedules(c, k, instances)
		case len(c.names) == 1:
			return t.getSchedule(c, k, instances)
		}
		return notFound(c)
	}
}

func (t *Tenant) listSchedules(c *armCall, k Kind, instances bool) *answer {
	f, err := parseFilter(c.query.Get("$filter"), false)
	if err == nil {
		err = t.mayList(c, f)
	}
	if err != nil {
		return armError(err)
	}
	concerns := t.concerns(f, c.caller)
	var found []*schedule
	for _, s := range t.shown(k, instances, c.at.id, concerns) {
		if t.covers(f, c.at.id, s.scope) && (f.role == "" || sameID(f.role, s.role)) {
			found = append(found, s)
		}
	}
	return t.pageOf(c, len(found), func(i int) any { return t.renderAny(found[i], instances, t.memberType(found[i], f, c)) })
}

func (t *Tenant) getSchedule(c *armCall, k Kind, instances bool) *answer {
	for _, s := range t.shown(k, instances, c.at.id, nil) {
		id := s.id
		if instances {
			id = s.instanceID
		}
		if !sameID(id, c.name(0)) || !sameID(s.scope, c.at.id) {
			continue
		}
		if !t.withGroups(c.caller.oid).has(s.principal) && !t.may(c.caller.oid, rightReadAssignments, s.scope) {
			return armError(forbidden(c.caller, "Microsoft.Authorization/"+c.kind+"/read", s.scope))
		}
		return reply(http.StatusOK, t.renderAny(s, instances, t.memberType(s, filter{}, c)))
	}
	return notFound(c)
}

// shown are the schedules of a kind that a list at a scope may show now, of some
// principals or of all.
func (t *Tenant) shown(k Kind, instances bool, at string, who circle) []*schedule {
	now := t.now()
	var out []*schedule
	for _, s := range t.schedules.near(at, who) {
		if s.plane == PlaneAzure && s.kind == k && (instances && t.listedInstance(s, now) || !instances && t.visible(s, now)) {
			out = append(out, s)
		}
	}
	return out
}

func (t *Tenant) renderAny(s *schedule, instance bool, member string) any {
	if instance {
		return t.renderInstance(s, member)
	}
	return t.renderSchedule(s, member)
}

// memberType says how an arrangement reaches the place and the principal that
// were asked about.
func (t *Tenant) memberType(s *schedule, f filter, c *armCall) string {
	who := f.assignedTo
	if f.asTarget {
		who = c.caller.oid
	}
	switch {
	case !sameID(s.scope, c.at.id) && t.tree.contains(s.scope, c.at.id) && c.at.id != "/":
		return "Inherited"
	case who != "" && !sameID(s.principal, who):
		return "Group"
	}
	return "Direct"
}
