package simulation

import (
	"fmt"
	"maps"
	"slices"
	"testing/synctest"
	"time"
)

// direct is the director: it lets one thing happen after the other, until all is over
// or something was not true.
func (w *world) direct() {
	for {
		synctest.Wait()
		w.bury()
		now := time.Now()
		if len(w.watch.found) > 0 || w.over() {
			return
		}
		if now.After(w.climate.until.Add(patience)) {
			w.watch.broken("somebody waits for ever: %s", w.unfinished())
			return
		}
		if w.trouble(now) {
			continue
		}
		choices := w.choices(now)
		if len(choices) == 0 {
			w.rest(now)
			continue
		}
		w.steps++
		choices[w.random.IntN(len(choices))]()
	}
}

// over reports whether nothing is left to happen that matters.
func (w *world) over() bool {
	if w.watch.open > 0 || w.watch.waits > 0 || len(w.stopped) > 0 {
		return false
	}
	for _, q := range w.queues {
		if len(q.messages)+len(q.dead) > 0 {
			return false
		}
	}
	for _, p := range w.processes {
		if p == nil || len(p.tasks) > 0 {
			return false
		}
	}
	if slices.ContainsFunc(w.agenda, func(i *item) bool { return !i.idle }) {
		return false
	}
	for _, s := range w.slots {
		if s.at < len(s.steps) {
			w.watch.broken("%s: nobody was heard who asked for %s", s.name, s.steps[s.at].wants[0].id)
		}
	}
	return true
}

// unfinished lists what over waits for.
func (w *world) unfinished() string {
	s := fmt.Sprintf("%d changes, %d with outcomes to send", w.watch.open, w.watch.waits)
	for _, id := range slices.Sorted(maps.Keys(w.watch.latest)) {
		c := w.watch.latest[id]
		if !c.Ended() || len(c.Outbox) > 0 {
			s += fmt.Sprintf("; %s is %s at %s since %s", id, c.State, c.Step, c.Since.Sub(w.began))
		}
	}
	for _, q := range w.queues {
		s += fmt.Sprintf("; %d messages in %s", len(q.messages)+len(q.dead), q.name)
	}
	for _, i := range w.agenda {
		if !i.idle {
			s += "; " + i.what
		}
	}
	return s
}

// trouble draws whether something befalls a whole process, or time itself.
func (w *world) trouble(now time.Time) bool {
	if !now.Before(w.climate.until) {
		return false
	}
	busy := slices.DeleteFunc(w.awake(now), func(p *process) bool { return len(p.tasks) == 0 })
	if len(busy) == 0 {
		return false
	}
	p := busy[w.random.IntN(len(busy))]
	switch x := w.random.Float64(); {
	case x < w.climate.crash:
		w.deaths++
		w.crash(p)
	case x < w.climate.crash+w.climate.freeze:
		w.freeze(p)
	case x < w.climate.crash+w.climate.freeze+w.climate.jump:
		d := between(w.random, time.Second, 2*time.Minute)
		w.remark("the tenant's clock jumps %s ahead", d.Round(time.Second))
		w.tenant.Advance(d)
	default:
		return false
	}
	return true
}

// choices are the things that could happen next.
func (w *world) choices(now time.Time) []func() {
	var out []func()
	for _, t := range w.stoppedTasks() {
		if t.ready.IsZero() {
			t.ready = now.Add(w.climate.takes(w.random, t.at.system, now))
		}
		if !now.Before(t.ready) && !now.Before(t.process.frozen) {
			out = append(out, func() {
				v := verdict{fault: w.climate.befalls(w.random, t.at.system, now)}
				w.note(t, t.at.what+" "+string(v.fault))
				w.release(t, v)
			})
		}
	}
	if hands := w.hands(now); len(hands) > 0 {
		for _, q := range w.queues {
			for _, m := range q.ready(now) {
				out = append(out, func() { w.deliver(hands[w.random.IntN(len(hands))], q, m) })
			}
		}
	}
	for _, i := range w.agenda {
		if !now.Before(i.due) {
			out = append(out, func() { w.take(i) })
		}
	}
	return out
}

// rest lets time pass until something can happen again.
func (w *world) rest(now time.Time) {
	next := w.climate.until.Add(patience + time.Second)
	soonest := func(t time.Time) {
		if t.After(now) && t.Before(next) {
			next = t
		}
	}
	for _, t := range w.stoppedTasks() {
		soonest(t.ready)
	}
	for _, p := range w.processes {
		if p != nil {
			soonest(p.frozen)
		}
	}
	for _, q := range w.queues {
		soonest(q.next(now))
	}
	for _, i := range w.agenda {
		soonest(i.due)
	}
	timer := time.NewTimer(next.Sub(now))
	defer timer.Stop()
	select {
	case <-w.bell:
	case <-timer.C:
	}
}
