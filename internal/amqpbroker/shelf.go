package amqpbroker

import (
	"cmp"
	"iter"
	"slices"
)

// shelf holds all messages of a queue by their sequence numbers. Taking one out
// leaves a gap, and gaps are closed once they are the larger part.
type shelf struct {
	slots []slot
	gaps  int
}

type slot struct {
	sequence int64
	message  *message // nil: a gap
}

func (s *shelf) len() int { return len(s.slots) - s.gaps }

// search returns where the sequence number is or would be.
func (s *shelf) search(sequence int64) (int, bool) {
	return slices.BinarySearchFunc(s.slots, sequence, func(x slot, n int64) int { return cmp.Compare(x.sequence, n) })
}

// add puts m in its place, which mostly is the end.
func (s *shelf) add(m *message) {
	i, found := s.search(m.sequence)
	if found { // it has been here before
		s.slots[i].message = m
		s.gaps--
		return
	}
	s.slots = slices.Insert(s.slots, i, slot{m.sequence, m})
}

// remove takes m out.
func (s *shelf) remove(m *message) {
	i, found := s.search(m.sequence)
	if !found || s.slots[i].message != m {
		return
	}
	s.slots[i].message = nil
	if s.gaps++; s.gaps > len(s.slots)/2 {
		s.slots = slices.DeleteFunc(s.slots, func(x slot) bool { return x.message == nil })
		s.gaps = 0
	}
}

// at returns the message with the sequence number, or nil.
func (s *shelf) at(sequence int64) *message {
	if i, found := s.search(sequence); found {
		return s.slots[i].message
	}
	return nil
}

// from returns the messages from a sequence number on.
func (s *shelf) from(sequence int64) iter.Seq[*message] {
	i, _ := s.search(sequence)
	return func(yield func(*message) bool) {
		for _, x := range s.slots[i:] {
			if x.message != nil && !yield(x.message) {
				return
			}
		}
	}
}
