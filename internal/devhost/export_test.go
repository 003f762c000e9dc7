package devhost

import "time"

// NextOccurrence is when the schedule fires after t.
func NextOccurrence(text string, t time.Time) (time.Time, error) {
	s, err := parseSchedule(text)
	if err != nil {
		return time.Time{}, err
	}
	return s.next(t), nil
}
