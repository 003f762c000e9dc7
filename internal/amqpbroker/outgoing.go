package amqpbroker

import "errors"

var errLinkEnded = errors.New("link has ended")

// outgoing is the state of a link on which the client receives.
type outgoing struct {
	consumer *consumer
	settled  bool   // receive and delete
	credit   uint32 // messages the client waits for
	sent     uint32 // messages sent, in AMQP the delivery-count
	drain    bool   // the client wants back the credit that is left

	replyTo string      // the client's address, for answers of $cbs and $management
	answers []*delivery // of the node, which wait for credit
}

// flow notes the credit that a client gives, counted from the deliveries it
// had seen.
func (o *outgoing) flow(f fields) {
	seen, credit := f.uint32(5), f.uint32(6)
	o.credit, o.drain = atLeastZero(seen+credit-o.sent), f.bool(8)
	o.consumer.poke()
}

// atLeastZero is n, or zero if n is negative in AMQP's serial arithmetic.
func atLeastZero(n uint32) uint32 {
	if int32(n) < 0 {
		return 0
	}
	return n
}

// pump delivers messages while the client gives credit, until the link ends.
func (l *link) pump() {
	for {
		select {
		case <-l.closed:
			return
		case <-l.session.conn.done:
			return
		case <-l.out.consumer.wake:
			if !l.pumpAll() {
				return
			}
		}
	}
}

// pumpAll delivers what there is and reports whether the link still stands.
func (l *link) pumpAll() bool {
	c := l.session.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.ended() { // with its session, which is not lost
		return false
	}
	if l.queue != nil && l.queue.lost(l.out.consumer) { // told with or without credit
		_ = l.fail(errSessionLockLost)
		return false
	}
	for l.out.credit > 0 && !l.ended() {
		d, err := l.next()
		if err != nil {
			_ = l.fail(faultOf(err))
			return false
		}
		if d == nil {
			break
		}
		if err := l.deliver(d, l.out.settled || l.queue == nil); err != nil {
			return false
		}
	}
	if l.out.drain && !l.ended() && l.drained() != nil {
		return false
	}
	return !l.ended()
}

// next takes the next message from the link's queue or node; nil if there is
// none.
func (l *link) next() (*delivery, error) {
	if l.queue != nil {
		return l.queue.next(l.out.consumer, !l.out.settled)
	}
	if len(l.out.answers) == 0 {
		return nil, nil
	}
	d := l.out.answers[0]
	l.out.answers = l.out.answers[1:]
	return d, nil
}

// drained gives back the credit that is left, and says so even if none is: the
// client waits for it (AMQP 1.0, 2.6.7). The caller holds mu.
func (l *link) drained() error {
	l.out.sent += l.out.credit
	l.out.credit, l.out.drain = 0, false
	return l.tell(true)
}

// tell sends the link's state of flow. The caller holds mu.
func (l *link) tell(drain bool) error {
	s := l.session
	return s.send(codeFlow, s.nextIn, window, s.nextOut, window, l.handle, l.out.sent, l.out.credit, nil, drain)
}

// deliver sends one message in frames of the size that the client takes, and
// waits while the session's window is full. The caller holds mu.
func (l *link) deliver(d *delivery, settled bool) error {
	s := l.session
	tag, data := d.token.deliveryTag(), d.data
	l.out.sent++
	l.out.credit = atLeastZero(l.out.credit - 1)
	const overhead = 128 // more than the frame's head and performative
	for first := true; first || len(data) > 0; first = false {
		for s.remoteWindow == 0 && !l.ended() {
			s.space.Wait()
		}
		if l.ended() {
			return errLinkEnded
		}
		n := min(len(data), int(s.conn.maxFrame)-overhead)
		more := n < len(data)
		head := []any{l.handle, nil, nil, nil, settled, more}
		if first {
			// Taken after the wait, so that deliveries begin in the order of their ids.
			id := s.nextDelivery
			s.nextDelivery++
			if !settled {
				s.unsettled[id] = d
			}
			head = []any{l.handle, id, tag, uint32(0), settled, more}
		}
		body := append(appendValue(nil, described{codeTransfer, head}), data[:n]...)
		if err := writeFrame(s.conn.nc, frameAMQP, s.channel, body); err != nil {
			return err
		}
		s.nextOut++
		s.remoteWindow--
		data = data[n:]
	}
	return nil
}
