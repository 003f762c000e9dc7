package sweep

import (
	"context"
	"fmt"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// requests reads what PIM was asked for at the target: who used what, and what has
// waited for long.
func (s *scan) requests(ctx context.Context, t *target) {
	var odd odd
	for _, k := range []pim.Kind{pim.Assignment, pim.Eligibility} {
		waiting := map[id][]pim.ScheduleRequest{}
		for q, err := range s.Client.Requests(ctx, k, odd.heardOf(t.query())) {
			if err != nil {
				t.fail(err)
				return
			}
			if !t.covers(q.Access.Scope) {
				continue
			}
			if k == pim.Assignment && !q.Type.Removes() && q.Status.Class() == pim.Good && q.Created.After(s.now.Add(-s.rules.unused)) {
				s.mu.Lock()
				s.recall.used(roleUse(t.scope.Plane(), q.Access.Role.ID, q.Access.Principal), q.Created)
				s.mu.Unlock()
			}
			if waits(q, s.now) {
				t.count.Requests++
				if s.rules.of(Pending) != Off {
					a := accessID(k, q.Access)
					waiting[a] = append(waiting[a], q)
				}
			}
		}
		for _, of := range waiting {
			s.stale(t, k, of)
		}
	}
	if s.tell(t, odd, "requests"); odd.n > 0 {
		return // a use may be among them, so that nothing can be said to be unused
	}
	s.mu.Lock()
	s.recall.readRequests(key(t.scope), s.now)
	s.mu.Unlock()
}

// waits reports whether q hangs or waits for people. What only waits for its own
// start does not.
func waits(q pim.ScheduleRequest, now time.Time) bool {
	if !q.Status.Cancelable() {
		return false
	}
	return q.Status != pim.Granted || q.Window.Start == nil || !q.Window.Start.After(now)
}

// stale proposes to withdraw requests for one access. The engine withdraws all that
// wait for it, so a younger one keeps the older ones.
func (s *scan) stale(t *target, k pim.Kind, of []pim.ScheduleRequest) {
	oldest := of[0]
	for _, q := range of {
		if s.now.Sub(q.Created) <= s.rules.pending {
			return
		}
		if q.Created.Before(oldest.Created) {
			oldest = q
		}
	}
	p := s.proposal(t, finding{
		rule: Pending, since: &oldest.Created,
		why: fmt.Sprintf("it has waited for %s (%s)", days(s.now.Sub(oldest.Created)), oldest.Status),
	}, k, oldest.Access)
	p.Action, p.Request = pim.Cancel, oldest.Name
	p.Start, p.End, p.Condition = oldest.Window.Start, oldest.Window.End, oldest.Condition
	s.propose(t, p)
}
