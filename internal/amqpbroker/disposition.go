package amqpbroker

// disposition settles messages that we delivered, and tells the client whether
// its locks held.
func (s *session) disposition(f fields) error {
	if receiver := f.bool(0); !receiver {
		return nil // about messages sent to us, which are settled already
	}
	first := f.uint32(1)
	last := first
	if f.at(2) != nil {
		last = f.uint32(2)
	}
	settled := f.bool(3)
	o, state, decided := parseOutcome(f.at(4))
	for id := first; ; id++ {
		if d := s.unsettled[id]; d != nil && (decided || settled) {
			delete(s.unsettled, id)
			var err error
			if decided {
				err = d.settle(o)
			}
			if !settled {
				if err := s.settled(id, state, err); err != nil {
					return err
				}
			}
		}
		if id == last {
			return nil
		}
	}
}

// settled confirms the outcome of one delivery, or rejects it with the reason.
func (s *session) settled(id uint32, state described, err error) error {
	if err != nil {
		state = described{codeRejected, []any{faultOf(err).encode()}}
	}
	const receiver, settled = false, true
	return s.send(codeDisposition, receiver, id, id, settled, state)
}

// parseOutcome reads a delivery state, and returns the state to answer. It
// reports false for a state that decides nothing.
func parseOutcome(v any) (o outcome, answer described, ok bool) {
	d, _ := v.(described)
	o.kind, _ = d.code.(uint64)
	list, _ := d.value.([]any)
	f := fields(list)
	answer = described{o.kind, []any{}}
	switch o.kind {
	case codeAccepted, codeReleased:
	case codeRejected:
		o.properties, _ = f.list(0, codeError).at(2).(pairs)
		o.reason, _ = o.properties.get("DeadLetterReason").(string)
		o.description, _ = o.properties.get("DeadLetterErrorDescription").(string)
	case codeModified:
		o.deferred = f.bool(1)
		o.properties, _ = f.at(2).(pairs)
		answer.value = []any{f.bool(0), f.bool(1)}
	default:
		return o, answer, false
	}
	return o, answer, true
}
