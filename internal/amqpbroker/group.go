package amqpbroker

import (
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
		if g = q.groups[*id]; g == nil {
			g = &group{id: *id}
			q.groups[*id] = g
		}
		if g.owner != nil && now.Before(g.lockedUntil) {
			return false, &fault{"com.microsoft:session-cannot-be-locked",
				fmt.Sprintf("The requested session '%s' cannot be accepted. It may be locked by another receiver.", *id), 409}
		}
	} else {
		m := q.find(func(m *message) bool {
			return m.state == stateActive && !m.locked && q.groups[m.group].owner == nil
		})
		if m == nil {
			return false, nil
		}
		g = q.groups[m.group]
	}
	g.owner, g.lockedUntil = c, now.Add(q.cfg.LockDuration)
	c.group = g
	return true, nil
}

// release frees a session; messages locked under it are available again, and
// their delivery has failed. The caller holds the lock.
func (q *queue) release(g *group) {
	for _, m := range slices.Clone(q.messages) {
		if m.locked && m.group == g.id {
			q.unlock(m, true)
		}
	}
	g.owner = nil
}

// renewGroup locks a session anew and returns the new end of its lock.
func (q *queue) renewGroup(id string) (time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g, err := q.owned(id)
	if err != nil {
		return time.Time{}, err
	}
	g.lockedUntil = time.Now().Add(q.cfg.LockDuration)
	return g.lockedUntil.UTC(), nil
}

// groupState returns the state that a receiver left with a session.
func (q *queue) groupState(id string) ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g, err := q.owned(id)
	if err != nil {
		return nil, err
	}
	return g.state, nil
}

func (q *queue) setGroupState(id string, state []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	g, err := q.owned(id)
	if err != nil {
		return err
	}
	g.state = state
	return nil
}

// owned returns a session that is locked. The caller holds the lock.
func (q *queue) owned(id string) (*group, error) {
	if g := q.groups[id]; g != nil && g.owner != nil {
		return g, nil
	}
	return nil, errSessionLockLost
}
