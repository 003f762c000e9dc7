package amqpbroker

import (
	"cmp"
	"sync"
	"time"
)

// queue is a queue or a dead-letter queue. Its methods take the broker's lock,
// except where they say that the caller holds it. What happens for each message
// finds it without a search through the others: queues of a load test are long.
type queue struct {
	mu          *sync.Mutex // the broker's
	cfg         QueueConfig
	path        string
	deadLetters *queue // nil for a dead-letter queue

	sequence  int64
	messages  shelf
	ready     pile[*message]    // can be had; in a queue of sessions each has its own
	due       pile[*message]    // something happens to them at a certain time
	locked    map[uuid]*message // by lock token
	seen      memory
	groups    map[string]*group
	free      pile[*group]        // nobody's, and have messages that can be had
	taken     map[*group]struct{} // locked by a receiver
	consumers map[*consumer]struct{}
}

func newQueue(mu *sync.Mutex, c QueueConfig, path string) *queue {
	return &queue{
		mu: mu, cfg: c, path: path,
		ready: newReady(),
		due: pile[*message]{
			place: func(m *message) *int { return &m.inDue },
			less: func(a, b *message) bool {
				return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.sequence, b.sequence)) < 0
			},
		},
		locked:    map[uuid]*message{},
		seen:      memory{window: c.DuplicateDetectionWindow, until: map[string]time.Time{}},
		groups:    map[string]*group{},
		free:      newFree(),
		taken:     map[*group]struct{}{},
		consumers: map[*consumer]struct{}{},
	}
}

// newReady returns the pile of messages that can be had, in their order.
func newReady() pile[*message] {
	return pile[*message]{
		place: func(m *message) *int { return &m.inReady },
		less:  func(a, b *message) bool { return a.sequence < b.sequence },
	}
}

// advance does what is due by now, in the order of its times. The caller holds
// the lock.
func (q *queue) advance(now time.Time) {
	changed := q.releaseExpired(now)
	q.seen.forget(now)
	for {
		m, ok := q.due.top()
		if !ok || now.Before(m.due) {
			break
		}
		changed = true
		switch {
		case m.state == stateScheduled:
			q.activate(m, now)
		case m.locked:
			q.unlock(m, true)
		default:
			q.expire(m)
		}
	}
	if changed {
		q.notify()
	}
}

// activate makes the scheduled message m active under a new sequence number, as
// if it had been sent now ("Message sequencing and timestamps", scheduled
// messages). The caller holds the lock.
func (q *queue) activate(m *message, now time.Time) {
	q.remove(m)
	m.state = stateActive
	q.append(m, now)
}

// expire drops m, or makes it a dead letter. The caller holds the lock.
func (q *queue) expire(m *message) {
	q.remove(m)
	if q.cfg.DeadLetteringOnMessageExpiration {
		q.deadLetter(m, "TTLExpiredException", "The message expired and was dead lettered.")
	}
}

// append stores m under the next sequence number. The caller holds the lock.
func (q *queue) append(m *message, now time.Time) {
	q.sequence++
	m.sequence, m.enqueued = q.sequence, now
	if m.ttl = q.timeToLive(m.content); m.ttl > 0 { // of a scheduled message set anew when it is due
		m.expires = now.Add(m.ttl)
	}
	q.messages.add(m)
	q.arrange(m)
}

// remove takes m out of the queue. The caller holds the lock.
func (q *queue) remove(m *message) {
	q.messages.remove(m)
	delete(q.locked, m.token)
	q.due.drop(m)
	q.readyPile(m).drop(m)
	q.arrangeGroup(m.group)
}

// arrange puts m, whose state has changed, among those that can be had and
// those that something is due for. The caller holds the lock.
func (q *queue) arrange(m *message) {
	if m.available() {
		q.readyPile(m).put(m)
	} else {
		q.readyPile(m).drop(m)
	}
	q.arrangeGroup(m.group)
	if m.due = q.dueTime(m); m.due.IsZero() {
		q.due.drop(m)
	} else {
		q.due.put(m)
	}
}

// dueTime is when something happens to m if nobody does anything; zero: never.
func (q *queue) dueTime(m *message) time.Time {
	switch {
	case m.state == stateScheduled:
		return m.scheduled
	case m.locked && !q.cfg.RequiresSession: // there the session's lock is what expires
		return m.lockedUntil
	case m.available():
		return m.expires
	}
	return time.Time{}
}

func (q *queue) readyPile(m *message) *pile[*message] {
	if q.cfg.RequiresSession {
		return &q.groups[m.group].ready
	}
	return &q.ready
}

// first returns the first message of the pile that has not expired, or nil. The
// caller holds the lock.
func (q *queue) first(ready *pile[*message], now time.Time) *message {
	for {
		m, ok := ready.top()
		if !ok || !m.expired(now) {
			return m
		}
		q.expire(m)
	}
}

// notify wakes everyone who waits for messages. The caller holds the lock.
func (q *queue) notify() {
	for c := range q.consumers {
		c.poke()
	}
}

// timeToLive is the shorter of the queue's and the message's; zero: no expiry.
func (q *queue) timeToLive(c *content) time.Duration {
	ttl := q.cfg.DefaultMessageTimeToLive
	if own := time.Duration(c.header.uint32(2)) * time.Millisecond; own > 0 && (ttl == 0 || own < ttl) {
		ttl = own
	}
	return ttl
}
