package simulation

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/azurepim/azure-pim/pim"
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

// asked is the body of a message in the requests queue: one request, or many.
type asked []*want

const (
	eligibleFor = "P10D" // ends soon enough to be extended
	extendedBy  = "P30D"
	activeFor   = "PT8H" // outlasts every world
)

// newSlots draws what people want in this world.
func (w *world) newSlots() []*slot {
	var out []*slot
	taken := map[string]bool{}
	for range 1 + w.random.IntN(2) {
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
