package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

// complete is what the host was answered in every recording that succeeded.
const complete = `{"Outputs":{},"Logs":[],"ReturnValue":null}`

type message = handler.Message[json.RawMessage]

// app is a table with all the functions of the recordings, which tells what
// reached which of them.
type app struct {
	function string
	message  message
	tick     handler.Tick
	request  *http.Request
	body     []byte
	id       string
	answer   recordedAnswer
}

func (a *app) table() []handler.Function {
	return []handler.Function{
		a.http("activate", "POST /api/activatePIMRole"),
		a.http("changeById", "GET /api/changes/{id}"),
		a.http("echo", "GET,POST /api/echo/{rest...}"),
		a.http("any", "/api/any"),
		a.queue("change"), a.queue("bin"), a.queue("many"),
		a.timer("sweep"), a.timer("other"),
	}
}

// tableFor is the table and, for what recs ask of it that it has not, one more
// function each: a recording need only be copied to be replayed.
func (a *app) tableFor(recs []recording, more func(path string) handler.Function) []handler.Function {
	table := a.table()
	for _, rec := range recs {
		for _, r := range rec.Requests {
			path, _, _ := strings.Cut(r.Path, "?")
			segments := strings.Split(path, "/")
			top := strings.Join(segments[:min(3, len(segments))], "/")
			known := slices.ContainsFunc(table, func(f handler.Function) bool {
				return strings.HasPrefix(strings.ToLower(f.Pattern[strings.Index(f.Pattern, "/"):]+"/"), strings.ToLower(top)+"/")
			})
			if !known {
				table = append(table, more(top))
			}
		}
	}
	return table
}

func (a *app) http(name, pattern string) handler.Function {
	return handler.HTTP(name, pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.function, a.request, a.id = name, r, handler.InvocationID(r.Context())
		a.body, _ = io.ReadAll(r.Body)
		for _, h := range a.answer.headers() {
			w.Header().Add(h[0], h[1])
		}
		if a.answer.Status != 0 {
			w.WriteHeader(a.answer.Status)
		}
		_, _ = w.Write([]byte(a.answer.Body))
	}))
}

func (a *app) queue(name string) handler.Function {
	return handler.ServiceBus(name, func(ctx context.Context, m message) error {
		a.function, a.message, a.id = name, m, handler.InvocationID(ctx)
		return nil
	})
}

func (a *app) timer(name string) handler.Function {
	return handler.Timer(name, func(ctx context.Context, tick handler.Tick) error {
		a.function, a.tick, a.id = name, tick, handler.InvocationID(ctx)
		return nil
	})
}

