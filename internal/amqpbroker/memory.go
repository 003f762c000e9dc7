package amqpbroker

import "time"

// memory holds the ids of messages for a window of time.
type memory struct {
	window time.Duration // zero: nothing is remembered
	until  map[string]time.Time
	oldest []string // in the order in which they are forgotten
}

// known tells whether the id was seen within the window, and remembers it if not.
func (m *memory) known(id string, now time.Time) bool {
	if m.window == 0 {
		return false
	}
	m.forget(now)
	if _, ok := m.until[id]; ok {
		return true
	}
	m.until[id] = now.Add(m.window)
	m.oldest = append(m.oldest, id)
	return false
}

// forget drops the ids whose window has passed.
func (m *memory) forget(now time.Time) {
	for len(m.oldest) > 0 && !now.Before(m.until[m.oldest[0]]) {
		delete(m.until, m.oldest[0])
		m.oldest = m.oldest[1:]
	}
}
