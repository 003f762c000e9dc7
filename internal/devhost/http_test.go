package devhost_test

import (
	"bytes"
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every recorded forwarded call: what the handler gets and what the caller
// sees are the same here.
func TestForwardedCallsAreAsRecorded(t *testing.T) {
	for _, name := range named(t, "http-forwarded-") {
		r := load(t, name)
		if r.CallerRequest == nil {
			continue // has a test of its own
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "gzip") {
				r.HandlerAnswer[0].Body, r.HandlerAnswer[0].BodyEncoding = r.CallerSaw.Body, "base64"
				r.HandlerAnswer[0].Headers = append(r.HandlerAnswer[0].Headers, [2]string{"Content-Encoding", "gzip"})
			}
			a := newApp(t, r)
			a.start()
			saw := a.call(r.CallerRequest)
			if why, ok := deviates[name]; ok {
				require.NotEqual(t, same(r.CallerSaw), same(saw), "no deviation any more: %s", why)
				r.CallerSaw.StatusLine, r.CallerSaw.Headers = saw.StatusLine[:12], saw.Headers
				saw.StatusLine = saw.StatusLine[:12]
			}
			requireSame(t, r.CallerSaw, saw)

			want := append(r.HostRequest, r.FurtherHostRequests...)
			got := a.requests(len(want))
			for i := range want {
				requireSame(t, want[i], got[i])
			}
			if name == "http-forwarded-answer-dropped-before" {
				require.Len(t, got, 4, "furtherHostRequestCount is 3")
			} else {
				require.Len(t, got, len(want))
			}
		})
	}
}

// calls are the hostDid.calls of a recording that lists several.
func calls[T any](t *testing.T, r recording) []T {
	t.Helper()
	var did struct{ Calls []T }
	require.NoError(t, json.Unmarshal(r.HostDid, &did))
	require.NotEmpty(t, did.Calls)
	return did.Calls
}

func TestPathsAndQueriesReachTheHandlerAsRecorded(t *testing.T) {
	type call struct {
		CallerPath      string
		CallerSawStatus json.Number
		HandlerSawPath  *string
	}
	for _, name := range []string{"http-forwarded-query-and-path-spellings", "http-route-prefix-v1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			r.HandlerAnswer = answers{{Status: 200}}
			a := newApp(t, r)
			a.start()
			reached := 0
			for _, c := range calls[call](t, r) {
				require.Equal(t, c.CallerSawStatus.String(), a.get(c.CallerPath).status(), c.CallerPath)
				if c.HandlerSawPath != nil {
					reached++
					require.Equal(t, *c.HandlerSawPath, a.requests(reached)[reached-1].Path)
				}
			}
			require.Len(t, a.requests(reached), reached)
		})
	}
}

func TestKeysOpenWhatTheyOpenedInTheRecording(t *testing.T) {
	t.Parallel()
	r := load(t, "http-auth-levels")
	r.HandlerAnswer = answers{{Status: 200}}
	a := newApp(t, r)
	a.start()
	shown := map[string]string{"host function key": "FUNCKEY", "master key": "MASTERKEY", "wrong": "nope"}
	reached := 0
	for _, c := range calls[struct {
		Function          string
		Key               *string
		CallerSawStatus   json.Number
		KeyReachesHandler bool
	}](t, r) {
		m := &message{Method: "GET", Path: "/api/" + c.Function, Headers: [][2]string{{"Host", "h"}}}
		if c.Key != nil {
			m.Headers = append(m.Headers, [2]string{"x-functions-key", shown[*c.Key]})
		}
		require.Equal(t, c.CallerSawStatus.String(), a.call(m).status(), "%+v", c)
		if c.KeyReachesHandler {
			reached++
			require.Equal(t, shown[*c.Key], a.requests(reached)[reached-1].header("X-Functions-Key"))
		}
	}
	require.Len(t, a.requests(reached), reached)
}

