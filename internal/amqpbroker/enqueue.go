package amqpbroker

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/Azure/go-amqp"
)

// enqueue stores the messages, all of them or none, and returns the sequence
// numbers of those that were not duplicates. A message may carry the time at
// which it is to become active.
func (q *queue) enqueue(messages ...*content) ([]int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deadLetters == nil {
		return nil, errNotAllowed("Sending to the dead-letter queue '%s' is not allowed.", q.path)
	}
	if len(messages) > MaxBatchCount {
		return nil, errUnable
	}
	for _, c := range messages {
		if err := q.check(c); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	sequences := []int64{}
	for _, c := range messages {
		if c.properties.at(propertyMessageID) == nil {
			c.setID(fmt.Sprintf("%x", newToken())) // as Service Bus does
		}
		// Scheduled messages count from when they are sent, and cancelling one
		// does not forget its id ("Duplicate detection"). The number 5 is not "5".
		if id := c.properties.at(propertyMessageID); q.seen.known(fmt.Sprintf("%T %v", id, id), now) {
			continue // accepted and dropped, as the service does
		}
		m := &message{content: c, group: c.properties.string(propertyGroupID)}
		if t, ok := c.annotations.get("x-opt-scheduled-enqueue-time").(time.Time); ok && t.After(now) {
			m.state, m.scheduled = stateScheduled, t
		}
		if q.cfg.RequiresSession {
			q.group(m.group)
		}
		q.append(m, now)
		sequences = append(sequences, m.sequence)
	}
	q.notify()
	return sequences, nil
}

// check refuses a message that the queue does not take. The condition for an
// id that is too long is a guess: the official clients never send one.
func (q *queue) check(c *content) error {
	partition, _ := c.annotations.get("x-opt-partition-key").(string)
	session, ofSession := c.properties.at(propertyGroupID).(string)
	for _, id := range []struct{ name, value string }{
		{"MessageId", c.properties.string(propertyMessageID)},
		{"SessionId", session},
		{"ReplyToSessionId", c.properties.string(propertyReplyToGroupID)},
		{"PartitionKey", partition},
	} {
		if n := utf8.RuneCountInString(id.value); n > maxIDLength {
			return errNotAllowed("The %s of length %d exceeds the maximum length %d.", id.name, n, maxIDLength)
		}
	}
	if ofSession && partition != "" && partition != session {
		return errNotAllowed("The PartitionKey '%s' is not the SessionId '%s'.", partition, session)
	}
	if q.cfg.RequiresSession && !ofSession {
		return errNotAllowed("The SessionId was not set on a message, and it cannot be sent to the entity. " +
			"Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.")
	}
	if c.headers > maxHeaders {
		return errUnable
	}
	for _, v := range c.properties {
		if s, _ := v.(string); len(s) > maxProperty {
			return errUnable
		}
	}
	for _, p := range c.application {
		if value, _ := p.value.(encoded); len(p.name())+len(value) > maxProperty {
			return errUnable
		}
	}
	return nil
}

// errUnable is what Service Bus says of limits it does not explain, so that
// clients try again.
var errUnable = &fault{amqp.ErrCondInternalError, "The service was unable to process the request; please retry the operation.", 500}

// cancel removes scheduled messages, all of them or none.
func (q *queue) cancel(sequences []int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var found []*message
	for _, s := range sequences {
		m := q.messages.at(s)
		if m == nil || m.state != stateScheduled {
			return errMessageNotFound
		}
		found = append(found, m)
	}
	for _, m := range found {
		q.remove(m)
	}
	return nil
}
