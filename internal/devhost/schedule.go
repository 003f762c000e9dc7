package devhost

import (
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// schedule is an NCRONTAB expression or a TimeSpan.
type schedule struct {
	cron  *cron.SpecSchedule // nil: every
	every time.Duration
}

// anyDay marks a day field of a SpecSchedule as "*".
const anyDay = 1 << 63

// parseSchedule reads six fields (five: at second 0) or a TimeSpan.
func parseSchedule(text string) (schedule, error) {
	fields := strings.Fields(text)
	if len(fields) == 5 {
		fields = append([]string{"0"}, fields...)
	}
	// cron/v3 knows more than NCRONTAB does: "?", "TZ=" and "@every".
	if len(fields) == 6 && !strings.ContainsAny(text, "?=@") {
		p := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
		if parsed, err := p.Parse(strings.Join(fields, " ")); err == nil {
			spec := parsed.(*cron.SpecSchedule)
			spec.Location = time.UTC
			// NCRONTAB wants both days to match, Unix cron either; saying
			// that one of them is "*" makes cron/v3 want both.
			spec.Dom |= anyDay
			return schedule{cron: spec}, nil
		}
	}
	if every, err := parseTimeSpan(text); err == nil && every > 0 {
		return schedule{every: every}, nil
	}
	return schedule{}, hostSays("The schedule expression '" + text + "' was not recognized as a valid cron expression or timespan string.")
}

// next is the first occurrence after t.
func (s schedule) next(t time.Time) time.Time {
	if s.cron == nil {
		return t.Add(s.every)
	}
	return s.cron.Next(t.UTC())
}

// frequent reports whether the schedule, seen at now, is oftener than once a
// minute. Then the host keeps no status for it.
func (s schedule) frequent(now time.Time) bool {
	if s.cron == nil {
		return s.every < time.Minute
	}
	return s.next(s.next(now)).Before(now.Add(time.Minute))
}