func TestRecordedMessageReachesItsFunctionAsItWasSent(t *testing.T) {
	const lossy = "\x00\x01\x02\ufffd\ufffd\n\r" // the host read bytes as text
	type want struct {
		function, raw, id string
		count             int
		malformed         bool
	}
	rules := map[string][]want{
		"servicebus-datatype-binary-json-body": {{"bin", `{"a":1}`, "b-2", 1, false}},
		// Not our setting, decoded all the same.
		"servicebus-datatype-string":             {{"bin", `{"a":1}`, "st2", 1, false}},
		"servicebus-json":                        {{"change", `{"id":"c-1","role":"Owner","n":20,"ok":true,"when":"2026-11-22T05:00:00Z","list":[1,2],"nested":{"x":null}}`, "m-json", 1, false}},
		"servicebus-json-no-content-type":        {{"change", `{"id":"c-2"}`, "m-json2", 1, false}},
		"servicebus-json-number":                 {{"change", `5`, "m-num", 1, false}},
		"servicebus-json-string":                 {{"change", `"quoted"`, "m-jstr", 1, false}},
		"servicebus-string":                      {{"change", "hello wörld", "m-str", 1, true}},
		"servicebus-string-bad-json":             {{"change", `{"a":`, "m-bad", 1, true}},
		"servicebus-utf8-bom":                    {{"change", "\ufeff" + `{"a":1}`, "m-bom", 1, true}},
		"servicebus-amqp-value-string":           {{"change", "a value string", "v-1", 1, true}},
		"servicebus-binary-body-string-datatype": {{"change", lossy, "m-bin", 1, true}},
		// What the sender forged arrives forged: without binary, ID and count are his.
		"servicebus-body-keys-collide": {{"change", `{"MessageId":"forged","DeliveryCount":99,"sys":{"MethodName":"forged"},"RetryContext":{"RetryCount":7},"SequenceNumber":1,"LockToken":"x","msg":"m","Client":"c","ApplicationProperties":{"tenant":"forged"},"SessionId":"s-forged","EnqueuedTimeUtc":"2000-01-01T00:00:00Z"}`, "forged", 99, false}},
		"servicebus-answer-500-until-dead-letter": {
			{"change", `{"id":"f"}`, "m-fail", 1, false}, {"change", `{"id":"f"}`, "m-fail", 2, false}, {"change", `{"id":"f"}`, "m-fail", 3, false}},
		"servicebus-handler-exits-1-in-flight": {
			{"change", `{"id":"x1"}`, "m-x1", 1, false}, {"change", `{"id":"x1"}`, "m-x1", 2, false}, {"change", `{"id":"x1"}`, "m-x1", 3, false}},
		"servicebus-answer-empty-200": {{"change", `{"id":"h1"}`, "m-h1", 1, false}, {"change", `{"id":"h2"}`, "m-h2", 1, false}},
		// Retries of the host itself count no delivery: three of each.
		"servicebus-retry-policy-in-function-json": {
			{"change", `{"id":"f3"}`, "m-fail3", 1, false}, {"change", `{"id":"f3"}`, "m-fail3", 1, false}, {"change", `{"id":"f3"}`, "m-fail3", 1, false},
			{"change", `{"id":"f3"}`, "m-fail3", 2, false}, {"change", `{"id":"f3"}`, "m-fail3", 2, false}, {"change", `{"id":"f3"}`, "m-fail3", 2, false},
			{"change", `{"id":"f3"}`, "m-fail3", 3, false}, {"change", `{"id":"f3"}`, "m-fail3", 3, false}, {"change", `{"id":"f3"}`, "m-fail3", 3, false}},
		// A batch is one body, and what the host says of its messages comes in arrays.
		"servicebus-batch":                 {{"many", `[{"id":"b0"},{"id":"b1"},{"id":"b2"}]`, "", 0, false}},
		"servicebus-batch-binary":          {{"many", `["AAEC/w==","eyJpZCI6MX0="]`, "", 0, false}},
		"servicebus-batch-datatype-string": {{"many", `["plain","{\"id\":\"b\"}","[1]",""]`, "", 0, false}},
		"servicebus-batch-answer-500": {
			{"many", `["{\"id\":\"0\"}","{\"id\":\"1\"}","{\"id\":\"2\"}"]`, "", 0, false}, {"many", `["{\"id\":\"0\"}","{\"id\":\"1\"}","{\"id\":\"2\"}"]`, "", 0, false}},
	}
	var a app
	console := newConsole()
	recs := recordings(t, "servicebus-*")
	queue := func(path string) handler.Function { return a.queue(path[1:]) }
	addr := start(t, console.Logger, handler.New(console.Logger, handler.Options{}, a.tableFor(recs, queue)...))
	for _, rec := range recs {
		t.Run(rec.name, func(t *testing.T) {
			wants, known := rules[rec.name]
			if known {
				require.Len(t, rec.Requests, len(wants))
			}
			for i := range rec.Requests {
				a = app{}
				resp := replay(t, addr, rec.Requests[i])
				require.Equal(t, http.StatusOK, resp.StatusCode)
				require.Equal(t, complete, readAll(t, resp.Body))
				if !known {
					// What is true of every message.
					require.Equal(t, rec.Requests[i].Path, "/"+a.function)
					require.Equal(t, a.message.Malformed == nil, json.Valid(a.message.Raw))
					continue
				}
				w := wants[i]
				require.Equal(t, w.function, a.function)
				require.Equal(t, w.raw, string(a.message.Raw))
				require.Equal(t, w.id, a.message.ID)
				require.Equal(t, w.count, a.message.DeliveryCount)
				require.Equal(t, w.malformed, a.message.Malformed != nil, a.message.Malformed)
				if w.malformed {
					require.Empty(t, a.message.Body)
				} else {
					require.JSONEq(t, w.raw, string(a.message.Body))
				}
				require.Equal(t, rec.Requests[i].header("X-Azure-Functions-InvocationId"), a.id)
			}
		})
	}
	require.Empty(t, console.err.String())
}

func TestRecordedTickReachesItsFunctionWithEveryField(t *testing.T) {
	var a app
	console := newConsole()
	recs := append(recordings(t, "timer-*"), recordings(t, "answer-*")...)
	timer := func(path string) handler.Function { return a.timer(path[1:]) }
	addr := start(t, console.Logger, handler.New(console.Logger, handler.Options{}, a.tableFor(recs, timer)...))
	for _, rec := range recs {
		t.Run(rec.name, func(t *testing.T) {
			for _, r := range rec.Requests {
				a = app{}
				resp := replay(t, addr, r)
				require.Equal(t, http.StatusOK, resp.StatusCode)
				require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
				require.Equal(t, complete, readAll(t, resp.Body))
				require.Equal(t, strings.TrimPrefix(r.Path, "/"), a.function)

				var sent struct {
					Data struct{ Timer json.RawMessage }
				}
				require.NoError(t, json.Unmarshal([]byte(r.Body), &sent))
				got, err := json.Marshal(a.tick)
				require.NoError(t, err)
				// The one spelling that changes: .NET writes UTC as an offset.
				require.JSONEq(t, strings.ReplaceAll(string(sent.Data.Timer), `+00:00"`, `Z"`), string(got))
			}
		})
	}
}

