package amqpbroker

import (
	"slices"
	"time"
)

// renewGroup locks a session anew for the connection that has locked it, and
// returns the new end of its lock.
func (q *queue) renewGroup(id string, c *conn) (time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g, err := q.lockedGroup(id, c)
	if err != nil {
		return time.Time{}, err
	}
	g.lockedUntil = time.Now().Add(q.cfg.LockDuration)
	return g.lockedUntil.UTC(), nil
}

// groupState returns the state that a receiver left with a session.
func (q *queue) groupState(id string, c *conn) ([]byte, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g, err := q.lockedGroup(id, c)
	if err != nil {
		return nil, err
	}
	return g.state, nil
}

func (q *queue) setGroupState(id string, c *conn, state []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	g, err := q.lockedGroup(id, c)
	if err != nil {
		return err
	}
	g.state = state
	return nil
}

// lockedGroup returns a session that a link of the connection has locked. The
// caller holds the lock.
func (q *queue) lockedGroup(id string, c *conn) (*group, error) {
	if g := q.groups[id]; g != nil && g.lockedBy(g.owner, time.Now()) && g.owner.conn == c {
		return g, nil
	}
	return nil, errSessionLockLost
}

// groupIDs returns the ids of the sessions, sorted.
func (q *queue) groupIDs() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for id := range q.groups {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
