package devhost_test

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/devhost"
)

// life is hostDid of the recordings about the handler's life.
type life struct {
	Environment       map[string]string
	ReadinessRequests requests
	HandlerArgv       []string
	HandlerCwd        string
	HandlerStarts     int
	HostStillRuns     bool
	CallerSaw         *message
	Calls             []struct{ Status json.Number }
	HandlerEvents     []struct{ Ev string }
}

func (r recording) life(t *testing.T) (l life) {
	t.Helper()
	require.NoError(t, json.Unmarshal(r.HostDid, &l))
	return l
}

// brisk makes recorded times a tenth as long.
func brisk(ms int) int { return ms / 10 }

func TestHandlerIsStartedWithTheRecordedEnvironment(t *testing.T) {
	t.Parallel()
	r := load(t, "handler-start")
	want := r.life(t)
	a := newApp(t, r)
	// These the recording host was started with; they only show that its own
	// environment is handed on.
	for _, own := range []string{"AzureFunctionsJobHost__Logging__Console__IsEnabled", "AzureWebJobsSecretStorageType", "FUNCTIONS_LOG_PATH", "FUNCTIONS_SECRETS_PATH", "HOME"} {
		a.cfg.Environ = append(a.cfg.Environ, own+"="+want.Environment[own])
	}
	a.start()
	a.logs.await(t, "Worker process started and initialized.")
	start := a.events("start")[0]
	require.Equal(t, a.root, start.Cwd)
	got := map[string]string{}
	for _, pair := range start.Environ {
		name, value, _ := strings.Cut(pair, "=")
		require.NotContains(t, got, name)
		got[name] = value
	}
	require.Equal(t, "v", got["MY_SETTING"])
	require.Equal(t, got["FUNCTIONS_CUSTOMHANDLER_PORT"], got["FUNCTIONS_HTTPWORKER_PORT"], "even over a setting")
	delete(got, "MY_SETTING")
	delete(got, recorderDir)
	require.Equal(t, sorted(want.Environment), sorted(got))
	for name, value := range got {
		recorded := strings.NewReplacer("<root>", a.root).Replace(want.Environment[name])
		switch name {
		case "ASPNETCORE_URLS":
			require.Equal(t, a.host.URL(), value)
		case "FUNCTIONS_CUSTOMHANDLER_PORT", "FUNCTIONS_HTTPWORKER_PORT":
		default:
			require.Equal(t, ids.ReplaceAllString(recorded, "<id>"), ids.ReplaceAllString(value, "<id>"), name)
		}
	}
	polls := a.events("poll")
	require.Len(t, polls, len(want.ReadinessRequests))
	requireSame(t, want.ReadinessRequests[0], polls[0].Request)
}

func TestArgumentsAndDirectoryAreAsRecorded(t *testing.T) {
	t.Parallel()
	r := load(t, "handler-arguments-and-directory")
	want := r.life(t)
	a := newApp(t, r)
	require.NoError(t, os.Mkdir(filepath.Join(a.root, "sub"), 0o755))
	a.start()
	a.logs.await(t, "Worker process started and initialized.")
	start := a.events("start")[0]
	require.Equal(t, want.HandlerArgv, start.Argv)
	require.Equal(t, strings.Replace(want.HandlerCwd, "<root>", a.root, 1), start.Cwd)
}

func TestCallersWaitForASlowHandler(t *testing.T) {
	t.Parallel()
	r := load(t, "handler-listens-after-6s")
	a := newApp(t, r)
	a.plan(plan{ListenAfterMs: brisk(6000), Answers: answers{{Status: 200, Headers: [][2]string{{"Content-Type", "application/json"}}, Body: `{"ok":true}`}}})
	a.start()
	begin := time.Now()
	requireSame(t, r.life(t).CallerSaw, a.get("/api/ok"))
	require.GreaterOrEqual(t, time.Since(begin), 500*time.Millisecond)
}

func TestHandlerThatNeverListensEndsTheHostAtTheThirdTry(t *testing.T) {
	t.Parallel()
	r := load(t, "handler-never-listens")
	a := newApp(t, r)
	a.plan(plan{NeverListen: true})
	a.cfg.Timing.ListenWithin = 3 * time.Second // a busy machine must get to start it
	host := a.start()
	a.awaitEnd()
	require.Len(t, a.events("start"), len(r.life(t).HandlerEvents))
	require.ErrorContains(t, host.Err(), "the handler failed three times")
	a.logs.await(t, "Exceeded http worker restart retry count. Shutting down Functions Host")
}

