package amqpbroker

import (
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
	received uint32
}

// grant gives the client its credit anew.
func (l *link) grant() error {
	s := l.session
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
	}
	in.data = append(in.data, payload...)
	if len(in.data) > MaxMessageSize {
		return l.fail(&fault{amqp.ErrCondMessageSizeExceeded,
			fmt.Sprintf("The received message (delivery-id:%d, size:%d bytes) exceeds the limit (%d bytes) currently allowed on the link.",
				in.id, len(in.data), MaxMessageSize), 400})
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
	state := described{codeAccepted, []any{}}
	if err := l.take(in.format, in.data); err != nil {
		state = described{codeRejected, []any{faultOf(err).encode()}}
	}
	if !in.settled {
		const receiver, settled = true, true
		if err := s.send(codeDisposition, receiver, in.id, in.id, settled, state); err != nil {
			return err
		}
	}
	if in.received%(creditWindow/2) == 0 {
		return l.grant()
	}
	return nil
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
