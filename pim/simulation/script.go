package simulation

import (
	"fmt"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// script draws the steps of a slot.
func (w *world) script(s *slot) {
	r := w.random
	switch {
	case s.role == deniedRole:
		w.add(s, pim.Refused, pim.Grant)
		return
	case s.principal == w.stalled:
		w.add(s, pim.Failed, pim.Grant)
		return
	case s.role == approvedRole:
		v := []vote{approve, approve, approve, deny, silence}[r.IntN(5)]
		expect := pim.Refused
		if v == approve {
			expect, s.active, s.eligible = pim.Done, true, true
		}
		w.add(s, expect, pim.Grant).wants[0].vote = v
		return
	}
	switch r.IntN(6) {
	case 0, 1:
		s.eligible, s.soon = true, true
		w.tenant.MakeEligible(w.seeded(s, 10*24*time.Hour, 0))
	case 2:
		s.expired = true
		w.tenant.MakeEligible(w.seeded(s, 2*time.Hour, 3*time.Hour))
	case 3:
		w.halfway(s)
		return
	}
	for most := 1 + r.IntN(2); len(s.steps) < most; {
		if !w.wander(s) {
			return
		}
	}
}

func (w *world) seeded(s *slot, length, ago time.Duration) simtenant.Grant {
	g := simtenant.Grant{Plane: simtenant.Plane(s.plane), Scope: s.scope, Role: s.role, Principal: s.principal, For: length, Ago: ago}
	if s.plane == pim.Directory {
		g.Role = simtenant.RoleGroupsAdmin
	}
	return g
}

// halfway is a grant that fails between its two effects because it cannot be
// accounted for. Somebody clears up behind it, perhaps, and it is asked for again.
func (w *world) halfway(s *slot) {
	first := w.add(s, pim.Failed, pim.Grant)
	first.refuses = true
	s.eligible = true
	if w.random.IntN(3) > 0 {
		w.add(s, pim.Done, pim.RemoveEligible)
		s.eligible = false
	}
	again := *first.wants[0]
	again.expect = pim.Done
	s.steps = append(s.steps, &step{wants: []*want{&again}})
	s.eligible, s.active = true, true
}

// wander adds a step at random. It reports whether others can follow.
func (w *world) wander(s *slot) bool {
	given := func(ok bool, otherwise pim.State) pim.State {
		if ok {
			return pim.Done
		}
		return otherwise
	}
	switch w.random.IntN(11) {
	case 0, 1, 2:
		w.rivals(s, w.add(s, pim.Done, pim.Grant))
		if !s.active { // otherwise nothing is missing
			s.soon = s.soon || !s.eligible
			s.eligible, s.active = true, true
		}
	case 3:
		w.rivals(s, w.add(s, pim.Done, pim.MakeEligible))
		s.soon = s.soon || !s.eligible
		s.eligible = true
	case 4:
		w.rivals(s, w.add(s, given(s.eligible, pim.Refused), pim.Activate))
		s.active = s.active || s.eligible
	case 5:
		w.rivals(s, w.add(s, pim.Done, pim.Deactivate))
		s.active = false
	case 6:
		w.rivals(s, w.add(s, pim.Done, pim.RemoveEligible))
		s.eligible, s.soon = false, false
	case 7:
		if s.eligible && !s.soon {
			return true // PIM would refuse it, for what is not near its end
		}
		w.add(s, given(s.eligible, pim.Failed), pim.Extend)
		s.soon = false
	case 8:
		ok := !s.eligible && s.expired
		w.add(s, given(ok, pim.Failed), pim.Renew)
		s.eligible = s.eligible || ok
	case 9:
		if s.active {
			return true
		}
		w.add(s, pim.Done, pim.Grant, `"start":"`+w.began.Add(12*time.Hour).UTC().Format(time.RFC3339)+`"`)
		s.soon = s.soon || !s.eligible
		s.eligible, s.pending = true, true
		if w.random.IntN(2) == 0 {
			w.rivals(s, w.add(s, pim.Done, pim.Cancel))
			s.pending = false
		}
		return false
	case 10:
		w.rivals(s, w.add(s, pim.Done, pim.Assign))
		s.active = true
	}
	return true
}

// add appends a step with one want.
func (w *world) add(s *slot, expect pim.State, action pim.Action, edits ...string) *step {
	t := &step{}
	s.steps = append(s.steps, t)
	w.addWant(s, t, expect, action, edits...)
	return t
}

func (w *world) addWant(s *slot, t *step, expect pim.State, action pim.Action, edits ...string) {
	id := fmt.Sprintf("%s-%d-%s", s.name, len(s.steps), action)
	if len(t.wants) > 0 {
		id += "-too"
	}
	switch action {
	case pim.Grant, pim.Activate, pim.Assign:
		edits = append(edits, `"duration":"`+activeFor+`"`)
	case pim.MakeEligible:
		edits = append(edits, `"duration":"`+eligibleFor+`"`)
	case pim.Extend, pim.Renew:
		edits = append(edits, `"duration":"`+extendedBy+`"`)
	}
	t.wants = append(t.wants, &want{slot: s, id: id, expect: expect, impostor: w.random.IntN(8) == 0,
		request: s.request(id, action, edits...)})
}

// rivals has somebody else want the same under another id, now and then.
func (w *world) rivals(s *slot, t *step) {
	if w.random.IntN(4) == 0 {
		first := t.wants[0]
		w.addWant(s, t, first.expect, first.request.Action)
	}
}
