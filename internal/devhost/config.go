package devhost

import (
	"cmp"
	"log/slog"
	"os"
	"time"
)

// Config says what to host. Only Root is needed.
type Config struct {
	Root     string            // the function app: the folder of host.json
	Addr     string            // where to listen; "" is 127.0.0.1:7071, port 0 any free one
	Settings map[string]string // the app settings
	Environ  []string          // the host's own environment as "name=value"; nil is os.Environ()
	Keys     Keys
	Log      *slog.Logger // nil discards

	HandlerPath string // runs instead of host.json's defaultExecutablePath
	StateDir    string // keeps the status of timers between starts; "" forgets it

	// Now is the clock of schedules; nil is time.Now. Waiting takes real time.
	Now func() time.Time

	Timing Timing
}

// Timing holds the host's durations. A zero one is as recorded from the host.
type Timing struct {
	ListenWithin  time.Duration // the handler must answer GET / by then: 30 s
	PollEvery     time.Duration // between two GET /: 25 ms
	RestartWindow time.Duration // failures no farther apart count together, and the third ends the host: 30 min
	TimeoutGrace  time.Duration // from functionTimeout to the handler's death: 2 s
	DrainHTTP     time.Duration // HTTP calls in flight may last as long after Shutdown: 30 s
	DrainJobs     time.Duration // then timers and messages as long: 10 s
	QueueRetry    time.Duration // pause after a queue could not be read: 1 s
}

// maxFailures is how many failures of the handler end the host.
const maxFailures = 3

func (c Config) filled() Config {
	c.Addr = cmp.Or(c.Addr, "127.0.0.1:7071")
	c.Keys = c.Keys.filled()
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if c.Environ == nil {
		c.Environ = os.Environ()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Timing = Timing{
		ListenWithin:  cmp.Or(c.Timing.ListenWithin, 30*time.Second),
		PollEvery:     cmp.Or(c.Timing.PollEvery, 25*time.Millisecond),
		RestartWindow: cmp.Or(c.Timing.RestartWindow, 30*time.Minute),
		TimeoutGrace:  cmp.Or(c.Timing.TimeoutGrace, 2*time.Second),
		DrainHTTP:     cmp.Or(c.Timing.DrainHTTP, 30*time.Second),
		DrainJobs:     cmp.Or(c.Timing.DrainJobs, 10*time.Second),
		QueueRetry:    cmp.Or(c.Timing.QueueRetry, time.Second),
	}
	return c
}
