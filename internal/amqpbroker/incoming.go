package amqpbroker

import (
	"errors"
	"fmt"

	"github.com/Azure/go-amqp"
)

const (
	// batchFormat marks a message whose data sections are messages.
	batchFormat = uint32(0x80013700)

	// creditWindow is how many messages a client may send before we grant more.
	creditWindow = uint32(1000)
)

// incoming is the state of a link on which the client sends.
type incoming struct {
	data     []byte // of the message that is arriving
	arriving bool
	id       uint32
	format   uint32
	settled  bool
	received uint32 // messages, in AMQP the delivery-count
	credit   uint32 // messages that may come before we grant more
	size     int    // of the message that is arriving
}

// grant gives the client its credit anew.
func (l *link) grant() error {
	s := l.session
	l.in.credit = creditWindow
	return s.send(codeFlow, s.nextIn, window, s.nextOut, window, l.handle, l.in.received, creditWindow)
}

// transfer takes a message, or part of one.
func (s *session) transfer(f fields, payload []byte) error {
	s.nextIn++
	l := s.links[f.uint32(0)]
	if l == nil || l.in == nil {
		return nil // sent before the client knew that the link is gone
	}
	in := l.in
	if !in.arriving {
		in.id, in.format, in.settled, in.data = f.uint32(1), f.uint32(3), f.bool(4), nil
		in.size = 0
	}
	if in.size += len(payload); in.size <= MaxMessageSize {
		in.data = append(in.data, payload...)
	}
	in.arriving = f.bool(5)
	if aborted := f.bool(9); aborted {
		in.arriving = false
		return nil
	}
	if in.arriving {
		return nil
	}
	in.received++
	if in.credit = atLeastZero(in.credit - 1); in.size > MaxMessageSize {
		reason := &fault{amqp.ErrCondMessageSizeExceeded,
			fmt.Sprintf("The received message (delivery-id:%d, size:%d bytes) exceeds the limit (%d bytes) currently allowed on the link.",
				in.id, in.size, MaxMessageSize), 400}
		return errors.Join(l.taken(reason), l.fail(reason))
	}
	if err := l.taken(l.take(in.format, in.data)); err != nil {
		return err
	}
	if in.credit <= creditWindow/2 {
		return l.grant()
	}
	return nil
}

// taken tells the client whether its message was accepted.
func (l *link) taken(err error) error {
	if l.in.settled { // it does not want to know
		return nil
	}
	state := described{codeAccepted, []any{}}
	if err != nil {
		state = described{codeRejected, []any{faultOf(err).encode()}}
	}
	const receiver, settled = true, true
	return l.session.send(codeDisposition, receiver, l.in.id, l.in.id, settled, state)
}

// take gives a message to the link's queue or node.
func (l *link) take(format uint32, data []byte) error {
	if format == batchFormat && l.queue != nil {
		messages, err := parseBatch(data)
		if err == nil {
			_, err = l.queue.enqueue(messages...)
		}
		return err
	}
	c, err := parse(data)
	if err != nil {
		return err
	}
	if l.queue == nil {
		return l.answer(c)
	}
	_, err = l.queue.enqueue(c)
	return err
}