// An executable that is not there, or cannot be run, is an error in the log;
// calls wait for ever and the host lives.
func TestCallsWaitForAHandlerThatCannotStart(t *testing.T) {
	for _, name := range []string{"handler-executable-missing", "handler-not-executable", "handler-exits-0-at-start", "handler-exits-1-three-times-at-start"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			a := newApp(t, r)
			if name == "handler-not-executable" {
				require.NoError(t, os.Remove(filepath.Join(a.root, "handler.sh")))
				a.write("handler.sh", "#!/bin/sh")
			}
			for i := range r.RecorderStart.Exits {
				r.RecorderStart.Exits[i].AfterMs = brisk(r.RecorderStart.Exits[i].AfterMs)
			}
			a.plan(r.RecorderStart)
			host := a.start()
			c, err := net.Dial("tcp", strings.TrimPrefix(host.URL(), "http://"))
			require.NoError(t, err)
			defer c.Close()
			_, err = c.Write([]byte("GET /api/ok HTTP/1.1\r\nHost: h\r\n\r\n"))
			require.NoError(t, err)
			if want := r.life(t); want.HandlerStarts > 0 {
				require.Eventually(t, func() bool { return len(a.events("start")) == want.HandlerStarts && host.PID() == 0 }, patience, 10*time.Millisecond)
			} else {
				a.logs.await(t, "Failed to start Worker Channel. Process fileName: ")
			}
			require.NoError(t, c.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
			_, err = c.Read(make([]byte, 1))
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
			require.True(t, r.life(t).HostStillRuns)
			select {
			case <-host.Done():
				t.Fatal("the host ended")
			default:
			}
		})
	}
}

// The first call finds the handler, then it exits; the recording says what
// the calls after that see.
func TestExitOfTheHandlerIsAsRecorded(t *testing.T) {
	for _, name := range []string{"handler-exits-0-later", "handler-exits-1-once", "handler-exits-1-three-times"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			want := r.life(t)
			require.Len(t, want.HandlerEvents, 2*want.HandlerStarts+len(r.RecorderStart.Exits))
			r.RecorderStart.Answers = answers{{Status: 200}}
			for i := range r.RecorderStart.Exits {
				r.RecorderStart.Exits[i].AfterMs = brisk(r.RecorderStart.Exits[i].AfterMs)
			}
			a := newApp(t, r)
			a.plan(r.RecorderStart)
			host := a.start()
			lives := 0
			for _, c := range want.Calls {
				if c.Status == "" {
					a.awaitEnd() // connection refused
					continue
				}
				require.Equal(t, c.Status.String(), a.get("/api/ok").status())
				if lives++; lives <= len(r.RecorderStart.Exits) {
					pid := a.events("start")[lives-1].PID
					require.Eventually(t, func() bool { return host.PID() != pid }, patience, time.Millisecond)
				}
			}
			require.Len(t, a.events("start"), want.HandlerStarts)
			select {
			case <-host.Done():
				require.False(t, want.HostStillRuns)
			default:
				require.True(t, want.HostStillRuns)
			}
		})
	}
}

// The host forgets its errors when the newest comes more than 30 minutes after
// the one before it, and not one by one.
func TestFailuresCountTogetherWhileTheyFollowEachOther(t *testing.T) {
	for name, c := range map[string]struct {
		minutes []int
		want    int
	}{
		"the first":                          {[]int{0}, 1},
		"three at once":                      {[]int{0, 0, 0}, 3},
		"three in 50 minutes":                {[]int{0, 25, 50}, 3},
		"three, each 30 minutes after":       {[]int{0, 30, 60}, 3},
		"after a long pause":                 {[]int{0, 31}, 1},
		"two, and one more after long":       {[]int{0, 25, 56}, 1},
		"two, one after long, and its third": {[]int{0, 25, 56, 57, 58}, 3},
	} {
		at := make([]time.Duration, len(c.minutes))
		for i, m := range c.minutes {
			at[i] = time.Duration(m) * time.Minute
		}
		require.Equal(t, c.want, devhost.FailuresThatCount(30*time.Minute, at...), name)
	}
}

