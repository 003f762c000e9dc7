package amqpbroker

import (
	"fmt"
	"math"
	"sync"
)

// window is the number of frames we let clients send ahead: no limit.
const window = uint32(math.MaxInt32)

// session is an AMQP session: a channel of a connection with its own flow
// control. (A Service Bus session is a [group].) The connection's mu guards it.
type session struct {
	conn    *conn
	channel uint16
	links   map[uint32]*link // by the client's handle

	nextOut      uint32     // id of our next transfer, one for each frame
	nextDelivery uint32     // id of our next delivery, one for each message
	nextIn       uint32     // id of the client's next transfer
	remoteWindow uint32     // transfers the client still takes
	space        *sync.Cond // remoteWindow has grown, or a link or session has ended

	unsettled map[uint32]*delivery // locked messages by delivery id
	ended     bool                 // by us; the client has yet to say so too
}

func (c *conn) begin(channel uint16, f fields) error {
	if c.sessions[channel] != nil {
		return fmt.Errorf("channel %d has a session already", channel)
	}
	s := &session{
		conn: c, channel: channel,
		nextIn: f.uint32(1), remoteWindow: f.uint32(2),
		links: map[uint32]*link{}, unsettled: map[uint32]*delivery{},
		space: sync.NewCond(&c.mu),
	}
	c.sessions[channel] = s
	const maxHandle = uint32(255)
	return c.send(channel, codeBegin, channel, s.nextOut, window, window, maxHandle)
}

// handle answers a frame of this session. The caller holds mu.
func (s *session) handle(f frame) error {
	if s.ended && f.code != codeEnd {
		return nil // sent before the client knew
	}
	switch f.code {
	case codeAttach:
		return s.attach(f.fields)
	case codeFlow:
		return s.flow(f.fields)
	case codeTransfer:
		return s.transfer(f.fields, f.payload)
	case codeDisposition:
		return s.disposition(f.fields)
	case codeDetach:
		return s.detach(f.fields)
	case codeEnd:
		s.end()
		delete(s.conn.sessions, s.channel)
		if s.ended {
			return nil
		}
		return s.send(codeEnd)
	}
	return fmt.Errorf("performative 0x%x is unknown", f.code)
}

// send writes a performative on the session's channel.
func (s *session) send(code uint64, fields ...any) error {
	return s.conn.send(s.channel, code, fields...)
}

// fail ends the session and tells the client why.
func (s *session) fail(f *fault) error {
	s.end()
	s.ended = true
	return s.send(codeEnd, f.encode())
}

// end drops all links.
func (s *session) end() {
	for _, l := range s.links {
		l.drop()
	}
}

// flow notes how much the client is ready to take, of the session and of one
// of our sending links, and tells our side if asked.
func (s *session) flow(f fields) error {
	// AMQP 1.0, 2.5.6: next-incoming-id + incoming-window - our next-outgoing-id.
	s.remoteWindow = f.uint32(0) + f.uint32(1) - s.nextOut
	s.space.Broadcast()
	echo := f.bool(9)
	l := s.links[f.uint32(4)]
	switch {
	case f.at(4) == nil: // about the session alone
		if echo {
			return s.send(codeFlow, s.nextIn, window, s.nextOut, window)
		}
	case l == nil: // ended meanwhile
	case l.out != nil:
		l.out.flow(f)
		if echo && !l.out.drain { // draining has an answer of its own
			return l.tell(false)
		}
	case echo:
		return l.grant()
	}
	return nil
}

func (s *session) detach(f fields) error {
	l := s.links[f.uint32(0)]
	if l == nil {
		return nil // the answer to our own detach
	}
	l.drop()
	return s.send(codeDetach, l.handle, f.bool(1))
}
