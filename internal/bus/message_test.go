package bus_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
	"github.com/azurepim/azure-pim/internal/bus"
)

func TestMessageArrivesAsItWasSent(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{
			ID: "CR1.2.1", Body: []byte(`{"id":"CR1"}`), ContentType: "application/json", Subject: "change",
			Properties: map[string]any{"step": int64(2), "again": true, "who": "x"},
		}))
		m := receive(t, s, 1, complete)[0]
		require.Equal(t, "CR1.2.1", m.MessageID)
		require.Equal(t, `{"id":"CR1"}`, string(m.Body))
		require.Equal(t, "application/json", *m.ContentType)
		require.Equal(t, "change", *m.Subject)
		require.Equal(t, map[string]any{"step": int64(2), "again": true, "who": "x"}, m.ApplicationProperties)
		require.Nil(t, m.ScheduledEnqueueTime)
	})
}

func TestSameIDIsKeptOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		for range 3 {
			require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "a"}))
		}
		require.NoError(t, b.SendAll(t.Context(), queue, []bus.Message{{ID: "a"}, {ID: "b"}, {ID: "b"}, {}, {}}))
		requireActive(t, s, 4) // a, b and two that have no id
	})
}

func TestScheduledMessagesComeWhenDue(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		begin := time.Now()
		require.NoError(t, b.SendAll(t.Context(), queue, []bus.Message{
			{ID: "late", After: time.Hour}, {ID: "soon", After: time.Minute}, {ID: "now"},
		}))
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "late", After: time.Second})) // a duplicate
		for _, want := range []struct {
			id    string
			after time.Duration
		}{{"now", 0}, {"soon", time.Minute}, {"late", time.Hour}} {
			m := receive(t, s, 1, complete)[0]
			require.Equal(t, want.id, m.MessageID)
			require.WithinDuration(t, begin.Add(want.after), time.Now(), time.Second)
		}
		requireActive(t, s, 0)
	})
}

func TestThousandMessagesGoInBatchesAndInOrder(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		var ms []bus.Message
		for i := range 1000 { // 1 MB: more than four batches
			ms = append(ms, bus.Message{ID: fmt.Sprint(i), Body: bytes.Repeat([]byte("x"), 1000)})
		}
		require.NoError(t, b.SendAll(t.Context(), queue, ms))
		require.NoError(t, b.SendAll(t.Context(), queue, ms)) // again, as after an error
		for i, m := range receive(t, s, 1000, complete) {
			require.Equal(t, fmt.Sprint(i), m.MessageID)
		}
		requireActive(t, s, 0)
	})
}

func TestTinyMessagesAreNotTooManyForABatch(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		ms := make([]bus.Message, amqpbroker.MaxBatchCount+1)
		for i := range ms {
			ms[i].ID = fmt.Sprint(i)
		}
		require.NoError(t, b.SendAll(t.Context(), queue, ms))
		requireActive(t, s, len(ms))
	})
}

func TestNoMessagesAreNoError(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		s.Refuse(true) // nobody is asked
		require.NoError(t, b.SendAll(t.Context(), queue, nil))
	})
}

func TestMessageThatCanNeverBeSentIsNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		bad  bus.Message
		want string
	}{
		"too large":           {bus.Message{ID: "CR7", Body: make([]byte, amqpbroker.MaxMessageSize)}, `message 2 (id "CR7"): the message is too large`},
		"id too long":         {bus.Message{ID: strings.Repeat("i", bus.MaxIDLength+1)}, "message 2 (id \"i"},
		"property of no type": {bus.Message{ID: "CR7", Properties: map[string]any{"x": struct{}{}}}, `message 2 (id "CR7")`},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
				begin := time.Now()
				err := b.SendAll(t.Context(), queue, []bus.Message{{ID: "a"}, {ID: "b"}, tc.bad, {ID: "c"}})
				require.ErrorContains(t, err, tc.want)
				require.True(t, bus.Permanent(err))
				require.Less(t, len(err.Error()), 300)
				require.Less(t, time.Since(begin), 100*time.Millisecond, "it was tried again")
				requireActive(t, s, 0)

				require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: strings.Repeat("i", bus.MaxIDLength)}))
			})
		})
	}
}

func TestConcurrentSendersLoseNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, b *bus.Bus) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				for j := range 20 {
					if err := b.Send(t.Context(), queue, bus.Message{ID: fmt.Sprint(i, "/", j)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		requireActive(t, s, 400)
	})
}
