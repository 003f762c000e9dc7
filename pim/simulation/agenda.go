package simulation

import (
	"slices"
	"time"
)

// item is something that is to happen at a time, by nobody's doing: a caller asks, a
// timer fires, a process comes back.
type item struct {
	due  time.Time
	what string
	do   func()
	// idle marks what recurs for ever: a world may end while it is due.
	idle bool
}

// plan puts something on the agenda, d from now.
func (w *world) plan(d time.Duration, what string, do func()) {
	w.agenda = append(w.agenda, &item{due: time.Now().Add(d), what: what, do: do})
}

func (w *world) recur(d time.Duration, what string, do func()) {
	w.agenda = append(w.agenda, &item{due: time.Now().Add(d), what: what, idle: true, do: func() {
		w.recur(d, what, do)
		do()
	}})
}

// take removes an item from the agenda and does it.
func (w *world) take(i *item) {
	w.agenda = slices.DeleteFunc(w.agenda, func(o *item) bool { return o == i })
	i.do()
}
