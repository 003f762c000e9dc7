package handler

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Tick is one firing of a timer.
type Tick struct {
	Schedule struct {
		AdjustForDST bool
	}
	// ScheduleStatus is nil for a schedule oftener than once a minute, which the
	// host does not monitor, and where what the host said of it cannot be read.
	ScheduleStatus *ScheduleStatus
	IsPastDue      bool // the host was not running when this was due

	Metadata Metadata `json:"-"`
}

// ScheduleStatus is what the host remembers of a timer. A time that has not been
// yet is zero.
type ScheduleStatus struct {
	Last, Next, LastUpdated time.Time
}

func readTick(body io.Reader) (Tick, error) {
	e, err := readEnvelope(body)
	if err != nil {
		return Tick{}, err
	}
	v, err := e.trigger()
	if err != nil {
		return Tick{}, err
	}
	var sent struct {
		Tick
		ScheduleStatus json.RawMessage // in the place of Tick's
	}
	if err := json.Unmarshal(v, &sent); err != nil {
		return Tick{}, fmt.Errorf("decoding timer: %w", err)
	}
	t := sent.Tick
	t.ScheduleStatus, t.Metadata = readStatus(sent.ScheduleStatus), e.Metadata
	return t, nil
}

// readStatus returns nil for what it cannot read: a run by the schedule must not
// fail for what the host remembers of those before.
func readStatus(v json.RawMessage) *ScheduleStatus {
	var sent *struct{ Last, Next, LastUpdated string }
	if json.Unmarshal(v, &sent) != nil || sent == nil {
		return nil
	}
	var s ScheduleStatus
	for _, f := range []struct {
		text string
		into *time.Time
	}{{sent.Last, &s.Last}, {sent.Next, &s.Next}, {sent.LastUpdated, &s.LastUpdated}} {
		t, err := readTime(f.text)
		if err != nil {
			return nil
		}
		*f.into = t
	}
	return &s
}

// readTime reads a time of the host's; "" is the zero time. Older timer extensions
// leave out the zone of one that .NET takes for UTC ("0001-01-01T00:00:00").
func readTime(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05", s)
}
