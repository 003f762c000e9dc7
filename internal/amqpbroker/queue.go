package amqpbroker

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/Azure/go-amqp"
)

// queue is a queue or a dead-letter queue. Its methods take the broker's lock,
// except where they say that the caller holds it.
type queue struct {
	mu          *sync.Mutex // the broker's
	cfg         QueueConfig
	path        string
	deadLetters *queue // nil for a dead-letter queue

	sequence  int64
	messages  []*message // by sequence number
	seen      map[string]time.Time
	groups    map[string]*group
	consumers map[*consumer]struct{}
}

func newQueue(mu *sync.Mutex, c QueueConfig, path string) *queue {
	return &queue{
		mu: mu, cfg: c, path: path,
		seen:      map[string]time.Time{},
		groups:    map[string]*group{},
		consumers: map[*consumer]struct{}{},
	}
}

// advance does what is due by now. The caller holds the lock.
func (q *queue) advance(now time.Time) {
	changed := q.enqueueScheduled(now)
	for id, until := range q.seen {
		if !now.Before(until) {
			delete(q.seen, id)
		}
	}
	for _, g := range q.groups {
		if g.owner != nil && !now.Before(g.lockedUntil) {
			q.release(g)
			changed = true
		}
	}
	for _, m := range slices.Clone(q.messages) {
		switch {
		case m.locked && !q.cfg.RequiresSession && !now.Before(m.lockedUntil):
			q.unlock(m, true)
			changed = true
		case m.expired(now):
			q.remove(m)
			if q.cfg.DeadLetteringOnMessageExpiration {
				q.deadLetter(m, "TTLExpiredException", "The message expired and was dead lettered.")
			}
			changed = true
		}
	}
	if changed {
		q.notify()
	}
}

// enqueueScheduled makes the scheduled messages that are due active, in the
// order of their times. Each is appended under a new sequence number, as if it
// had been sent now ("Message sequencing and timestamps", scheduled messages).
func (q *queue) enqueueScheduled(now time.Time) bool {
	var due []*message
	for _, m := range q.messages {
		if m.state == stateScheduled && !now.Before(m.scheduled) {
			due = append(due, m)
		}
	}
	slices.SortStableFunc(due, func(a, b *message) int {
		return cmp.Or(a.scheduled.Compare(b.scheduled), cmp.Compare(a.sequence, b.sequence))
	})
	for _, m := range due {
		q.remove(m)
		m.state = stateActive
		q.append(m, now)
	}
	return len(due) > 0
}

// append stores m under the next sequence number. The caller holds the lock.
func (q *queue) append(m *message, now time.Time) {
	q.sequence++
	m.sequence, m.enqueued = q.sequence, now
	if ttl := q.timeToLive(m.body); ttl > 0 { // of a scheduled message set anew when it is due
		m.expires = now.Add(ttl)
	}
	q.messages = append(q.messages, m)
}

func (q *queue) remove(m *message) {
	if i := slices.Index(q.messages, m); i >= 0 {
		q.messages = slices.Delete(q.messages, i, i+1)
	}
}

// find returns the message for which ok holds, or nil. The caller holds the lock.
func (q *queue) find(ok func(*message) bool) *message {
	if i := slices.IndexFunc(q.messages, ok); i >= 0 {
		return q.messages[i]
	}
	return nil
}

// notify wakes everyone who waits for messages. The caller holds the lock.
func (q *queue) notify() {
	for c := range q.consumers {
		c.poke()
	}
}

// timeToLive is the shorter of the queue's and the message's; zero: no expiry.
func (q *queue) timeToLive(m *amqp.Message) time.Duration {
	ttl := q.cfg.DefaultMessageTimeToLive
	if m.Header != nil && m.Header.TTL > 0 && (ttl == 0 || m.Header.TTL < ttl) {
		ttl = m.Header.TTL
	}
	return ttl
}