func TestCallInFlightFailsWhenTheHandlerExitsZero(t *testing.T) {
	t.Parallel()
	r := load(t, "handler-exits-0-in-flight")
	zero := 0
	r.HandlerAnswer = answers{{Exit: &zero}}
	a := newApp(t, r)
	host := a.start()
	for _, c := range r.life(t).Calls {
		require.Equal(t, c.Status.String(), a.get("/api/ok").status())
	}
	require.Len(t, a.events("start"), 1)
	require.Eventually(t, func() bool { return host.PID() == 0 }, patience, time.Millisecond)
}

func TestKilledHandlerIsStartedAgain(t *testing.T) {
	t.Parallel()
	r := load(t, "handler-exits-1-once")
	a := newApp(t, r)
	a.plan(plan{Answers: answers{{Status: 200}}})
	host := a.start()
	require.NoError(t, host.Ready(t.Context()))
	before := host.PID()
	require.NoError(t, host.Kill())
	require.Eventually(t, func() bool { return host.PID() != before }, patience, time.Millisecond)
	require.Equal(t, "200", a.get("/api/ok").status())
	require.NotEqual(t, before, host.PID())
}

func TestConsoleLinesAreLoggedAsRecorded(t *testing.T) {
	t.Parallel()
	r := load(t, "answer-stdout")
	a := newApp(t, r)
	host := a.start()
	require.NoError(t, host.Fire(t.Context(), "sweep"))
	for _, stream := range []string{"stdout", "stderr"} {
		var want, got []logLine
		var did struct{ Log []logLine }
		require.NoError(t, json.Unmarshal(r.HostDid, &did))
		for _, line := range did.Log {
			if strings.HasPrefix(line.Category, "Host.Function.Console") && (stream == "stdout") == (line.Level == "Information") {
				want = append(want, line)
			}
		}
		require.NotEmpty(t, want)
		require.Eventually(t, func() bool {
			got = nil
			for _, line := range a.logs.lines(t) {
				line.Level = map[string]string{"INFO": "Information", "WARN": "Warning", "ERROR": "Error"}[line.Level]
				if line.Category == "Host.Function.Console" && (stream == "stdout") == (line.Level == "Information") {
					got = append(got, line)
				}
			}
			return len(got) >= len(want)
		}, patience, 10*time.Millisecond)
		require.Equal(t, want, got, stream)
	}
	line, found := a.logs.find(t, "x prefixed")
	require.True(t, found)
	require.Equal(t, "Worker.HttpWorkerProcess", line.Category)
}

// SIGTERM of the recorded host is Shutdown here.
func TestShutdownLetsCallsInFlightFinish(t *testing.T) {
	t.Parallel()
	r := load(t, "host-sigterm-http-in-flight-3s")
	r.HandlerAnswer[0].DelayMs = brisk(r.HandlerAnswer[0].DelayMs)
	a := newApp(t, r)
	host := a.start()
	saw := make(chan *message, 1)
	go func() { saw <- a.get("/api/ok") }()
	a.requests(1)
	pid := host.PID()
	host.Shutdown()
	var did struct{ InFlightCallerSaw *message }
	require.NoError(t, json.Unmarshal(r.HostDid, &did))
	// The server says "close" where the recorded one had passed the
	// handler's "keep-alive" on.
	got := <-saw
	require.Equal(t, did.InFlightCallerSaw.StatusLine, got.StatusLine)
	require.Equal(t, did.InFlightCallerSaw.Body, got.Body)
	require.False(t, alive(pid))
	_, err := net.Dial("tcp", strings.TrimPrefix(host.URL(), "http://"))
	require.Error(t, err)
}

func TestShutdownCutsCallsThatHang(t *testing.T) {
	t.Parallel()
	r := load(t, "host-sigterm-http-in-flight-20s")
	a := newApp(t, r)
	a.cfg.Timing.DrainHTTP = 200 * time.Millisecond
	host := a.start()
	c, err := net.Dial("tcp", strings.TrimPrefix(host.URL(), "http://"))
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte("GET /api/ok HTTP/1.1\r\nHost: h\r\n\r\n"))
	require.NoError(t, err)
	a.requests(1)
	pid := host.PID()
	host.Shutdown()
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
	require.False(t, alive(pid))
}

func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}
