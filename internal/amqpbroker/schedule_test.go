package amqpbroker_test

import (
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
)

func at(d time.Duration, body string) *azservicebus.Message {
	return &azservicebus.Message{Body: []byte(body), ScheduledEnqueueTime: to.Ptr(time.Now().Add(d))}
}

func TestScheduledMessageComesWhenDueAndInOrderOfItsTime(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		begin := time.Now()
		send(t, c, "q", at(2*time.Hour, "third"), at(time.Hour, "second"), text("first"))
		requireCounts(t, s.Broker, "q", counts{active: 1, scheduled: 2})
		r := receiver(t, c, "q", nil)
		peeked, err := r.PeekMessages(t.Context(), 10, nil)
		require.NoError(t, err)
		require.Equal(t, []string{"third", "second", "first"}, bodies(peeked))
		require.Equal(t, azservicebus.MessageStateScheduled, peeked[0].State)

		for i, want := range []struct {
			body  string
			after time.Duration
			// A scheduled message gets a new number when it becomes active.
			sequence int64
		}{{"first", 0, 3}, {"second", time.Hour, 4}, {"third", 2 * time.Hour, 5}} {
			m := receive(t, r, 1)[0]
			require.Equal(t, want.body, string(m.Body), i)
			require.WithinDuration(t, begin.Add(want.after), time.Now(), time.Second)
			require.WithinDuration(t, begin.Add(want.after), *m.EnqueuedTime, time.Second)
			require.Equal(t, want.sequence, *m.SequenceNumber)
			require.NoError(t, r.CompleteMessage(t.Context(), m, nil))
		}
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestMessagesDueTogetherComeInOrderOfTheirTimes(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		hour := time.Now().Add(time.Hour)
		for i, body := range []string{"third", "second", "first"} { // all within one look of the broker
			m := text(body)
			m.ScheduledEnqueueTime = to.Ptr(hour.Add(time.Duration(-i) * time.Millisecond))
			send(t, c, "q", m)
		}
		require.Equal(t, []string{"first", "second", "third"}, bodies(receive(t, receiver(t, c, "q", nil), 3)))
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestCancelledMessageNeverComes(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		numbers, err := snd.ScheduleMessages(t.Context(), []*azservicebus.Message{text("a"), text("b")}, time.Now().Add(time.Hour), nil)
		require.NoError(t, err)
		require.Equal(t, []int64{1, 2}, numbers)
		require.NoError(t, snd.CancelScheduledMessages(t.Context(), numbers[:1], nil))
		requireCounts(t, s.Broker, "q", counts{scheduled: 1})
		requireCode(t, azservicebus.CodeNotFound, snd.CancelScheduledMessages(t.Context(), []int64{2, 1}, nil))
		requireCounts(t, s.Broker, "q", counts{scheduled: 1})

		r := receiver(t, c, "q", &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
		require.Equal(t, []string{"b"}, bodies(receive(t, r, 1)))
		nothing(t, r)
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestTimeToLiveOfAScheduledMessageBeginsWhenItIsDue(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		m := at(time.Hour, "x")
		m.TimeToLive = to.Ptr(time.Minute)
		send(t, c, "q", m)
		<-time.After(time.Hour + time.Second)
		requireCounts(t, s.Broker, "q", counts{active: 1})
		<-time.After(time.Minute)
		requireCounts(t, s.Broker, "q", counts{})
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestDuplicateIsAcceptedAndDropped(t *testing.T) {
	const window = 10 * time.Minute
	for _, tc := range []struct {
		name     string
		second   time.Duration // how long after the first
		schedule [2]time.Duration
		id       [2]string
		want     counts
	}{
		{"the same id at once", 0, [2]time.Duration{}, [2]string{"a", "a"}, counts{active: 1}},
		{"the same id within the window", window - time.Second, [2]time.Duration{}, [2]string{"a", "a"}, counts{active: 1}},
		{"the same id after the window", window + time.Second, [2]time.Duration{}, [2]string{"a", "a"}, counts{active: 2}},
		{"ids are case sensitive", 0, [2]time.Duration{}, [2]string{"a", "A"}, counts{active: 2}},
		{"no id gets one of its own", 0, [2]time.Duration{}, [2]string{}, counts{active: 2}},
		{"scheduled, then not", 0, [2]time.Duration{time.Hour, 0}, [2]string{"a", "a"}, counts{scheduled: 1}},
		{"not scheduled, then scheduled", 0, [2]time.Duration{0, time.Hour}, [2]string{"a", "a"}, counts{active: 1}},
		{"both scheduled", time.Minute, [2]time.Duration{time.Hour, 2 * time.Hour}, [2]string{"a", "a"}, counts{scheduled: 1}},
		{"scheduled beyond the window", window + time.Second, [2]time.Duration{time.Hour, 0}, [2]string{"a", "a"}, counts{active: 1, scheduled: 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
				for i := range 2 {
					m := text("x")
					if tc.id[i] != "" {
						m.MessageID = &tc.id[i]
					}
					if d := tc.schedule[i]; d > 0 {
						m.ScheduledEnqueueTime = to.Ptr(time.Now().Add(d))
					}
					send(t, c, "q", m)
					if i == 0 {
						<-time.After(tc.second)
					}
				}
				requireCounts(t, s.Broker, "q", tc.want)
			}, amqpbroker.QueueConfig{Name: "q", DuplicateDetectionWindow: window})
		})
	}
}

func TestIDOfASettledOrCancelledMessageIsRemembered(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", &azservicebus.Message{MessageID: to.Ptr("settled")})
		r := receiver(t, c, "q", nil)
		require.NoError(t, r.CompleteMessage(t.Context(), receive(t, r, 1)[0], nil))
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		numbers, err := snd.ScheduleMessages(t.Context(), []*azservicebus.Message{{MessageID: to.Ptr("cancelled")}}, time.Now().Add(time.Hour), nil)
		require.NoError(t, err)
		require.NoError(t, snd.CancelScheduledMessages(t.Context(), numbers, nil))

		send(t, c, "q", &azservicebus.Message{MessageID: to.Ptr("settled")}, &azservicebus.Message{MessageID: to.Ptr("cancelled")})
		requireCounts(t, s.Broker, "q", counts{})
	}, amqpbroker.QueueConfig{Name: "q", DuplicateDetectionWindow: time.Minute})
}

func TestQueueWithoutDetectionKeepsDuplicates(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		send(t, c, "q", &azservicebus.Message{MessageID: to.Ptr("a")}, &azservicebus.Message{MessageID: to.Ptr("a")})
		requireCounts(t, s.Broker, "q", counts{active: 2})
	}, amqpbroker.QueueConfig{Name: "q"})
}
