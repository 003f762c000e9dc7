package simulation

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"time"
)

// task is one goroutine of a process: an invocation of a function.
type task struct {
	id      int
	name    string
	process *process
	ended   func(died bool) // called by the director

	// at is where it stopped; ready is when it may go on, zero until the director has
	// seen it there.
	at    point
	ready time.Time
	turn  chan verdict

	finished bool
}

// point is a place where a task stops.
type point struct {
	system system
	what   string
	// after marks the way back from an effect, where only death can come in between.
	after bool
}

// verdict is what the director has in store for a task at a point.
type verdict struct {
	die   bool
	fault fault
}

type taskKey struct{}

// start begins a task. Only the director calls it.
func (w *world) start(p *process, name string, run func(context.Context), ended func(died bool)) *task {
	w.tasks++
	t := &task{id: w.tasks, name: name, process: p, ended: ended, turn: make(chan verdict)}
	p.tasks[t] = true
	w.note(t, "begins")
	go func() {
		defer w.leave(t)
		ctx, cancel := context.WithTimeout(p.ctx, invocationTimeout)
		defer cancel()
		run(context.WithValue(ctx, taskKey{}, t))
		t.finished = true
	}()
	return t
}

func (w *world) leave(t *task) {
	w.mu.Lock()
	w.left = append(w.left, t)
	w.mu.Unlock()
	w.ring()
}

// stop holds the calling task at a point until the director lets it go on, or ends
// its goroutine.
func (w *world) stop(ctx context.Context, at point) verdict {
	t := ctx.Value(taskKey{}).(*task)
	w.mu.Lock()
	if t.process.dead {
		w.mu.Unlock()
		runtime.Goexit()
	}
	t.at, t.ready = at, time.Time{}
	w.stopped = append(w.stopped, t)
	w.mu.Unlock()
	w.ring()
	v := <-t.turn
	if v.die {
		runtime.Goexit()
	}
	return v
}

// ring wakes the director.
func (w *world) ring() {
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// release lets a task go on.
func (w *world) release(t *task, v verdict) {
	w.mu.Lock()
	w.stopped = slices.DeleteFunc(w.stopped, func(s *task) bool { return s == t })
	w.mu.Unlock()
	t.turn <- v
}

// stoppedTasks are those at a point, in the order in which they began.
func (w *world) stoppedTasks() []*task {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.stopped, func(a, b *task) int { return cmp.Compare(a.id, b.id) })
	return slices.Clone(w.stopped)
}

// bury sees those off that have come to their end.
func (w *world) bury() {
	w.mu.Lock()
	left := w.left
	w.left = nil
	w.mu.Unlock()
	slices.SortFunc(left, func(a, b *task) int { return cmp.Compare(a.id, b.id) })
	for _, t := range left {
		delete(t.process.tasks, t)
		if t.ended != nil {
			t.ended(!t.finished)
		}
	}
}
