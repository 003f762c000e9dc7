package handler

import (
	"encoding/json"
	"fmt"
	"time"
)

// Tick is one firing of a timer.
type Tick struct {
	Schedule struct {
		AdjustForDST bool
	}
	// ScheduleStatus is nil for a schedule oftener than once a minute, which the
	// host does not monitor.
	ScheduleStatus *ScheduleStatus
	IsPastDue      bool // the host was not running when this was due

	Metadata Metadata `json:"-"`
}

// ScheduleStatus is what the host remembers of a timer. A time that has not been
// yet is zero.
type ScheduleStatus struct {
	Last, Next, LastUpdated time.Time
}

func decodeTick(e Envelope) (Tick, error) {
	t := Tick{Metadata: e.Metadata}
	v, err := e.trigger()
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(v, &t); err != nil {
		return t, fmt.Errorf("decoding timer: %w", err)
	}
	return t, nil
}
