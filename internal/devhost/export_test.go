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

// FailuresThatCount is how many failures the host counts when the handler has
// failed at each of these times after its start.
func FailuresThatCount(window time.Duration, at ...time.Duration) (count int) {
	var f failures
	for _, t := range at {
		count = f.add(time.Unix(0, 0).Add(t), window)
	}
	return count
}
