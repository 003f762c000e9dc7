package devhost_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/devhost"
)

// at sets the host's clock to the moment of a recording.
func (a *app) at(moment time.Time) {
	ahead := time.Until(moment)
	a.cfg.Now = func() time.Time { return time.Now().Add(ahead) }
}

var scheduleStatus = regexp.MustCompile(`"ScheduleStatus":\{[^}]+\}`)

var recordedNow = regexp.MustCompile(`"UtcNow":"([^"]+)"`)

// fired is when the host sent the recorded timer request.
func fired(t *testing.T, m *message) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339Nano, recordedNow.FindStringSubmatch(m.Body)[1])
	require.NoError(t, err)
	return moment
}

// store writes the status that the recorded host had found in its storage.
func (a *app) store(m *message) {
	a.t.Helper()
	var e struct {
		Data struct {
			Timer struct{ ScheduleStatus json.RawMessage }
		}
	}
	require.NoError(a.t, json.Unmarshal([]byte(m.Body), &e))
	a.cfg.StateDir = a.t.TempDir()
	require.NoError(a.t, os.WriteFile(filepath.Join(a.cfg.StateDir, "sweep.json"), e.Data.Timer.ScheduleStatus, 0o644))
}

// Timers that fire by their schedule or at the start: the clock is put just
// before the recorded moment, so that even Next is the recorded one.
func TestTimersFireAsRecorded(t *testing.T) {
	for _, name := range []string{
		"timer-first", "timer-first-monitored", "timer-monitor-first-and-second", "timer-run-on-startup",
		"timer-schedule-five-fields", "timer-schedule-from-setting", "timer-schedule-invalid",
		"timer-schedule-setting-missing", "timer-below-one-minute-after-downtime", "timer-without-storage",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			a := newApp(t, r)
			a.at(fired(t, r.HostRequest[0]).Truncate(time.Second).Add(-300 * time.Millisecond))
			if name == "timer-schedule-five-fields" {
				a.store(r.HostRequest[0]) // it was past due
			}
			a.start()
			want := r.HostRequest[:min(2, len(r.HostRequest))]
			got := a.requests(len(want))
			for i := range want {
				requireSame(t, want[i], got[i])
			}
			var did found
			require.NoError(t, json.Unmarshal(r.HostDid, &did))
			for function, reason := range did.inError() {
				ours := a.logs.await(t, "The '"+function+"' function is in error: ").Message
				_, ours, _ = strings.Cut(ours, "in error: ")
				require.True(t, strings.HasSuffix(reason, ours), "%s\n%s", reason, ours)
			}
		})
	}
}

func TestTimerCalledThroughAdminIsAsRecorded(t *testing.T) {
	t.Parallel()
	r := load(t, "timer-admin-invoke")
	a := newApp(t, r)
	a.at(fired(t, load(t, "timer-run-on-startup").HostRequest[0]))
	a.start()
	a.requests(1) // runOnStartup
	a.logs.await(t, "Executed 'Functions.sweep' (Succeeded")
	// The status is stored a moment after that line.
	require.Eventually(t, func() bool {
		requireSame(t, r.CallerSaw, a.call(r.CallerRequest))
		requests := a.requests(len(a.events("request")))
		return sameJSON(requests[len(requests)-1].Body) == sameJSON(r.HostRequest[0].Body)
	}, patience, 50*time.Millisecond)
	got := a.requests(2)
	requireSame(t, r.HostRequest[0], got[len(got)-1])

	r.CallerRequest.Headers[2][1] = "FUNCKEY"
	require.Equal(t, "401", a.call(r.CallerRequest).status())
	r.CallerRequest.Headers[2][1] = "MASTERKEY"
	r.CallerRequest.Path = "/admin/functions/nosuch"
	require.Equal(t, "404", a.call(r.CallerRequest).status())
}

