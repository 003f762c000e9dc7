package simulation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// What the functions do at their doors; see package functions.
const (
	httpBudget  = 25 * time.Second
	lastStep    = 5 * time.Second
	queueBudget = 10 * time.Second
	queueLimit  = time.Minute
	// mostAttempts is how often a message is sent again.
	mostAttempts = 50
	// concurrency is how many messages a process has in hand at once: few enough for
	// them to wait for each other, enough to meet.
	concurrency = 3
)

// hands are the processes that can take another message.
func (w *world) hands(now time.Time) []*process {
	var out []*process
	for _, p := range w.awake(now) {
		if p.busy < concurrency {
			out = append(out, p)
		}
	}
	return out
}

// deliver gives a message to a process, as the host does: locked, and settled by what
// comes of the invocation.
func (w *world) deliver(p *process, q *queue, m *message) {
	if !q.deliver(m) {
		w.remark("%s of %s becomes a dead letter", m.id, q.name)
		w.plan(between(w.random, 5*time.Minute, 20*time.Minute), "resubmit "+m.id, func() { w.resubmit(q, m) })
		return
	}
	// A message that was done may come again: what says so can get lost as well.
	again := time.Now().Before(w.climate.until) && w.random.Float64() < w.climate.duplicate
	expires := between(w.random, 1, lockFor)
	lock := m.lock
	p.busy++
	done := false
	wants, _ := m.body.(asked)
	for _, want := range wants {
		want.outstanding++ // one who stands still may yet act on it, when others have long been done
	}
	m.holder = w.start(p, fmt.Sprintf("%s (%d) of %s", m.id, m.deliveries, q.name), func(ctx context.Context) {
		err := w.function(ctx, p.engine, m)
		w.stop(ctx, point{what: "settle", after: true})
		switch {
		case err != nil:
			q.abandon(m, lock)
		case again:
			q.orphan(m, lock, time.Now().Add(expires))
		default:
			done = q.complete(m, lock)
		}
	}, func(bool) {
		p.busy--
		for _, want := range wants {
			if w.answered(want); done {
				w.answered(want)
			}
		}
	})
}

// resubmit is an operator who sends a dead letter again, under another id.
func (w *world) resubmit(q *queue, m *message) {
	for i, d := range q.dead {
		if d == m {
			q.dead = append(q.dead[:i], q.dead[i+1:]...)
			if a, ok := m.body.(asked); ok {
				for _, want := range a {
					want.asks++ // whoever sends it again wants it again
				}
			}
			q.send(m.id+"'", m.body, 0)
			return
		}
	}
}

// function is the function behind a queue.
func (w *world) function(ctx context.Context, e *pim.Engine, m *message) error {
	switch body := m.body.(type) {
	case asked:
		return w.later(ctx, w.requests, m, w.takeRequest(ctx, e, m, body))
	case pim.Continuation:
		return w.later(ctx, w.changes, m, drive(ctx, e, pim.Caller{Kind: pim.CallerQueue, ID: changesQueue}, body.Change))
	}
	panic("simulation: a message of an unknown kind")
}

func (w *world) takeRequest(ctx context.Context, e *pim.Engine, m *message, a asked) error {
	caller := pim.Caller{Kind: pim.CallerQueue, ID: requestsQueue, Message: strconv.Itoa(m.sequence)}
	var started []pim.Change
	var again error // one that has to come again keeps none of the others back
	for i, want := range a {
		c, err := e.Start(ctx, caller, want.request)
		switch retry, _ := pim.RetryOf(err); {
		case err == nil:
			started = append(started, c)
		case retry == pim.RetryNever || retry == pim.StepUp:
			err = e.Outbox.Publish(ctx, pim.InvalidEvent(pim.Misfit{Queue: requestsQueue, Message: m.id, Sequence: caller.Message, Element: i + 1}, err, time.Now()))
		}
		if again == nil {
			again = err
		}
	}
	if len(a) > 1 {
		return errors.Join(e.Queue(ctx, started...), again)
	}
	for _, c := range started {
		again = drive(ctx, e, caller, c.ID())
	}
	return again
}

// drive takes a change as far as one invocation of a queue should.
func drive(ctx context.Context, e *pim.Engine, caller pim.Caller, id string) error {
	ctx, cancel := context.WithTimeout(ctx, queueLimit)
	defer cancel()
	_, err := e.Drive(ctx, caller, id, time.Now().Add(queueBudget))
	return err
}

// later sends a message to its queue again, for a later time; only where that cannot
// be done does the invocation fail.
func (w *world) later(ctx context.Context, q *queue, m *message, err error) error {
	if err == nil {
		return nil
	}
	next := m.attempt + 1
	sendErr := w.ask(ctx, theOutbox, "send again "+m.id, func() error {
		id := "later/" + strconv.Itoa(m.sequence) + "/" + strconv.Itoa(next)
		again := q.send(id, m.body, min(5*time.Second<<min(m.attempt, 6), 5*time.Minute))
		if again == nil {
			return nil
		}
		again.sequence, again.attempt = m.sequence, next
		wants, _ := m.body.(asked)
		for _, want := range wants {
			want.outstanding++
		}
		return nil
	})
	if next > mostAttempts || sendErr != nil {
		return holdBack(ctx, m.deliveries, err)
	}
	return nil
}

// holdBack keeps an answer back that would have the message delivered again at once.
func holdBack(ctx context.Context, deliveries int, err error) error {
	t := time.NewTimer(min(time.Second<<min(max(deliveries, 1), 7), 2*time.Minute))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return err
}

// resume is the timer: one process of the app runs it.
func (w *world) resume() {
	ps := w.awake(time.Now())
	if len(ps) == 0 {
		return // the host runs what it missed with the next tick
	}
	p := ps[w.random.IntN(len(ps))]
	w.start(p, "resume", func(ctx context.Context) {
		done, err := p.engine.Resume(ctx, time.Now().Add(time.Minute))
		w.note(ctx.Value(taskKey{}).(*task), fmt.Sprintf("resumed %+v %v", done, err))
	}, nil)
}
