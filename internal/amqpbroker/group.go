package amqpbroker

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// group is what Service Bus calls a session: the messages of one session id,
// locked together. (AMQP, which has sessions of another sort, calls the id
// group-id.)
type group struct {
	id          string
	owner       *consumer
	lockedUntil time.Time
	state       []byte

	ready  pile[*message] // can be had by the owner
	inFree int            // place among those that are free
}

// lockedBy tells whether c has locked the session and its lock still holds. The
// caller holds the lock.
func (g *group) lockedBy(c *consumer, now time.Time) bool {
	return g != nil && c != nil && g.owner == c && now.Before(g.lockedUntil)
}

// newFree returns the pile of sessions that are free, in the order of their
// first messages.
func newFree() pile[*group] {
	return pile[*group]{
		place: func(g *group) *int { return &g.inFree },
		less:  func(a, b *group) bool { return a.ready.list[0].sequence < b.ready.list[0].sequence },
	}
}

// group returns the session with the id, which may be new. The caller holds the
// lock.
func (q *queue) group(id string) *group {
	g := q.groups[id]
	if g == nil {
		g = &group{id: id, ready: newReady()}
		q.groups[id] = g
	}
	return g
}

// arrangeGroup puts a session, whose owner or messages have changed, among
// those that are free if it is. The caller holds the lock.
func (q *queue) arrangeGroup(id string) {
	g := q.groups[id]
	switch {
	case g == nil: // not a queue of sessions
	case g.owner == nil && g.ready.Len() > 0:
		q.free.put(g)
	default:
		q.free.drop(g)
	}
}

// accept locks a session for c: the named one, or with a nil id the next one
// that has messages. It reports false while there is none, and fails if the
// named one is another's.
func (q *queue) accept(c *consumer, id *string) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	var g *group
	if id != nil {
		g = q.group(*id)
		if g.lockedBy(g.owner, now) {
			return false, &fault{"com.microsoft:session-cannot-be-locked",
				fmt.Sprintf("The requested session '%s' cannot be accepted. It may be locked by another receiver.", *id), 409}
		}
	} else if g = q.nextFree(now); g == nil {
		return false, nil
	}
	if g.owner != nil { // whose lock has expired, and nobody has looked since
		q.release(g, true)
		q.notify()
	}
	g.owner, g.lockedUntil = c, now.Add(q.cfg.LockDuration)
	q.taken[g] = struct{}{}
	q.arrangeGroup(g.id)
	c.group = g
	return true, nil
}

// nextFree returns the session that is free and has the first message of all,
// or nil. The caller holds the lock.
func (q *queue) nextFree(now time.Time) *group {
	for {
		g, ok := q.free.top()
		if !ok {
			return nil
		}
		m, _ := g.ready.top() // those that are free have one
		if !m.expired(now) {
			return g
		}
		q.expire(m)
	}
}

// release frees a session; messages locked under it are available again, and
// their delivery has failed or not. The caller holds the lock.
func (q *queue) release(g *group, failed bool) {
	g.owner = nil
	delete(q.taken, g)
	for _, m := range q.lockedIn(g) {
		q.unlock(m, failed)
	}
	q.arrangeGroup(g.id)
}

// lockedIn returns the locked messages of a session in their order. The caller
// holds the lock.
func (q *queue) lockedIn(g *group) []*message {
	var out []*message
	for _, m := range q.locked {
		if m.group == g.id {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *message) int { return cmp.Compare(a.sequence, b.sequence) })
	return out
}

// releaseExpired frees the sessions whose locks have expired. The caller holds
// the lock.
func (q *queue) releaseExpired(now time.Time) (changed bool) {
	for g := range q.taken {
		if !now.Before(g.lockedUntil) {
			q.release(g, true)
			changed = true
		}
	}
	return changed
}