// Every recorded answer to a timer: whether the invocation succeeds, and what
// it leaves in the log.
func TestAnswersToATimerCountAsRecorded(t *testing.T) {
	for _, name := range named(t, "answer-") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := load(t, name)
			a := newApp(t, r)
			a.at(fired(t, r.HostRequest[0]))
			a.store(r.HostRequest[0])
			host := a.start()
			err := host.Fire(t.Context(), "sweep")
			got := a.requests(1)[0]
			requireSame(t, r.HostRequest[0], got)
			require.Equal(t, scheduleStatus.FindString(r.HostRequest[0].Body), scheduleStatus.FindString(got.Body), "to the last digit")
			var did found
			require.NoError(t, json.Unmarshal(r.HostDid, &did))
			for _, line := range did.Log {
				switch {
				case strings.Contains(line.Message, "Executed 'Functions.sweep' (Succeeded"):
					require.NoError(t, err)
				case strings.Contains(line.Message, "Executed 'Functions.sweep' (Failed"):
					require.Error(t, err)
				case strings.HasSuffix(line.Category, ".User"):
					require.Equal(t, line.Category, a.logs.await(t, line.Message).Category)
				}
			}
			require.Len(t, a.requests(1), 1, "a failed timer is not repeated")
		})
	}
}

// The recording watched a schedule of 3 s for 14 s.
func TestTimerIsDeadAfterAnEmptyAnswer(t *testing.T) {
	t.Parallel()
	r := load(t, "timer-answer-empty-200")
	a := newApp(t, r)
	a.at(fired(t, r.HostRequest[0]).Truncate(time.Second).Add(-100 * time.Millisecond))
	a.start()
	requireSame(t, r.HostRequest[0], a.requests(1)[0])
	require.Never(t, func() bool { return len(a.events("request")) > 1 }, 4*time.Second, 100*time.Millisecond)
}

// As recorded, but faster. The next occurrence has passed by then and fires
// at once, in another process.
func TestTimerThatRunsIntoFunctionTimeoutFiresAgain(t *testing.T) {
	t.Parallel()
	r := load(t, "timer-answer-after-function-timeout")
	a := newApp(t, r)
	a.cfg.Settings["AzureFunctionsJobHost__functionTimeout"] = "00:00:04"
	a.cfg.Timing.TimeoutGrace = 100 * time.Millisecond
	a.at(fired(t, r.HostRequest[0]).Truncate(time.Second).Add(-100 * time.Millisecond))
	a.start()
	got := a.requests(2)
	for i := range got {
		requireSame(t, r.HostRequest[i], got[i])
	}
	requests := a.events("request")
	require.NotEqual(t, requests[0].PID, requests[1].PID)
	a.logs.await(t, "Executed 'Functions.sweep' (Failed")
}

func TestStatusSurvivesTheHost(t *testing.T) {
	t.Parallel()
	r := load(t, "timer-run-on-startup")
	a := newApp(t, r)
	a.cfg.StateDir = t.TempDir()
	first := fired(t, r.HostRequest[0])
	a.at(first)
	a.start()
	stored := filepath.Join(a.cfg.StateDir, "sweep.json")
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(stored)
		return err == nil && strings.Contains(string(text), `"Last":"2026-11-22T05:58:0`)
	}, patience, 10*time.Millisecond)
	a.host.Close()
	a.at(first.Add(48 * time.Hour)) // 03:00 has passed twice
	a.start()
	got := a.requests(2)
	require.Contains(t, got[1].Body, `"Next":"2026-11-23T03:00:00+00:00"`)
	require.Contains(t, got[1].Body, `"IsPastDue":true`)
}

func TestSchedulesAreReadAsNCRONTAB(t *testing.T) {
	now := time.Date(2026, 11, 22, 5, 56, 33, 0, time.UTC) // a Sunday
	for text, want := range map[string]string{
		"*/5 * * * * *":    "2026-11-22 05:56:35",
		"0 0 3 * * *":      "2026-11-23 03:00:00",
		"*/1 * * * *":      "2026-11-22 05:57:00", // five fields
		"0 0 0 13 * 5":     "2027-08-13 00:00:00", // a Friday the 13th: both must match
		"0 0 0 * Dec Mon":  "2026-12-07 00:00:00",
		"00:10:00":         "2026-11-22 06:06:33",
		"1.00:00:00":       "2026-11-23 05:56:33",
		"@every 5s":        "",
		"TZ=UTC 0 0 3 * *": "",
		"0 0 0 ? * 5":      "",
		"0 0 25 * * *":     "",
		"25:00:00":         "",
		"* * *":            "",
		"":                 "",
		"not a schedule":   "",
	} {
		got, err := devhost.NextOccurrence(text, now)
		if want == "" {
			require.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, got.Format(time.DateTime), text)
	}
}
