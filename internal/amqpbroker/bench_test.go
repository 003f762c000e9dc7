package amqpbroker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkMessageOfALongQueue sends, receives and settles one message while
// 10,000 others are locked and 10,000 wait. It must not depend on their number.
func BenchmarkMessageOfALongQueue(b *testing.B) {
	broker := NewBroker(QueueConfig{Name: "q", DuplicateDetectionWindow: time.Minute})
	broker.Close() // its clock: the benchmark does one tick for each message
	q, c := broker.queue("q"), newConsumer(nil)
	for i := range 20_000 {
		_, err := q.enqueue(written(b, data(1)))
		require.NoError(b, err)
		if i%2 == 0 {
			_, err = q.next(c, true)
			require.NoError(b, err)
		}
	}
	for b.Loop() {
		_, err := q.enqueue(written(b, data(1)))
		require.NoError(b, err)
		d, err := q.next(c, true)
		require.NoError(b, err)
		require.NoError(b, q.settle(d.token, outcome{kind: codeAccepted}))
		broker.mu.Lock()
		q.advance(time.Now())
		broker.mu.Unlock()
	}
}
