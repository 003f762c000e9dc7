package amqpbroker

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestQueueFindsWhatASearchWould does at random what clients and the clock do,
// and compares what the queue would hand out and see to next with a search
// through all its messages.
func TestQueueFindsWhatASearchWould(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		t.Run(fmt.Sprint("sessions ", sessions), func(t *testing.T) {
			for seed := range uint64(10) {
				synctest.Test(t, func(t *testing.T) { drive(t, seed, sessions) })
			}
		})
	}
}

func drive(t *testing.T, seed uint64, sessions bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	b := NewBroker(QueueConfig{Name: "q", RequiresSession: sessions, LockDuration: time.Minute, MaxDeliveryCount: 3})
	b.Close() // its clock; ours is advance
	q := b.queue("q")
	c := newConsumer(nil)
	q.subscribe(c)
	var tokens []uuid
	for range 400 {
		switch r.IntN(8) {
		case 0, 1, 2:
			id := string(rune('A' + r.IntN(3)))
			sections := []described{ofGroup(id)}
			if r.IntN(3) == 0 {
				sections = append(sections, described{codeHeader, []any{nil, nil, uint32(1000 * (1 + r.IntN(200)))}})
			}
			if r.IntN(4) == 0 {
				due := time.Now().Add(time.Duration(r.IntN(100)) * time.Second)
				sections = append(sections, described{codeAnnotations, pairs{{symbol("x-opt-scheduled-enqueue-time"), due}}})
			}
			_, err := q.enqueue(written(t, sections...))
			require.NoError(t, err)
		case 3, 4:
			if sessions && (c.group == nil || c.group.owner != c) {
				want := search(q, func(m *message) bool {
					return m.available() && !m.expired(time.Now()) && q.groups[m.group].owner == nil
				})
				ok, err := q.accept(c, nil)
				require.NoError(t, err)
				require.Equal(t, want != nil, ok)
				if ok {
					require.Equal(t, want.group, c.group.id)
				}
				continue
			}
			want := search(q, func(m *message) bool {
				return m.available() && !m.expired(time.Now()) && (!sessions || m.group == c.group.id)
			})
			d, err := q.next(c, true)
			require.NoError(t, err)
			require.Equal(t, want != nil, d != nil)
			if d != nil {
				require.Same(t, want, q.locked[d.token])
				tokens = append(tokens, d.token)
			}
		case 5, 6:
			if len(tokens) == 0 {
				continue
			}
			i := r.IntN(len(tokens))
			_ = q.settle(tokens[i], outcome{kind: []uint64{codeAccepted, codeRejected, codeReleased, codeModified}[r.IntN(4)], deferred: r.IntN(2) == 0})
			tokens = append(tokens[:i], tokens[i+1:]...)
		case 7:
			time.Sleep(time.Duration(r.IntN(50)) * time.Second)
			b.mu.Lock()
			q.advance(time.Now())
			b.mu.Unlock()
		}
		consistent(t, q)
		consistent(t, q.deadLetters)
	}
}

// search returns the first message for which ok holds, or nil.
func search(q *queue, ok func(*message) bool) *message {
	for m := range q.messages.from(0) {
		if ok(m) {
			return m
		}
	}
	return nil
}

// consistent asserts that all messages are where their states belong, and that
// nothing else is kept.
func consistent(t *testing.T, q *queue) {
	t.Helper()
	var n, ready, due, locked int
	last := int64(0)
	for m := range q.messages.from(0) {
		require.Greater(t, m.sequence, last)
		last = m.sequence
		require.Same(t, m, q.messages.at(m.sequence))
		require.Equal(t, m.available(), m.inReady > 0)
		require.Equal(t, q.dueTime(m), m.due)
		require.Equal(t, !m.due.IsZero(), m.inDue > 0)
		n++
		if m.inReady > 0 {
			ready++
		}
		if m.inDue > 0 {
			due++
		}
		if m.locked {
			locked++
			require.Same(t, m, q.locked[m.token])
		}
	}
	piled := q.ready.Len()
	for _, g := range q.groups {
		piled += g.ready.Len()
		require.Equal(t, g.owner == nil && g.ready.Len() > 0, g.inFree > 0)
	}
	require.Equal(t, []int{n, ready, due, locked}, []int{q.messages.len(), piled, q.due.Len(), len(q.locked)})
	require.Less(t, len(q.messages.slots), 2*n+3, "gaps are closed")
}
