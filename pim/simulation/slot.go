package simulation

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// slot is one access that people want changed, step by step: who, what, where. No two
// slots touch each other, so what must stand in the end is known beforehand.
type slot struct {
	name                   string
	plane                  pim.Plane
	scope, role, principal string
	steps                  []*step
	at                     int

	// What stands, as far as the steps before have been written.
	eligible bool
	soon     bool // the eligibility ends within the fortnight in which it can be extended
	expired  bool // an eligibility has come to its own end
	active   bool
	pending  bool // an activation is arranged for later
}

// step is what is asked at one time; the next step comes when all of it has ended.
type step struct {
	wants []*want
	// refuses has the audit log refuse the line before an activation.
	refuses bool
}

// want is a change that somebody asks for, and what must come of it.
type want struct {
	slot    *slot
	id      string
	request pim.Request
	expect  pim.State
	vote    vote

	asks        int // how often it was asked for in earnest: so many runs there may be
	outstanding int // asks that nobody has answered
	impostor    bool
}

type vote string

const (
	approve vote = "approve"
	deny    vote = "deny"
	silence vote = ""
)

// asked is the body of a message in the requests queue.
type asked struct {
	want    *want
	request pim.Request
}

const (
	eligibleFor = "P10D" // ends soon enough to be extended
	extendedBy  = "P30D"
	activeFor   = "PT8H" // outlasts every world
)

// newSlots draws what people want in this world.
func (w *world) newSlots() []*slot {
	var out []*slot
	taken := map[string]bool{}
	for range 1 + w.random.IntN(3) {
		s := w.newSlot(w.random)
		if key := s.principal + s.role + string(s.plane); !taken[key] {
			taken[key] = true
			s.name = "s" + strconv.Itoa(len(out)+1)
			out = append(out, s)
			w.script(s)
		}
	}
	return out
}

func (w *world) newSlot(r *rand.Rand) *slot {
	s := &slot{plane: pim.Azure, principal: w.users[r.IntN(len(w.users))], role: freeRole}
	s.scope = []string{w.sub, w.rg}[r.IntN(2)]
	switch x := r.IntN(100); {
	case x < 20:
		s.plane, s.scope, s.role = pim.Directory, "/", freeGraph
	case x < 40:
		s.plane, s.scope, s.role = pim.Group, w.group, "member"
	case x < 45:
		s.role = deniedRole
	case x < 55:
		s.role = approvedRole
	case x < 58:
		s.principal = w.stalled
	}
	return s
}

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
	for most := 1 + r.IntN(3); len(s.steps) < most; {
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
	switch w.random.IntN(10) {
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
	case pim.Grant, pim.Activate:
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

func (s *slot) request(id string, action pim.Action, edits ...string) pim.Request {
	extra := ""
	if len(edits) > 0 {
		extra = "," + strings.Join(edits, ",")
	}
	var r pim.Request
	err := r.UnmarshalJSON(fmt.Appendf(nil, `{"id":%q,"action":%q,"plane":%q,"scope":%q,"role":%q,"principalId":%q,"justification":"because"%s}`,
		id, action, s.plane, s.scope, s.role, s.principal, extra))
	if err != nil {
		panic("simulation: " + err.Error())
	}
	return r
}
