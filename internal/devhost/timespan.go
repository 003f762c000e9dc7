package devhost

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var timeSpan = regexp.MustCompile(`^(?:(\d{1,8})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$`)

// parseTimeSpan reads a positive .NET TimeSpan, "[d.]hh:mm[:ss[.fffffff]]" or
// whole days "d".
func parseTimeSpan(text string) (time.Duration, error) {
	if days, err := strconv.ParseUint(text, 10, 16); err == nil {
		return time.Duration(days) * 24 * time.Hour, nil
	}
	part := timeSpan.FindStringSubmatch(text)
	if part == nil {
		return 0, fmt.Errorf("%q is not a TimeSpan", text)
	}
	number := func(i int) time.Duration {
		n, _ := strconv.Atoi("0" + part[i])
		return time.Duration(n)
	}
	if number(2) > 23 || number(3) > 59 || number(4) > 59 {
		return 0, fmt.Errorf("%q is not a TimeSpan", text)
	}
	fraction, _ := strconv.ParseFloat("0."+part[5]+"0", 64)
	return number(1)*24*time.Hour + number(2)*time.Hour + number(3)*time.Minute + number(4)*time.Second +
		time.Duration(fraction*float64(time.Second)), nil
}
