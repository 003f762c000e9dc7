package simtenant

import (
	"strings"
	"time"
)

// expiration is when an arrangement is to end, as it was asked for.
type expiration struct {
	kind     string // AfterDuration, AfterDateTime, NoExpiration; empty if not given
	duration string // as sent, since it is echoed
	end      time.Time
}

// window is the span of time of an arrangement; a zero end means for ever.
type window struct{ start, end time.Time }

// permanent reports whether w has no end.
func (w window) permanent() bool { return w.end.IsZero() }

// length is the time from start to end; zero if permanent.
func (w window) length() time.Duration {
	if w.permanent() {
		return 0
	}
	return w.end.Sub(w.start)
}

// from is w where it begins no earlier than now: a duration then counts from now,
// a date of end stays.
func (w window) from(now time.Time, byDuration bool) window {
	if late := now.Sub(w.start); late > 0 {
		w.start = now
		if byDuration {
			w.end = w.end.Add(late)
		}
	}
	return w
}

// startSlack is how far ahead a start may lie and still mean now: callers round
// their clocks.
const startSlack = 5 * time.Second

// minimum is the shortest arrangement and the least age at removal.
const minimum = 5 * time.Minute

// resolve makes a span of time of the schedule asked for.
func (e expiration) resolve(start, now time.Time) (window, *refusal) {
	if start.Before(now.Add(startSlack)) {
		start = now
	}
	w := window{start: start}
	switch {
	case strings.EqualFold(e.kind, "NoExpiration"):
		if e.duration != "" || !e.end.IsZero() {
			return w, badSchedule("The schedule has no expiration and must have neither duration nor end date.")
		}
		return w, nil
	case strings.EqualFold(e.kind, "AfterDuration"):
		d, ok := parseDuration(e.duration)
		if !ok || !e.end.IsZero() {
			return w, badSchedule("The schedule needs an ISO 8601 duration and no end date.")
		}
		w.end = start.Add(d)
	case strings.EqualFold(e.kind, "AfterDateTime"):
		if e.end.IsZero() || e.duration != "" {
			return w, badSchedule("The schedule needs an end date and no duration.")
		}
		w.end = e.end.UTC()
	default:
		return w, badSchedule("The schedule's expiration type is missing or unknown.")
	}
	if !w.end.After(w.start) {
		return w, badSchedule("The end of the schedule is not after its start.")
	}
	if w.length() < minimum {
		return w, errTooShort
	}
	return w, nil
}

// canonicalExpiration is the type of an expiration as ARM spells it.
func canonicalExpiration(kind string) any {
	for _, k := range []string{"AfterDuration", "AfterDateTime", "NoExpiration"} {
		if strings.EqualFold(k, kind) {
			return k
		}
	}
	return nil
}
