package pim

import (
	"fmt"
	"strings"
	"time"

	"github.com/sosodev/duration"
)

// Duration is a length of time that is written as ISO 8601 does, like PT4H or
// P30D. The zero value means that none was given.
type Duration time.Duration

// MaxDuration bounds every Duration: ten years, far above PIM's longest
// eligibility and far below the overflow of a [time.Duration].
const MaxDuration = Duration(3650 * 24 * time.Hour)

// ParseDuration reads an ISO 8601 duration of weeks, days, hours, minutes and
// whole seconds. Years and months are refused: their length depends on the
// calendar, and Graph has no such durations.
func ParseDuration(s string) (Duration, error) {
	bad := func(why string) (Duration, error) {
		return 0, invalid("duration", "duration %q %s", clip(s), why)
	}
	if len(s) > 40 || !strings.HasPrefix(s, "P") || strings.HasSuffix(s, "P") || strings.HasSuffix(s, "T") {
		return bad("is not an ISO 8601 duration such as PT4H")
	}
	d, err := duration.Parse(s)
	if err != nil {
		return bad("is not an ISO 8601 duration such as PT4H")
	}
	if d.Years != 0 || d.Months != 0 {
		return bad("uses years or months; write days")
	}
	seconds := d.Seconds + 60*(d.Minutes+60*(d.Hours+24*(d.Days+7*d.Weeks)))
	switch {
	case d.Negative || seconds <= 0:
		return bad("is not longer than nothing")
	case seconds > time.Duration(MaxDuration).Seconds():
		return bad("is longer than ten years")
	case seconds != float64(int64(seconds)):
		return bad("has a fraction of a second")
	}
	return Duration(time.Duration(int64(seconds)) * time.Second), nil
}

// String writes d in whole days where it is that, else in hours, minutes and
// seconds: P30D, PT1H30M. The zero Duration is PT0S.
func (d Duration) String() string {
	const day = Duration(24 * time.Hour)
	if d > 0 && d%day == 0 {
		return fmt.Sprintf("P%dD", d/day)
	}
	t := time.Duration(d)
	var b strings.Builder
	b.WriteString("PT")
	for _, u := range []struct {
		unit time.Duration
		mark byte
	}{{time.Hour, 'H'}, {time.Minute, 'M'}, {time.Second, 'S'}} {
		if n := t / u.unit; n != 0 || u.mark == 'S' && b.Len() == 2 {
			fmt.Fprintf(&b, "%d%c", n, u.mark)
			t %= u.unit
		}
	}
	return b.String()
}

// MarshalText writes d as [Duration.String] does, and nothing for zero.
func (d Duration) MarshalText() ([]byte, error) {
	if d == 0 {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *Duration) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*d = 0
		return nil
	}
	*d, err = ParseDuration(string(b))
	return err
}
