package devhost_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
)

// namespace is a broker with the queues of the recordings.
type namespace struct {
	t      *testing.T
	broker *amqpbroker.Broker
	client *azservicebus.Client
}

// connect gives the app a namespace of its own in place of the recorded one.
// Messages of the queue "hang" stay locked for a while, those of others for a
// minute.
func (a *app) connect(lock time.Duration) *namespace {
	a.t.Helper()
	n := &namespace{t: a.t, broker: amqpbroker.NewBroker(
		amqpbroker.QueueConfig{Name: "requests", MaxDeliveryCount: 3},
		amqpbroker.QueueConfig{Name: "binary", MaxDeliveryCount: 3},
		amqpbroker.QueueConfig{Name: "answers", MaxDeliveryCount: 3},
		amqpbroker.QueueConfig{Name: "nodlq"},
		amqpbroker.QueueConfig{Name: "hang", LockDuration: lock},
	)}
	server := &amqpbroker.Server{Broker: n.broker}
	address, err := server.Start("127.0.0.1:0")
	require.NoError(a.t, err)
	a.t.Cleanup(func() { server.Close(); n.broker.Close() })
	_, port, _ := strings.Cut(address.String(), ":")
	connection := "Endpoint=sb://localhost:" + port + ";SharedAccessKeyName=k;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true"
	a.cfg.Settings["REQUESTS"] = connection
	n.client, err = azservicebus.NewClientFromConnectionString(connection, nil)
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = n.client.Close(context.Background()) })
	return n
}

func (n *namespace) send(queue string, s *sent) {
	n.t.Helper()
	sender, err := n.client.NewSender(queue, nil)
	require.NoError(n.t, err)
	defer sender.Close(n.t.Context())
	if s.AMQPValue != nil {
		var value any
		require.NoError(n.t, json.Unmarshal(s.AMQPValue, &value))
		m := &azservicebus.AMQPAnnotatedMessage{Properties: &azservicebus.AMQPAnnotatedMessageProperties{MessageID: s.MessageID}}
		if s.BodyType == "sequence" {
			m.Body.Sequence = [][]any{value.([]any)[0].([]any)}
		} else {
			m.Body.Value = value
		}
		require.NoError(n.t, sender.SendAMQPAnnotatedMessage(n.t.Context(), m, nil))
		return
	}
	m := &azservicebus.Message{
		MessageID: &s.MessageID, ContentType: s.ContentType, CorrelationID: s.CorrelationID, Subject: s.Subject,
		ReplyTo: s.ReplyTo, To: s.To, PartitionKey: s.PartitionKey, ApplicationProperties: s.ApplicationProperties,
	}
	if s.Text != nil {
		m.Body = []byte(*s.Text)
	}
	if s.Base64 != nil {
		m.Body, _ = base64.StdEncoding.DecodeString(*s.Base64)
	}
	if ttl := time.Duration(s.TimeToLive) * time.Millisecond; ttl > 0 {
		m.TimeToLive = &ttl
	}
	require.NoError(n.t, sender.SendMessage(n.t.Context(), m, nil))
}

// settled waits until the queue holds so many messages.
func (n *namespace) settled(queue string, active, dead int) {
	n.t.Helper()
	require.Eventually(n.t, func() bool {
		a, _, _, d := n.broker.Counts(queue)
		return a == active && d == dead
	}, patience, 10*time.Millisecond, "%s: want %d active, %d dead", queue, active, dead)
}

// queueName is the queue of the recording's function.
func (r recording) queueName(t *testing.T) string {
	t.Helper()
	name := regexp.MustCompile(`"queueName":\s*"(\w+)"`).FindSubmatch(r.FunctionJSON)
	require.NotNil(t, name)
	return string(name[1])
}

var (
	enqueuing = regexp.MustCompile(`"((?:Expires|Enqueued)\w+)":"2026-11-22T\d\d:\d\d:\d\d(\+00:00)?"`)
	today     = regexp.MustCompile(`"((?:Expires|Enqueued)\w+)":"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\+00:00)?"`)
	sequence  = regexp.MustCompile(`"SequenceNumber":"\d+"`)
)

// sameMessage leaves out what a broker of today must say otherwise.
func sameMessage(m *message) *message {
	plain := same(m)
	for _, times := range []*regexp.Regexp{enqueuing, today} {
		plain.Body = times.ReplaceAllString(plain.Body, `"$1":"<time$2>"`)
	}
	plain.Body = sequence.ReplaceAllString(plain.Body, `"SequenceNumber":"<n>"`)
	return plain
}

func bundled(t *testing.T, name string) recording {
	t.Helper()
	r := load(t, name)
	r.HostSettings.HostJSON = withBundle(r.HostSettings.HostJSON)
	return r
}

func text(s string) *string { return &s }

