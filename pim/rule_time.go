package pim

import (
	"strings"
	"time"
	_ "time/tzdata" // a rule's zone must mean the same on a host that has no zone files

	"go.yaml.in/yaml/v3"
)

// window is the days and hours of a rule, by the clock on the wall of its zone, so
// that eight o'clock stays eight o'clock when the clocks change.
type window struct {
	zone     *time.Location
	days     [7]bool // by time.Weekday
	from, to int     // minutes after midnight; to is not in; from > to runs over midnight
}

const dayMinutes = 24 * 60

// holds reports whether t lies in the window. Hours over midnight belong to the day
// on which they begin: friday 22:00 to 06:00 ends on saturday morning.
func (w *window) holds(t time.Time) bool {
	t = t.In(w.zone)
	day, minute := t.Weekday(), t.Hour()*60+t.Minute()
	if w.from < w.to {
		return w.days[day] && w.from <= minute && minute < w.to
	}
	return w.days[day] && minute >= w.from || w.days[(day+6)%7] && minute < w.to
}

// begins is when what r asks for would take effect.
func (r Request) begins(now time.Time) time.Time {
	if r.Start != nil && r.Start.After(now) {
		return *r.Start
	}
	return now
}

func (p *ruleParser) window(n *yaml.Node) *window {
	if n == nil {
		return nil
	}
	f := p.fields(n, "days", "from", "to", "zone")
	w := &window{zone: time.UTC, to: dayMinutes}
	p.texts(f["days"], func(item *yaml.Node, s string) string {
		for d := time.Sunday; d <= time.Saturday; d++ {
			if s == strings.ToLower(d.String()[:3]) {
				w.days[d] = true
				return s
			}
		}
		p.fail(item, "day %q is not mon, tue, wed, thu, fri, sat or sun", clip(s))
		return s
	})
	if f["days"] == nil {
		w.days = [7]bool{true, true, true, true, true, true, true}
	}
	switch {
	case f["days"] == nil && f["from"] == nil && f["to"] == nil:
		p.fail(n, "when needs days, or from and to")
	case (f["from"] == nil) != (f["to"] == nil):
		p.fail(n, "from and to go together")
	case f["from"] != nil:
		w.from, w.to = p.clock(f["from"]), p.clock(f["to"])
		if w.from == w.to || w.from == dayMinutes {
			p.fail(f["to"], "from and to leave no time between them")
		}
	}
	if f["zone"] == nil {
		p.fail(n, "when needs a zone, such as Europe/Berlin or UTC")
	}
	if s := p.text(f["zone"]); s != "" {
		zone, err := time.LoadLocation(s)
		// "Local" would be wherever the program happens to run.
		if err != nil || s == "Local" {
			p.fail(f["zone"], "zone %q is not in the IANA time zone database", clip(s))
			return w
		}
		w.zone = zone
	}
	return w
}

// clock reads a time of day, 00:00 to 24:00, as minutes after midnight.
func (p *ruleParser) clock(n *yaml.Node) int {
	s := p.text(n)
	if s == "24:00" {
		return dayMinutes
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != len("15:04") {
		p.fail(n, "time %q is not between 00:00 and 24:00, written with four digits", clip(s))
	}
	return t.Hour()*60 + t.Minute()
}
