package simulation

import (
	"slices"
	"time"
)

// The queues' settings, as infra/app/servicebus.bicep has them.
const (
	lockFor         = time.Minute
	duplicateWindow = 10 * time.Minute
	mostDeliveries  = 10
)

// queue is a Service Bus queue: at least once, peek and lock, in no order that could
// be relied on.
type queue struct {
	name     string
	messages []*message
	dead     []*message
	seen     map[string]time.Time // ids of what was sent, for duplicate detection
	sent     int
}

// message is one message and where it stands.
type message struct {
	id         string
	sequence   int // the queue's own number for it, and once it was sent again the first one
	attempt    int // how often the app has sent it again
	body       any
	due        time.Time // scheduled delivery
	deliveries int
	// lock counts deliveries: a lock that has expired settles nothing. holder is who
	// has it now, and renews it; once the holder is gone it lasts until lockedUntil.
	lock        int
	holder      *task
	lockedUntil time.Time
}

func newQueue(name string) *queue { return &queue{name: name, seen: map[string]time.Time{}} }

// send puts a message into the queue, unless one of that id was sent lately: then it
// returns nil.
func (q *queue) send(id string, body any, after time.Duration) *message {
	now := time.Now()
	if at, ok := q.seen[id]; ok && now.Sub(at) < duplicateWindow {
		return nil
	}
	q.seen[id] = now
	q.sent++
	m := &message{id: id, sequence: q.sent, body: body, due: now.Add(after)}
	q.messages = append(q.messages, m)
	return m
}

// ready are the messages that may be delivered now.
func (q *queue) ready(now time.Time) []*message {
	var out []*message
	for _, m := range q.messages {
		if !m.due.After(now) && m.holder == nil && !now.Before(m.lockedUntil) {
			out = append(out, m)
		}
	}
	return out
}

// next is when the next message is ready that is not yet; zero if none will be.
func (q *queue) next(now time.Time) time.Time {
	var first time.Time
	for _, m := range q.messages {
		at := m.due
		if m.lockedUntil.After(at) {
			at = m.lockedUntil
		}
		if m.holder == nil && at.After(now) && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// deliver locks a message, or gives it up if it was delivered too often.
func (q *queue) deliver(m *message) bool {
	if m.deliveries >= mostDeliveries {
		q.remove(m)
		q.dead = append(q.dead, m)
		return false
	}
	m.deliveries++
	m.lock++
	return true
}

// complete is how a message is done with, if the lock still stands.
func (q *queue) complete(m *message, lock int) bool {
	stands := m.lock == lock && m.holder != nil
	if stands {
		q.remove(m)
	}
	return stands
}

// abandon has a message delivered again this instant.
func (q *queue) abandon(m *message, lock int) {
	if m.lock == lock && m.holder != nil {
		m.holder, m.lockedUntil = nil, time.Time{}
	}
}

// orphan leaves a message to its lock: nobody renews it any more.
func (q *queue) orphan(m *message, lock int, until time.Time) {
	if m.lock == lock && m.holder != nil {
		m.holder, m.lockedUntil = nil, until
	}
}

func (q *queue) remove(m *message) {
	q.messages = slices.DeleteFunc(q.messages, func(o *message) bool { return o == m })
}