// Every recorded message: what the function gets of it is the same here.
func TestMessagesReachTheHandlerAsRecorded(t *testing.T) {
	for _, name := range named(t, "servicebus-") {
		r := bundled(t, name)
		if name == "servicebus-datatype-string" {
			r.Sent = &sent{Text: text(`{"a":1}`), MessageID: "st2"}
		}
		if r.Sent == nil || len(r.HostRequest) == 0 {
			continue // has a test of its own
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, r)
			n := a.connect(time.Minute)
			if len(r.HandlerAnswer) == 0 {
				a.plan(plan{Answers: answers{{Status: 200, Headers: [][2]string{{"Content-Type", "application/json"}}, Body: "{}"}}})
			}
			a.start()
			n.send(r.queueName(t), r.Sent)
			require.Equal(t, sameMessage(r.HostRequest[0]), sameMessage(a.requests(1)[0]))
			n.settled(r.queueName(t), 0, 0)
		})
	}
}

// What a JSON body does to Metadata was recorded with HTTP, where the host
// uses the same code.
func TestMembersOfABodyAreLiftedAsRecorded(t *testing.T) {
	t.Parallel()
	r := load(t, "http-envelope-post-json-dup-date")
	var want, got struct{ Metadata map[string]any }
	require.NoError(t, json.Unmarshal([]byte(r.HostRequest[0].Body), &want))
	queue := bundled(t, "servicebus-json")
	a := newApp(t, queue)
	n := a.connect(time.Minute)
	a.start()
	n.send("requests", &sent{Text: &r.CallerRequest.Body, MessageID: "dup"})
	require.NoError(t, json.Unmarshal([]byte(a.requests(1)[0].Body), &got))
	for _, member := range []string{"n", "big", "when", "a"} {
		require.Equal(t, want.Metadata[member], got.Metadata[member], member)
	}
}

func TestBodiesThatCannotBeBoundGoToTheDeadLetters(t *testing.T) {
	for _, name := range []string{"servicebus-amqp-sequence", "servicebus-amqp-value-map", "servicebus-datatype-stream"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := bundled(t, name)
			if r.Sent == nil {
				r.Sent = &sent{Text: text("{}"), MessageID: "st1"}
			}
			a := newApp(t, r)
			n := a.connect(time.Minute)
			a.start()
			n.send(r.queueName(t), r.Sent)
			n.settled(r.queueName(t), 0, 1)
			require.Empty(t, a.events("request"))
			line, found := a.logs.find(t, "(Failed, Id=")
			require.True(t, found)
			require.Contains(t, line.Error, "cannot be bound to")
		})
	}
}

// Not recorded: in the host's source, bytes are what Body has, and it has data
// sections alone.
func TestBodiesThatAreNoBytesAreNotBoundToThem(t *testing.T) {
	for name, body := range map[string]*sent{
		"map":         {AMQPValue: json.RawMessage(`{"a":1}`)},
		"string":      {AMQPValue: json.RawMessage(`"{\"a\":1}"`)},
		"sequence":    {AMQPValue: json.RawMessage(`[[1,2]]`), BodyType: "sequence"},
		"empty bytes": {Text: text("")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, bundled(t, "servicebus-datatype-binary-json-body"))
			n := a.connect(time.Minute)
			a.start()
			body.MessageID = "v"
			n.send("binary", body)
			if body.Text != nil {
				require.Contains(t, a.requests(1)[0].Body, `"msg":""`)
				n.settled("binary", 0, 0)
				return
			}
			n.settled("binary", 0, 1)
			require.Empty(t, a.events("request"))
			line, found := a.logs.find(t, "(Failed, Id=")
			require.True(t, found)
			require.Contains(t, line.Error, "cannot be retrieved using the Body property")
		})
	}
}

func TestFailedMessageIsDeliveredAgainAtOnceUntilItIsDead(t *testing.T) {
	t.Parallel()
	r := bundled(t, "servicebus-answer-500-until-dead-letter")
	a := newApp(t, r)
	n := a.connect(time.Minute)
	host := a.start()
	require.NoError(t, host.Ready(t.Context()))
	begin := time.Now()
	n.send("answers", &sent{Text: text(`{"id":"f"}`), MessageID: "m-fail", ContentType: text("application/json")})
	n.settled("answers", 0, 1)
	require.Less(t, time.Since(begin), time.Minute, "no back-off, and no waiting for locks of a minute to end")
	got := a.requests(len(r.HostRequest))
	require.Len(t, got, len(r.HostRequest))
	for i := range got {
		require.Equal(t, sameMessage(r.HostRequest[i]), sameMessage(got[i]))
	}
}

// The lock lasts 3 s and is renewed; the recording watched 25 s with 10 s.
func TestEmptyAnswerKeepsTheMessageLockedForEver(t *testing.T) {
	t.Parallel()
	r := bundled(t, "servicebus-answer-empty-200")
	a := newApp(t, r)
	n := a.connect(3 * time.Second)
	a.start()
	n.send("hang", &sent{Text: text(`{"id":"h1"}`), MessageID: "m-h1"})
	a.requests(1)
	n.send("hang", &sent{Text: text(`{"id":"h2"}`), MessageID: "m-h2"})
	a.requests(2)
	n.settled("hang", 1, 0)
	require.Never(t, func() bool { return len(a.events("request")) > 2 }, 4*time.Second, 100*time.Millisecond)
	n.settled("hang", 1, 0)
}

