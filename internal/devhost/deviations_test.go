package devhost_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deviation is where devhost is not as the recorded host was, and why.
type deviation struct{ what, why string }

// deviations is the whole list; docs/devhost.md has the same.
var deviations = []deviation{
	{"Header names", "Their order and letter case differ on both sides: Go's server hands them out so, and HTTP knows no difference."},
	{"Reason phrases", "A status that Go's server does not know gets the phrase \"status code\"; nobody may rely on phrases."},
	{"A length with 304", "Go's server sends no Content-Length with a 304; the recorded one sent 0."},
	{"Encoded paths", "A path goes on as the caller wrote it but for dot segments; what the host does to unneeded escapes was not recorded."},
	{"Envelope mode for HTTP", "A function that is not forwarded is in error: the envelope loses chunked bodies and follows redirects, so we never use it."},
	{"Route templates", "A segment that mixes text and parameters, and the constraints regex, datetime and decimal, put the function in error: none of ours has one."},
	{"Extension bundles", "Nothing is downloaded: devhost has Service Bus built in, but only for a host.json that names the bundle, as Azure would need it."},
	{"Service Bus", "Queues only, one message at a time: topics, sessions, batches and outputs put the function in error, so that none is taken for working."},
	{"Retry policies", "They put the function in error: on Service Bus they multiply with the deliveries and are going away."},
	{"One host", "There is no lock between hosts: two on one app fire a timer twice. Tests start many hosts and must not wait for each other."},
	{"Status of timers", "It is kept in a folder, or in memory for the life of the host, so that a timer runs without a storage account."},
	{"Time zone", "Schedules are in UTC whatever TZ or WEBSITE_TIME_ZONE say."},
	{"The handler at the end", "It is killed with the host; the recorded one was left behind when a queue or timer call hung. Tests must leave no process."},
	{"Keys", "There is one function key and one master key, given or made up at the start; no files, no key of a single function."},
	{"Admin API", "Only POST /admin/functions/<timer> is there; nothing of ours calls the rest."},
	{"Log", "Its main lines are worded as recorded; stack traces and the host's own start-up lines are not there."},
	{"Limits of Azure", "The front end's 230 s and its headers are not there, nor were they in the recordings."},
}

// deviates are the recordings of forwarded calls whose answer differs, by
// deviation.
var deviates = map[string]string{
	"http-forwarded-answer-299-reason": "Reason phrases",
	"http-forwarded-answer-304":        "A length with 304",
}

func TestDocumentationListsTheseDeviations(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "devhost.md"))
	require.NoError(t, err)
	_, list, found := strings.Cut(string(text), "\n## Where it differs\n")
	require.True(t, found)
	list, _, _ = strings.Cut(list, "\n## ")
	var documented []deviation
	for _, row := range regexp.MustCompile(`(?m)^\| (.+?) \| (.+) \|$`).FindAllStringSubmatch(list, -1) {
		documented = append(documented, deviation{row[1], row[2]})
	}
	require.NotEmpty(t, documented)
	require.Equal(t, deviations, documented[1:], "after the heading of the table")
	for _, what := range deviates {
		require.Contains(t, list, "| "+what+" |")
	}
}

func TestEveryRecordingIsReplayed(t *testing.T) {
	sources, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var names, prefixes []string
	for _, source := range sources {
		text, err := os.ReadFile(source)
		require.NoError(t, err)
		for _, literal := range regexp.MustCompile(`(named\(t, )?"([a-z0-9-]+)"`).FindAllStringSubmatch(string(text), -1) {
			if literal[1] != "" {
				prefixes = append(prefixes, literal[2])
			} else {
				names = append(names, literal[2])
			}
		}
	}
	for _, recording := range named(t, "") {
		if !strings.HasPrefix(recording, "servicebus-") && !strings.HasPrefix(recording, "http-forwarded-") {
			for _, prefix := range prefixes {
				if strings.HasPrefix(recording, prefix) && prefix != "" {
					names = append(names, recording)
				}
			}
			require.Contains(t, names, recording)
			continue
		}
		// Of these families some need a test of their own, by name.
		r := load(t, recording)
		if r.CallerRequest == nil && (r.Sent == nil || len(r.HostRequest) == 0) {
			require.Contains(t, names, recording)
		}
	}
}

// What follows shows the deviations that a recording contradicts.

func TestBundleThatCannotBeReachedDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := load(t, "extension-bundle-not-reachable")
	r.HandlerAnswer = answers{{Status: 200}}
	a := newApp(t, r)
	a.start()
	require.Equal(t, "200", a.get("/api/ok").status())
}

func TestRetryPoliciesPutAFunctionInError(t *testing.T) {
	for _, name := range []string{"timer-retry-fixed-delay", "timer-retry-exponential-then-ok", "servicebus-retry-policy-in-function-json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newApp(t, load(t, name))
			a.start()
			require.Contains(t, a.logs.await(t, "function is in error: ").Message, "no retry policies")
			require.Empty(t, a.events("start"))
		})
	}
}

func TestTimerNeedsNoStorage(t *testing.T) {
	t.Parallel()
	r := load(t, "timer-without-storage-monitored")
	require.Empty(t, r.HostRequest)
	a := newApp(t, r)
	a.at(time.Date(2026, 11, 22, 5, 59, 59, 800e6, time.UTC)) // every five minutes
	a.start()
	require.Contains(t, a.requests(1)[0].Body, `"Next":"2026-11-22T06:00:00+00:00"`)
}

func TestTwoHostsFireATimerTwice(t *testing.T) {
	for _, name := range []string{"timer-two-instances", "timer-two-instances-first-killed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			r.HandlerAnswer = answers{{Status: 200, Body: "{}", Headers: [][2]string{{"Content-Type", "application/json"}}}}
			a := newApp(t, r)
			a.at(time.Date(2026, 11, 22, 5, 57, 35, 500e6, time.UTC)) // every three seconds
			a.start()
			a.start()
			require.Eventually(t, func() bool {
				pids := map[int]bool{}
				for _, e := range a.events("request") {
					pids[e.PID] = true
				}
				return len(pids) == 2
			}, patience, 10*time.Millisecond)
		})
	}
}

func TestHandlerEndsWithTheHost(t *testing.T) {
	for _, name := range []string{"host-sigterm-idle", "host-sigterm-with-hanging-invocation"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			a := newApp(t, r)
			a.cfg.Timing.DrainJobs = 200 * time.Millisecond
			host := a.start()
			require.NoError(t, host.Ready(t.Context()))
			if len(r.HandlerAnswer) > 0 {
				a.requests(1)
			}
			pid := host.PID()
			host.Shutdown()
			require.False(t, alive(pid))
		})
	}
}
