package amqpbroker

import (
	"slices"
	"time"
)

// consumer is a receiving link as the queue sees it.
type consumer struct {
	wake  chan struct{} // has one element when there may be something to do
	conn  *conn         // the client's, which may ask $management about the session
	group *group        // the session it has locked, if any
}

func newConsumer(c *conn) *consumer { return &consumer{wake: make(chan struct{}, 1), conn: c} }

func (c *consumer) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// delivery is a message as it is handed to a receiver.
type delivery struct {
	queue    *queue
	consumer *consumer // nil: handed out by $management
	token    uuid
	data     []byte
}

func (q *queue) subscribe(c *consumer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.consumers[c] = struct{}{}
}

// unsubscribe forgets c. Its session is released; plain message locks stay
// until they expire, as in the service.
func (q *queue) unsubscribe(c *consumer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.consumers, c)
	if c.group != nil && c.group.owner == c {
		// What was delivered has not failed ("Message sessions", impact of
		// delivery count).
		q.release(c.group, false)
		q.notify()
	}
}

// next takes the next available message for c: locked, or removed when the
// receiver asked for receive-and-delete. It is nil when there is none.
func (q *queue) next(c *consumer, lock bool) (*delivery, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	ready, until := &q.ready, now.Add(q.cfg.LockDuration)
	if q.cfg.RequiresSession {
		if !c.group.lockedBy(c, now) {
			return nil, errSessionLockLost
		}
		ready, until = &c.group.ready, c.group.lockedUntil
	}
	m := q.first(ready, now)
	if m == nil {
		return nil, nil
	}
	d := q.hand(m, lock, until)
	d.consumer = c
	return d, nil
}

// lost tells whether c had locked a session and has it no longer.
func (q *queue) lost(c *consumer) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return c.group != nil && !c.group.lockedBy(c, time.Now())
}

// deferred hands out deferred messages by their sequence numbers, all of them
// or none. Those of sessions go to the connection that has locked the session.
func (q *queue) deferred(c *conn, sequences []int64, lock bool) ([]*delivery, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var found []*message
	for _, s := range sequences {
		m := q.messages.at(s)
		if m == nil || m.state != stateDeferred || m.locked || slices.Contains(found, m) {
			return nil, errMessageNotFound
		}
		if q.cfg.RequiresSession {
			if _, err := q.lockedGroup(m.group, c); err != nil {
				return nil, err
			}
		}
		found = append(found, m)
	}
	var out []*delivery
	for _, m := range found {
		until := time.Now().Add(q.cfg.LockDuration)
		if q.cfg.RequiresSession {
			until = q.groups[m.group].lockedUntil
		}
		out = append(out, q.hand(m, lock, until))
	}
	return out, nil
}

// hand locks or removes m and encodes it. The caller holds the lock.
func (q *queue) hand(m *message, lock bool, until time.Time) *delivery {
	if lock {
		m.locked, m.token, m.lockedUntil = true, newToken(), until
		q.locked[m.token] = m
		q.arrange(m)
	} else {
		q.remove(m)
	}
	return &delivery{queue: q, token: m.token, data: m.encode()}
}

// peek returns up to n messages from the given sequence number on, whatever
// their state, and those of one session alone if it is not nil.
func (q *queue) peek(from int64, n int, session *string) [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out [][]byte
	for m := range q.messages.from(from) {
		if len(out) == n {
			break
		}
		if session != nil && m.group != *session {
			continue
		}
		peeked := *m
		peeked.locked = false // the lock token is its holder's alone
		out = append(out, peeked.encode())
	}
	return out
}
