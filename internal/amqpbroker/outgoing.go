package amqpbroker

// outgoing is the state of a link on which the client receives.
type outgoing struct {
	consumer *consumer
	settled  bool   // receive and delete
	replyTo  string // the client's address, for answers of $cbs and $management
	credit   uint32 // messages the client waits for
	sent     uint32 // messages sent, in AMQP the delivery-count
}

// grant notes the credit that a client gives, counted from the deliveries it
// had seen.
func (o *outgoing) grant(seen, credit uint32) {
	o.credit = atLeastZero(seen + credit - o.sent)
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
	for l.out.credit > 0 && !l.ended() {
		d, err := l.queue.next(l.out.consumer, !l.out.settled)
		if err != nil {
			_ = l.fail(faultOf(err))
			return false
		}
		if d == nil {
			return true
		}
		if err := l.deliver(d, l.out.settled); err != nil {
			return false
		}
	}
	return !l.ended()
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
