package devhost

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// timer fires one timerTrigger function, one invocation after the other.
type timer struct {
	host    *Host
	f       function
	monitor monitor
	watched bool // its status is kept
	status  status
}

// status is when a timer fired last and fires next.
type status struct {
	Last, Next, LastUpdated stamp
}

// timerInfo is what the function gets.
type timerInfo struct {
	Schedule       timerSchedule
	ScheduleStatus *status
	IsPastDue      bool
}

type timerSchedule struct{ AdjustForDST bool }

func (h *Host) newTimer(f function) *timer {
	t := &timer{host: h, f: f, monitor: h.monitor}
	t.watched = f.trigger.UseMonitor == nil || *f.trigger.UseMonitor
	t.watched = t.watched && !f.schedule.frequent(h.cfg.Now())
	return t
}

// run fires at once if an occurrence was missed while the host was away or
// function.json wants it at the start, then at every occurrence.
func (t *timer) run() {
	ctx := t.host.intake
	now := t.host.cfg.Now()
	due, err := t.resume(now)
	if err != nil {
		t.host.log.Error("The listener for function 'Functions."+t.f.name+"' was unable to start.", "category", "Host.Startup", "error", err)
		return
	}
	if due || t.f.trigger.RunOnStartup {
		t.fire(now, due, false)
	}
	for ctx.Err() == nil {
		// An occurrence that passed while the function ran is made up for.
		select {
		case <-time.After(time.Time(t.status.Next).Sub(t.host.cfg.Now())):
			t.fire(t.host.cfg.Now(), false, true)
		case <-ctx.Done():
		}
	}
}

// resume takes up the stored status and reports whether a stored occurrence
// has passed. A status that another schedule left is begun anew.
func (t *timer) resume(now time.Time) (due bool, err error) {
	t.status = status{Next: stamp(t.f.schedule.next(now))}
	if !t.watched {
		return false, nil
	}
	stored, found, err := t.monitor.load(t.f.name)
	switch {
	case err != nil:
		return false, err
	case !found:
		first := t.status
		first.LastUpdated = stamp(now)
		return false, t.monitor.save(t.f.name, first)
	}
	since := time.Time(stored.LastUpdated)
	expected := t.f.schedule.next(since)
	if !time.Time(stored.Next).Equal(expected) {
		if now.After(expected) {
			expected, since = t.f.schedule.next(now), now
		}
		stored = status{Next: stamp(expected), LastUpdated: stamp(since)}
		if err := t.monitor.save(t.f.name, stored); err != nil {
			return false, err
		}
	}
	t.status = stored
	return now.After(time.Time(stored.Next)), nil
}

// fire runs the function and then moves the status on.
func (t *timer) fire(at time.Time, pastDue, scheduled bool) {
	info := timerInfo{IsPastDue: pastDue}
	if t.watched {
		seen := t.status
		info.ScheduleStatus = &seen
	}
	_ = t.invoke(t.host.ctx, info, nil, "Timer fired at "+stamp(at).String()) // logged; the next occurrence comes anyway
	// A clock that runs ahead must not make one occurrence fire twice.
	if next := time.Time(t.status.Next); scheduled && next.After(at) {
		at = next
	}
	t.status = status{Last: stamp(at), Next: stamp(t.f.schedule.next(at)), LastUpdated: stamp(at)}
	if !t.watched || t.host.ctx.Err() != nil {
		return
	}
	if err := t.monitor.save(t.f.name, t.status); err != nil {
		t.host.log.Error("the timer's status was not stored", "category", "Host.Triggers.Timer", "error", err)
	}
}

// called fires for POST /admin/functions/<name>: with the stored status, not
// this timer's, and apart from the schedule.
func (t *timer) called(ctx context.Context, input string) error {
	info := timerInfo{}
	if t.watched {
		stored, found, err := t.monitor.load(t.f.name)
		if err != nil {
			return err
		}
		if found {
			info.ScheduleStatus = &stored
		}
	}
	text, err := twice(input)
	if err != nil {
		return err
	}
	return t.invoke(ctx, info, map[string]any{t.f.trigger.Name: text}, "This function was programmatically called via the host APIs.")
}

func (t *timer) invoke(ctx context.Context, info timerInfo, metadata map[string]any, reason string) error {
	info.Schedule.AdjustForDST = t.f.schedule.cron != nil
	e := envelope{Data: map[string]any{t.f.trigger.Name: info}, Metadata: map[string]any{"sys": newSys(t.f.name)}}
	for name, value := range metadata {
		e.Metadata[name] = value
	}
	id := uuid.NewString()
	err := t.host.invoke(ctx, t.f.name, id, reason, func(ctx context.Context) error {
		return t.host.post(ctx, t.f.name, id, e)
	})
	if err != nil {
		return fmt.Errorf("timer %s: %w", t.f.name, err)
	}
	return nil
}