func TestRenewalEndsWithItsLimit(t *testing.T) {
	t.Parallel()
	r := bundled(t, "servicebus-answer-empty-200")
	a := newApp(t, r)
	a.cfg.Settings["AzureFunctionsJobHost__extensions__serviceBus__maxAutoLockRenewalDuration"] = "00:00:01"
	n := a.connect(time.Second)
	a.start()
	n.send("hang", &sent{Text: text(`{"id":"h1"}`), MessageID: "m-h1"})
	got := a.requests(2)
	require.Contains(t, got[1].Body, `"DeliveryCount":"2"`)
}

func TestMessagesAtOnceAreAsManyAsRecorded(t *testing.T) {
	r := bundled(t, "servicebus-concurrency")
	var did struct{ PeakRequestsAtOnce, Processors int }
	require.NoError(t, json.Unmarshal(r.HostDid, &did))
	r.HandlerAnswer[0].DelayMs = 1500
	for name, c := range map[string]struct {
		setting string
		want    int
	}{
		"by default": {"", did.PeakRequestsAtOnce / did.Processors * runtime.NumCPU()},
		"as set":     {"3", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, r)
			if c.setting != "" {
				a.cfg.Settings["AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls"] = c.setting
			}
			n := a.connect(time.Minute)
			for i := range c.want + 4 {
				n.send("nodlq", &sent{Text: text("{}"), MessageID: fmt.Sprint(i)})
			}
			a.start()
			require.Len(t, a.requests(c.want), c.want)
			require.Never(t, func() bool { return len(a.events("request")) > c.want }, 700*time.Millisecond, 50*time.Millisecond)
			a.requests(c.want + 4)
			n.settled("nodlq", 0, 0)
		})
	}
}

func TestMessageWhoseHandlerCrashesIsDeadWithTheHost(t *testing.T) {
	t.Parallel()
	r := bundled(t, "servicebus-handler-exits-1-in-flight")
	a := newApp(t, r)
	n := a.connect(time.Minute)
	a.start()
	n.send("answers", &sent{Text: text(`{"id":"x1"}`), MessageID: "m-x1"})
	a.awaitEnd()
	got := a.requests(len(r.HostRequest))
	require.Len(t, got, len(r.HostRequest))
	for i := range got {
		require.Equal(t, sameMessage(r.HostRequest[i]), sameMessage(got[i]))
	}
	require.Len(t, a.events("start"), r.life(t).HandlerStarts)
	n.settled("answers", 0, 1)
}

func TestMessageAtWorkStaysLockedWhenTheHostLeaves(t *testing.T) {
	t.Parallel()
	r := bundled(t, "servicebus-sigterm-while-hanging")
	a := newApp(t, r)
	a.cfg.Timing.DrainJobs = 300 * time.Millisecond
	n := a.connect(time.Minute)
	host := a.start()
	n.send("hang", &sent{Text: text(`{"id":"h1"}`), MessageID: "m-h1"})
	a.requests(1)
	host.Shutdown()
	n.settled("hang", 1, 0)
	// It was not abandoned: that would have counted.
	receiver, err := n.client.NewReceiverForQueue("hang", nil)
	require.NoError(t, err)
	peeked, err := receiver.PeekMessages(t.Context(), 1, nil)
	require.NoError(t, err)
	require.Len(t, peeked, 1)
	require.EqualValues(t, 1, peeked[0].DeliveryCount)
}

func TestQueueThatIsMissingStopsThatFunctionAlone(t *testing.T) {
	for name, says := range map[string]string{
		"servicebus-queue-missing":              "Message processing error (Action=Receive, EntityPath=nosuchqueue, Endpoint=localhost)",
		"servicebus-connection-setting-missing": "The listener for function 'Functions.change' was unable to start.",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := bundled(t, name)
			r.HandlerAnswer = answers{{Status: 200}}
			a := newApp(t, r)
			a.connect(time.Minute)
			if r.HostSettings.AppSettings["REQUESTS"] == nil {
				delete(a.cfg.Settings, "REQUESTS")
			}
			a.start()
			a.logs.await(t, says)
			require.Equal(t, "200", a.get("/api/ok").status())
		})
	}
}

func TestQueueOfADisabledFunctionIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := bundled(t, "function-disabled-by-setting")
	r.FunctionJSON = json.RawMessage(strings.Replace(string(r.FunctionJSON), `"batch"`, `"answers"`, 1))
	a := newApp(t, r)
	n := a.connect(time.Minute)
	a.start()
	n.send("requests", &sent{Text: text(`{}`), MessageID: "dis"})
	n.send("answers", &sent{Text: text(`{}`), MessageID: "other"})
	n.settled("answers", 0, 0) // the other function's
	n.settled("requests", 1, 0)
	require.Equal(t, "/other", a.requests(1)[0].Path)
	a.logs.await(t, "Function 'Functions.change' is disabled")
}