func TestRecordedRequestReachesItsFunctionUnchangedButForTheKey(t *testing.T) {
	functions := map[string]string{"/api/activatepimrole": "activate", "/api/changes": "changeById", "/api/echo": "echo", "/api/any": "any"}
	// net/http keeps these elsewhere than in Request.Header.
	elsewhere := map[string]bool{"Host": true, "Transfer-Encoding": true, "x-functions-key": true, "X-Azure-Functions-InvocationId": true}
	var a app
	console := newConsole()
	recs := recordings(t, "http-forwarded-*")
	other := func(path string) handler.Function {
		name := fmt.Sprint("other", len(functions))
		functions[strings.ToLower(path)] = name
		return a.http(name, path+"/{rest...}")
	}
	addr := start(t, console.Logger, handler.New(console.Logger, handler.Options{}, a.tableFor(recs, other)...))
	for _, rec := range recs {
		t.Run(rec.name, func(t *testing.T) {
			for _, r := range rec.Requests {
				a = app{}
				resp := replay(t, addr, r)
				require.Equal(t, http.StatusOK, resp.StatusCode)

				path, query, _ := strings.Cut(r.Path, "?")
				require.Equal(t, strings.TrimPrefix(query, "code=FUNCKEY&"), a.request.URL.RawQuery)
				require.Equal(t, path, a.request.URL.EscapedPath())
				require.Equal(t, r.Method, a.request.Method)
				require.True(t, bytes.Equal(r.body(t), a.body), "%q", a.body)
				top := strings.Join(strings.Split(strings.ToLower(path), "/")[:3], "/")
				require.Equal(t, functions[top], a.function)
				require.Equal(t, r.header("Host"), a.request.Host)
				for _, h := range r.Headers {
					if !elsewhere[h[0]] {
						require.Equal(t, h[1], a.request.Header.Get(h[0]), h[0])
					}
				}
			}
		})
	}
}

func TestHTTPAnswerIsPassedOnAsItWasWritten(t *testing.T) {
	var a app
	addr := start(t, newConsole().Logger, handler.New(newConsole().Logger, handler.Options{}, a.table()...))
	for _, rec := range recordings(t, "http-forwarded-*") {
		if rec.Answer.Status == 0 || rec.Answer.Drop != "" {
			continue // bytes of the recorder's own, which are no answer of a handler
		}
		t.Run(rec.name, func(t *testing.T) {
			a = app{answer: rec.Answer}
			resp := replay(t, addr, rec.Requests[0])
			require.Equal(t, rec.Answer.Status, resp.StatusCode)
			require.Equal(t, rec.Answer.Body, readAll(t, resp.Body))
			want := http.Header{}
			for _, h := range rec.Answer.headers() {
				want.Add(h[0], h[1])
			}
			for name, values := range want {
				require.Equal(t, values, resp.Header.Values(name), name)
			}
			require.Empty(t, resp.TransferEncoding, "the length is known")
		})
	}
}

// TestEnvelopeKeepsEveryField is told by the raw recordings: whatever the host
// put in must be found again in what the envelope encodes to.
func TestEnvelopeKeepsEveryField(t *testing.T) {
	for _, glob := range []string{"servicebus-*", "timer-*", "answer-*"} {
		for _, rec := range recordings(t, glob) {
			t.Run(rec.name, func(t *testing.T) {
				for _, r := range rec.Requests {
					var e handler.Envelope
					require.NoError(t, json.Unmarshal([]byte(r.Body), &e))
					encoded, err := json.Marshal(e)
					require.NoError(t, err)
					require.JSONEq(t, unwrapped(t, r.Body), unwrapped(t, string(encoded)))
				}
			})
		}
	}
}

// unwrapped writes an envelope's metadata without the host's strings of JSON.
func unwrapped(t *testing.T, envelope string) string {
	t.Helper()
	var e map[string]any
	require.NoError(t, json.Unmarshal([]byte(envelope), &e))
	metadata := e["Metadata"].(map[string]any)
	for name, v := range metadata {
		for {
			s, isString := v.(string)
			var inner any
			if !isString || json.Unmarshal([]byte(s), &inner) != nil {
				break
			}
			v = inner
		}
		metadata[name] = v
	}
	b, err := json.Marshal(e)
	require.NoError(t, err)
	return string(b)
}

func TestFailureAndPanicOfATriggerAreAnsweredCompletely(t *testing.T) {
	console := newConsole()
	addr := start(t, console.Logger, handler.New(console.Logger, handler.Options{},
		handler.Timer("sweep", func(context.Context, handler.Tick) error { return errors.New("the tenant is away") }),
		handler.ServiceBus("change", func(context.Context, message) error { panic("a bug") }),
	))
	for _, name := range []string{"timer-first", "servicebus-json"} {
		resp := replay(t, addr, recordings(t, name)[0].Requests[0])
		require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		require.Equal(t, complete, readAll(t, resp.Body))
	}
	records := console.err.records(t)
	require.Len(t, records, 2, "one record for each failed invocation")
	require.Equal(t, "the tenant is away", records[0]["error"])
	require.Equal(t, "sweep", records[0]["function"])
	require.Equal(t, "76ab8589-1c3b-4b6a-9ef0-b4439002b798", records[0]["invocation"])
	require.Equal(t, "panic: a bug", records[1]["error"])
	require.Contains(t, records[1]["stack"], "replay_test.go")
	require.NotContains(t, records[0], "stack")
}
