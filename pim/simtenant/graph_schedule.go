package simtenant

// scheduleView is a collection seen as schedules or as instances.
type scheduleView struct {
	collection
	noun string
}

// shown are the schedules that the view lists now, of some principals or of all.
func (v scheduleView) shown(t *Tenant, who circle) []*schedule {
	if v.plane == PlaneGroup {
		t.adoptAll()
	}
	now := t.now()
	var out []*schedule
	for _, s := range t.schedules.of(who) {
		if s.plane == v.plane && s.kind == v.kind && !s.unbacked &&
			(v.noun == nounInstances && t.listedInstance(s, now) || v.noun == nounSchedules && t.visible(s, now)) {
			out = append(out, s)
		}
	}
	return out
}

func (v scheduleView) id(s *schedule) string {
	if v.noun == nounInstances {
		return s.instanceID
	}
	return s.id
}

func (v scheduleView) list(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(v.readers()...) {
		return graphError(notGranted(v.readers()))
	}
	terms, err := v.listTerms(c, v.noun)
	if err != nil {
		return graphError(err)
	}
	if !t.reads(c.caller, v.plane, termValue(terms, "groupId")) {
		return graphError(errDenied)
	}
	return v.answer(t, c, v.path(v.noun), terms, nil)
}

// own lists what the caller holds, himself or through groups.
func (v scheduleView) own(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(v.readers()...) {
		return graphError(notGranted(v.readers()))
	}
	terms, ok := parseComparisons(c.query.Get("$filter"), v.fields()...)
	if !ok {
		return graphError(invalidFilter(c.query.Get("$filter")))
	}
	if err := v.checkOrder(c, v.noun); err != nil {
		return graphError(err)
	}
	if c.args[0] != "principal" {
		return graphError(refuse("BadRequest", "The value '"+c.args[0]+"' of the parameter 'on' is not valid."))
	}
	return v.answer(t, c, "Collection("+v.entity(v.noun)+")", terms, t.withGroups(c.caller.oid))
}

func (v scheduleView) answer(t *Tenant, c *graphCall, context string, terms []comparison, mine circle) *answer {
	if _, err := c.expansions(v.relations(v.noun)...); err != nil {
		return graphError(err)
	}
	var items []map[string]any
	for _, s := range v.shown(t, narrowed(mine, terms)) {
		if !mine.has(s.principal) || !keeps(terms, func(name string) string { return v.placeField(s.place, name) }) {
			continue
		}
		item, err := v.item(t, c, s)
		if err != nil {
			return graphError(err)
		}
		items = append(items, item)
	}
	return t.graphItems(c, context, v.render(t, &schedule{}, ""), items)
}

func (v scheduleView) get(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(v.readers()...) {
		return graphError(notGranted(v.readers()))
	}
	for _, s := range v.shown(t, nil) {
		if !sameID(v.id(s), c.args[0]) {
			continue
		}
		if !t.withGroups(c.caller.oid).has(s.principal) && !t.reads(c.caller, v.plane, s.scope) {
			return graphError(errDenied)
		}
		item, err := v.item(t, c, s)
		if err != nil {
			return graphError(err)
		}
		return c.one(v.path(v.noun), item)
	}
	return graphError(noSuch())
}

// item is a schedule or an instance with what $expand asks for. Whoever asks for
// his own sees what he has through a group marked so.
func (v scheduleView) item(t *Tenant, c *graphCall, s *schedule) (map[string]any, *refusal) {
	member := "Direct"
	if len(c.args) > 0 && c.args[0] == "principal" && !sameID(s.principal, c.caller.oid) {
		member = "Group"
	}
	linked := t.scheduleByID(v.plane, Eligibility, s.linked)
	eligible := scheduleView{collection{v.plane, Eligibility}, v.noun}
	m := v.render(t, s, member)
	err := v.expand(t, c, m, s.place, v.noun, map[string]func() any{
		"activatedUsing": func() any {
			if s.linked == "" || linked == nil {
				return nil
			}
			return eligible.render(t, linked, "Direct")
		},
	})
	return m, err
}

func (v scheduleView) render(t *Tenant, s *schedule, member string) map[string]any {
	if v.noun == nounInstances {
		return v.renderInstance(s, member)
	}
	return v.renderSchedule(t, s, member)
}