func TestKeyInTheQueryIsFoundUnderItsNameInAnyCase(t *testing.T) {
	t.Parallel()
	r := load(t, "http-auth-levels")
	r.HandlerAnswer = answers{{Status: 200}}
	a := newApp(t, r)
	a.cfg.Keys.Function = "a+b/c=="
	a.start()
	for query, want := range map[string]string{
		"code=a%2Bb%2Fc==":             "200",
		"CODE=a%2Bb/c%3D%3D":           "200",
		"Code=a%2Bb/c==":               "200",
		"c%6Fde=a%2Bb/c==":             "200",
		"x=1;2&bad=%zz&code=a%2Bb/c==": "200",
		"code=a%2Bb/c==&CODE=nope":     "200",
		"CODE=nope&code=a%2Bb/c==":     "401",
		"code=a+b/c==":                 "401", // a blank
		"encode=a%2Bb/c==":             "401",
		"":                             "401",
	} {
		require.Equal(t, want, a.get("/api/fn?"+query).status(), query)
	}
}

func TestBodyOf30MBReachesTheHandlerWhole(t *testing.T) {
	t.Parallel()
	r := load(t, "http-forwarded-body-30mb")
	r.HandlerAnswer = answers{{Status: 200}}
	a := newApp(t, r)
	a.start()
	const size = 31457280
	saw := a.call(&message{Method: "POST", Path: "/api/echo/big", Body: string(bytes.Repeat([]byte("x"), size)),
		Headers: [][2]string{{"Host", "h"}, {"Content-Length", "31457280"}}})
	require.Equal(t, "200", saw.status())
	require.Len(t, a.requests(1)[0].Body, size)
}

// The recording counts how often the handler got each request.
func TestDroppedCallsAreRepeatedOnlyWithoutABody(t *testing.T) {
	t.Parallel()
	r := load(t, "handler-drops-connection-host-repeats")
	a := newApp(t, r)
	a.start()
	seen := 0
	for _, c := range calls[struct {
		CallerSent           string
		TimesTheHandlerGotIt int
		CallerSawStatus      json.Number
	}](t, r) {
		method, _, _ := strings.Cut(c.CallerSent, " ")
		m := &message{Method: method, Path: "/api/any", Headers: [][2]string{{"Host", "h"}}}
		switch {
		case method == "timer":
			m = &message{Method: "POST", Path: "/admin/functions/sweep", Headers: [][2]string{{"Host", "h"}, {"x-functions-key", "MASTERKEY"}, {"Content-Length", "0"}}}
			require.Equal(t, "202", a.call(m).status())
			a.logs.await(t, "Executed 'Functions.sweep' (Failed")
		case strings.HasSuffix(c.CallerSent, "with body"):
			m.Headers, m.Body = append(m.Headers, [2]string{"Content-Length", "2"}), "{}"
			fallthrough
		default:
			require.Equal(t, c.CallerSawStatus.String(), a.call(m).status(), c.CallerSent)
		}
		got := a.requests(seen + c.TimesTheHandlerGotIt)
		require.Len(t, got, seen+c.TimesTheHandlerGotIt, c.CallerSent)
		for _, again := range got[seen:] {
			require.Equal(t, got[seen].header("X-Azure-Functions-InvocationId"), again.header("X-Azure-Functions-InvocationId"))
		}
		seen = len(got)
	}
}

// As recorded, but ten times as fast.
func TestFunctionTimeoutKillsTheHandlerWithAllItsCalls(t *testing.T) {
	t.Parallel()
	r := load(t, "http-function-timeout")
	a := newApp(t, r)
	a.cfg.Settings["AzureFunctionsJobHost__functionTimeout"] = "00:00:00.4"
	a.cfg.Timing.TimeoutGrace = 200 * time.Millisecond
	a.plan(plan{Answers: answers{{Status: 200, DelayMs: 10000}}})
	host := a.start()
	require.NoError(t, host.Ready(t.Context())) // its start would count
	slow, neighbour := make(chan string, 1), make(chan string, 1)
	begin := time.Now()
	go func() { slow <- a.get("/api/ok").status() }()
	a.requests(1)
	go func() { neighbour <- a.get("/api/other").status() }()
	a.requests(2)
	require.Equal(t, "500", <-slow)
	require.GreaterOrEqual(t, time.Since(begin), 600*time.Millisecond)
	require.Equal(t, "500", <-neighbour)
	a.plan(plan{Answers: answers{{Status: 200}}})
	require.NoError(t, host.Ready(t.Context()))
	require.Equal(t, "200", a.get("/api/ok").status())
	a.logs.await(t, "exceeded by function 'Functions.ok'")
	starts := a.events("start")
	require.Len(t, starts, 2)
	require.NotEqual(t, starts[0].PID, starts[1].PID)
}

