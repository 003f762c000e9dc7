package amqpbroker

import (
	"errors"
	"fmt"
	"time"
)

// outcome is what a receiver decides about a message.
type outcome struct {
	kind        uint64 // codeAccepted, codeRejected, codeReleased or codeModified
	deferred    bool   // modified, and undeliverable here
	reason      string // of a dead letter
	description string
	properties  pairs
}

// settle applies o to d. In a queue of sessions what is lost is the session's
// lock, and clients tell the two apart.
func (d *delivery) settle(o outcome) error {
	err := d.queue.settle(d.token, o)
	if errors.Is(err, errLockLost) && d.consumer != nil && d.queue.lost(d.consumer) {
		return errSessionLockLost
	}
	return err
}

// settle applies o to the message locked under token.
func (q *queue) settle(token uuid, o outcome) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	m := q.lockedUnder(token)
	if m == nil {
		return errLockLost
	}
	m.set(o.properties)
	switch o.kind {
	case codeAccepted:
		q.remove(m)
	case codeRejected:
		if q.deadLetters == nil {
			q.unlock(m, false) // a dead letter cannot die again ("dead-letter queues")
			break
		}
		q.remove(m)
		q.deadLetter(m, o.reason, o.description)
	case codeReleased:
		q.unlock(m, false)
	case codeModified:
		if o.deferred {
			m.locked, m.state = false, stateDeferred
			delete(q.locked, m.token)
			q.arrange(m)
		} else {
			q.unlock(m, true)
		}
	}
	q.notify()
	return nil
}

// renew locks messages anew for the queue's lock duration and returns the new
// ends of their locks.
func (q *queue) renew(tokens []uuid) ([]time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ends []time.Time
	for _, t := range tokens {
		m := q.lockedUnder(t)
		if m == nil {
			return nil, errLockLost
		}
		m.lockedUntil = time.Now().Add(q.cfg.LockDuration)
		q.arrange(m)
		ends = append(ends, m.lockedUntil.UTC())
	}
	return ends, nil
}

// lockedUnder returns the message whose lock token holds, or nil. In a queue of
// sessions the lock is the session's. The caller holds the lock.
func (q *queue) lockedUnder(token uuid) *message {
	m := q.locked[token]
	if m == nil {
		return nil
	}
	until := m.lockedUntil
	if q.cfg.RequiresSession {
		until = q.groups[m.group].lockedUntil
	}
	if !time.Now().Before(until) {
		return nil
	}
	return m
}

// unlock makes m available again; failed counts the delivery, except in a
// dead-letter queue, where messages may fail for ever. The caller holds the lock.
func (q *queue) unlock(m *message, failed bool) {
	m.locked = false
	delete(q.locked, m.token)
	q.arrange(m)
	if !failed || q.deadLetters == nil {
		return
	}
	if m.deliveries++; int(m.deliveries) >= q.cfg.MaxDeliveryCount {
		q.remove(m)
		q.deadLetter(m, "MaxDeliveryCountExceeded",
			fmt.Sprintf("Message could not be consumed after %d delivery attempts.", m.deliveries))
	}
}

// deadLetter moves m, which has left q, to q's dead-letter queue, where it keeps
// its sequence number and never expires. The caller holds the lock.
func (q *queue) deadLetter(m *message, reason, description string) {
	if reason != "" {
		m.set(pairs{{"DeadLetterReason", reason}})
	}
	if description != "" {
		m.set(pairs{{"DeadLetterErrorDescription", description}})
	}
	d := q.deadLetters
	m.source, m.state, m.locked, m.expires = q.path, stateActive, false, time.Time{}
	d.messages.add(m)
	d.arrange(m)
	d.notify()
}
