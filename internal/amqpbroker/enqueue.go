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
func (q *queue) enqueue(messages ...*amqp.Message) ([]int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deadLetters == nil {
		return nil, errNotAllowed("Sending to the dead-letter queue '%s' is not allowed.", q.path)
	}
	if len(messages) > MaxBatchCount {
		// What Service Bus says here tells nothing, and clients try again.
		return nil, &fault{amqp.ErrCondInternalError, "The service was unable to process the request; please retry the operation.", 500}
	}
	for _, m := range messages {
		if err := q.check(m); err != nil {
			return nil, err
		}
	}
	now := time.Now()
	var sequences []int64
	for _, body := range messages {
		// Scheduled messages count from when they are sent, and cancelling one
		// does not forget its id ("Duplicate detection").
		if q.seen.known(fmt.Sprint(body.Properties.MessageID), now) {
			continue // accepted and dropped, as the service does
		}
		m := &message{body: body, group: str(body.Properties.GroupID)}
		if t, ok := body.Annotations["x-opt-scheduled-enqueue-time"].(time.Time); ok && t.After(now) {
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
func (q *queue) check(m *amqp.Message) error {
	if m.Properties == nil {
		m.Properties = &amqp.MessageProperties{}
	}
	if m.Properties.MessageID == nil {
		m.Properties.MessageID = fmt.Sprintf("%x", newToken()) // as Service Bus does
	}
	if id, ok := m.Properties.MessageID.(string); ok && utf8.RuneCountInString(id) > maxIDLength {
		return errNotAllowed("The MessageId of length %d exceeds the maximum length %d.", utf8.RuneCountInString(id), maxIDLength)
	}
	if utf8.RuneCountInString(str(m.Properties.GroupID)) > maxIDLength {
		return errNotAllowed("The SessionId exceeds the maximum length %d.", maxIDLength)
	}
	if q.cfg.RequiresSession && m.Properties.GroupID == nil {
		return errNotAllowed("The SessionId was not set on a message, and it cannot be sent to the entity. " +
			"Entities that have session support enabled can only receive messages that have the SessionId set to a valid value.")
	}
	return nil
}

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

func str(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
