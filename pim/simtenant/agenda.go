package simtenant

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// agenda is what the clock alone will do, so that a call asks what is due and not
// everything that there is. What no longer waits by then finds nothing to do.
type agenda []entry

type entry struct {
	at   time.Time
	what waiter
}

// waiter is what leaves a mark when its time comes: an approval, a request or a
// schedule. They take their turns in this order, each in the order of its making.
type waiter interface {
	turn() (kind, number int)
	settle(t *Tenant, now time.Time)
}

// Len, Less, Swap, Push and Pop make it a heap: the earliest is first.
func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(v any)        { *a = append(*a, v.(entry)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// await has w settled at a time.
func (t *Tenant) await(at time.Time, w waiter) { heap.Push(&t.agenda, entry{at, w}) }

// settle lets the time that has passed since the last call take effect. All state
// that depends on the clock alone is derived; only what leaves a mark is set here.
func (t *Tenant) settle() {
	now := t.now()
	var due []waiter
	for len(t.agenda) > 0 && !now.Before(t.agenda[0].at) {
		due = append(due, heap.Pop(&t.agenda).(entry).what)
	}
	slices.SortStableFunc(due, func(a, b waiter) int {
		kind, number := a.turn()
		otherKind, other := b.turn()
		return cmp.Or(cmp.Compare(kind, otherKind), cmp.Compare(number, other))
	})
	for _, w := range due {
		w.settle(t, now)
	}
}

func (a *approval) turn() (kind, number int) { return 0, a.number }
func (r *request) turn() (kind, number int)  { return 1, r.number }
func (s *schedule) turn() (kind, number int) { return 2, s.number }

func (a *approval) settle(t *Tenant, now time.Time) {
	if !a.open() || now.Before(a.deadline) {
		return
	}
	a.status, a.request.status = stageExpired, statusTimedOut
	a.request.completed = a.deadline
	t.noteBy(caller{}, a.request, "timed out")
}

func (r *request) settle(t *Tenant, now time.Time) {
	switch {
	case r.status == statusMakingApproval && !now.Before(r.provisionAt):
		t.openApproval(r)
	case r.begins(now) && r.action == SelfActivate && !t.stillEligible(r):
		t.fail(r)
	case r.begins(now), r.status == statusProvisioning && !now.Before(r.provisionAt):
		r.status = statusProvisioned
		t.note(r, "completed")
	}
}

// begins reports whether the time has come that r was granted for.
func (r *request) begins(now time.Time) bool {
	return r.status == statusGranted && !r.stalled && !now.Before(r.window.start)
}

func (s *schedule) settle(t *Tenant, now time.Time) {
	if s.expired(now) && !s.expiryTold {
		s.expiryTold = true
		t.noteExpiry(s)
	}
}
