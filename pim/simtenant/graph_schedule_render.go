package simtenant

// never is how Graph writes the date of a change that was not made.
const never = "0001-01-01T08:00:00Z"

// plain reports whether an assignment was made without PIM: it has no dates and
// no schedule of its own.
func (s *schedule) plain() bool { return s.outside && s.kind == Assignment && s.end.IsZero() }

// spell writes the enum members that groups have in camel case and directory
// roles, where they are texts, as ARM does.
func (s collection) spell(member string) string {
	if s.plane == PlaneGroup {
		return camel(member)
	}
	return member
}

// holding are the members that a schedule shares with its instance.
func (s collection) holding(h *schedule, member string) map[string]any {
	m := s.place(h.place)
	m["memberType"] = s.spell(member)
	if s.kind == Assignment {
		m["assignmentType"] = s.spell("Assigned")
		if h.activated {
			m["assignmentType"] = s.spell("Activated")
		}
	}
	m["serviceInfo"] = futureMember()
	return m
}

func (s collection) renderSchedule(t *Tenant, h *schedule, member string) map[string]any {
	m := s.holding(h, member)
	m["id"], m["status"] = h.id, t.status(h)
	if t.opt.FutureValues {
		m["status"] = "ProvisionedInRegion"
	}
	m["createdUsing"], m["createdDateTime"], m["modifiedDateTime"] = textOrNil(h.requestID), stampOrNil(h.created), never
	if h.updated.After(h.created) {
		m["modifiedDateTime"] = stamp(h.updated)
	}
	start := stampOrNil(h.start)
	if h.plain() {
		m["createdUsing"], m["createdDateTime"], start = nil, nil, nil
	}
	kind := "afterDateTime"
	if h.end.IsZero() {
		kind = "noExpiration"
	}
	m["scheduleInfo"] = scheduleInfo(start, kind, nil, stampOrNil(h.end))
	return m
}

func (s collection) renderInstance(h *schedule, member string) map[string]any {
	m := s.holding(h, member)
	m["id"], m["startDateTime"], m["endDateTime"] = h.instanceID, stampOrNil(h.start), stampOrNil(h.end)
	if h.plain() {
		m["startDateTime"] = nil
	}
	schedule := string(s.kind) + "ScheduleId"
	if s.plane == PlaneDirectory {
		schedule = "roleAssignmentScheduleId"
		if s.kind == Eligibility {
			schedule = "roleEligibilityScheduleId"
		} else {
			m["roleAssignmentOriginId"] = h.instanceID
		}
	}
	m[schedule] = h.id
	return m
}