// In the host's source the wait for the worker is within the invocation.
func TestWaitForTheHandlerCountsAgainstFunctionTimeout(t *testing.T) {
	t.Parallel()
	r := load(t, "http-function-timeout")
	a := newApp(t, r)
	a.cfg.Settings["AzureFunctionsJobHost__functionTimeout"] = "00:00:00.4"
	a.cfg.Timing.TimeoutGrace = 200 * time.Millisecond
	a.plan(plan{NeverListen: true})
	a.start()
	begin := time.Now()
	require.Equal(t, "500", a.get("/api/ok").status())
	require.GreaterOrEqual(t, time.Since(begin), 600*time.Millisecond)
	a.logs.await(t, "exceeded by function 'Functions.ok'")
	require.Empty(t, a.events("request"))
}

func TestHandlerIsNotToldThatTheCallerLeft(t *testing.T) {
	t.Parallel()
	r := load(t, "http-caller-goes-away")
	r.HandlerAnswer[0].DelayMs = 400
	a := newApp(t, r)
	host := a.start()
	c, err := net.Dial("tcp", strings.TrimPrefix(host.URL(), "http://"))
	require.NoError(t, err)
	_, err = c.Write([]byte("GET /api/ok HTTP/1.1\r\nHost: h\r\n\r\n"))
	require.NoError(t, err)
	a.requests(1)
	require.NoError(t, c.Close())
	a.logs.await(t, "Executed 'Functions.ok' (Succeeded")
}

// As in the recorded host, and in no other router: the first match by
// function name wins, whatever the templates are.
func TestRoutesAreTriedInTheOrderOfFunctionNames(t *testing.T) {
	t.Parallel()
	r := load(t, "http-route-prefix-v1")
	open := func(route string) json.RawMessage {
		return json.RawMessage(`{"bindings":[{"type":"httpTrigger","name":"req","authLevel":"anonymous","route":"` + route + `"},{"type":"http","direction":"out","name":"res"}]}`)
	}
	locked := json.RawMessage(strings.ReplaceAll(string(open("changes/all")), "anonymous", "admin"))
	r.HandlerAnswer = answers{{Status: 200}}
	var err error
	r.FunctionJSON, err = json.Marshal(map[string]json.RawMessage{
		"change": open("changes/{id}"), "list": locked,
		"number": open("n/{id:int}"), "rest": open("r/{*all}"), "maybe": open("m/{id?}"), "sized": open("s/{id:length(2,3)}"), "mixed": open("x/v{id}"),
		"u_locked": json.RawMessage(strings.ReplaceAll(string(open("u/{id}")), "anonymous", "admin")), "undo": open("u/{id}"),
	})
	require.NoError(t, err)
	a := newApp(t, r)
	a.start()
	for path, want := range map[string]string{
		"/v1/changes/all": "200", // list would have said 401
		"/v1/changes":     "404",
		"/v1/changes/a/b": "404",
		"/v1/n/7":         "200",
		"/v1/n/seven":     "404",
		"/v1/r":           "200",
		"/v1/r/a/b":       "200",
		"/v1/m":           "200",
		"/v1/m/7":         "200",
		"/v1/m/7/8":       "404",
		"/V1/M/7":         "200",
		"/v1/s/a":         "404",
		"/v1/s/%61b":      "200",
		"/v1/x/v1":        "404", // the function is in error
		"/v1/u/1":         "200", // "_" follows the letters, or u_locked would have said 401
	} {
		require.Equal(t, want, a.get(path).status(), path)
	}
}
