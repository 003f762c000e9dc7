package amqpbroker

import (
	"cmp"
	"slices"
)

// deadLetterCondition is what the Service Bus clients reject with; the reason is
// in the information beside it.
const deadLetterCondition = symbol("com.microsoft:dead-letter")

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
	if !decided && !settled {
		return nil
	}
	for _, id := range s.unsettledWithin(first, last) {
		d := s.unsettled[id]
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
	return nil
}

// unsettledWithin returns the ids of the deliveries from first to last that are
// not settled, whatever range the client names.
func (s *session) unsettledWithin(first, last uint32) []uint32 {
	span := last - first // in AMQP's serial arithmetic
	var out []uint32
	switch {
	case int32(span) < 0: // last comes before first
	case int(span) < len(s.unsettled):
		for id := first; id != last+1; id++ {
			if s.unsettled[id] != nil {
				out = append(out, id)
			}
		}
	default:
		for id := range s.unsettled {
			if id-first <= span {
				out = append(out, id)
			}
		}
		slices.SortFunc(out, func(a, b uint32) int { return cmp.Compare(a-first, b-first) })
	}
	return out
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
		reason := f.list(0, codeError)
		o.properties, _ = reason.at(2).(pairs)
		o.reason, _ = o.properties.get("DeadLetterReason").(string)
		o.description, _ = o.properties.get("DeadLetterErrorDescription").(string)
		if condition, _ := reason.at(0).(symbol); o.reason == "" && condition != deadLetterCondition {
			o.reason, o.description = string(condition), cmp.Or(o.description, reason.string(1))
		}
	case codeModified:
		o.deferred = f.bool(1)
		o.properties, _ = f.at(2).(pairs)
		answer.value = []any{f.bool(0), f.bool(1)}
	default:
		return o, answer, false
	}
	return o, answer, true
}
