package simulation

import (
	"context"
	"strconv"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// next has people ask for what the slot's next step holds.
func (w *world) next(s *slot) {
	t := s.steps[s.at]
	together := len(t.wants) > 1 && w.random.IntN(3) == 0
	for _, want := range t.wants {
		if old := w.wants[want.id]; old != nil {
			want.asks = old.asks
		}
		w.wants[want.id] = want
		if !together {
			w.askSomehow(want)
		}
		if w.random.IntN(6) == 0 {
			w.askSomehow(want) // through another door, or twice through the same
		}
		if want.impostor {
			w.plan(between(w.random, time.Minute, 5*time.Minute), "impostor", func() { w.pose(want) })
			want.outstanding++
		}
	}
	if together {
		w.send(t.wants...)
	}
}

// askSomehow asks for a change through one of the doors.
func (w *world) askSomehow(want *want) {
	w.askThrough(want, []pim.CallerKind{pim.CallerKey, pim.CallerQueue}[w.random.IntN(2)])
}

func (w *world) askThrough(want *want, door pim.CallerKind) {
	if door == pim.CallerKey {
		want.outstanding++
		w.plan(between(w.random, 1, 10*time.Second), "call for "+want.id, func() { w.call(want) })
		return
	}
	w.send(want)
}

// send asks for changes with one message.
func (w *world) send(wants ...*want) {
	for _, want := range wants {
		want.outstanding++
		want.asks++
	}
	w.requests.send(wants[0].id+"/"+strconv.Itoa(wants[0].asks), asked(wants), 0)
}

// call is an HTTP call; whoever gets no answer calls again.
func (w *world) call(want *want) {
	ps := w.awake(time.Now())
	again := func() {
		w.plan(between(w.random, time.Second, 20*time.Second), "call again for "+want.id, func() { w.call(want) })
	}
	if len(ps) == 0 {
		again()
		return
	}
	p := ps[w.random.IntN(len(ps))]
	async := w.random.IntN(3) == 0
	want.asks++
	var err error
	w.start(p, "call for "+want.id, func(ctx context.Context) {
		caller := pim.Caller{Kind: pim.CallerKey, ID: "tester"}
		var c pim.Change
		if c, err = p.engine.Start(ctx, caller, want.request); err != nil {
			return
		}
		// The journal holds the change, and the resume timer carries it on.
		if async && !c.Ended() {
			_ = p.engine.Queue(ctx, c)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, httpBudget)
		defer cancel()
		_, _ = p.engine.Drive(ctx, caller, c.ID(), time.Now().Add(httpBudget-lastStep))
	}, func(died bool) {
		switch code := pim.CodeOf(err); {
		case died:
			again()
		case code == "", code == pim.CodeRefused, code == pim.CodeUnmet:
			w.answered(want)
		case code == pim.CodeConflict:
			w.watch.broken("%s: who asked first is told that the id is another's: %v", want.id, err)
		default:
			again()
		}
	})
}

// pose asks for something else under the id of a change: it must not be heard.
func (w *world) pose(want *want) {
	again := func() {
		w.plan(between(w.random, time.Second, 20*time.Second), "impostor again", func() { w.pose(want) })
	}
	ps := w.awake(time.Now())
	if len(ps) == 0 || w.watch.latest[want.id].ID() == "" {
		again()
		return
	}
	p := ps[w.random.IntN(len(ps))]
	other := want.request
	other.Justification = "something else"
	var err error
	w.start(p, "impostor of "+want.id, func(ctx context.Context) {
		_, err = p.engine.Start(ctx, pim.Caller{Kind: pim.CallerKey, ID: "tester"}, other)
	}, func(died bool) {
		switch code := pim.CodeOf(err); {
		case !died && err == nil:
			w.watch.broken("%s: another change was taken under this id", want.id)
		case !died && (code == pim.CodeConflict || code == pim.CodeRefused || code == pim.CodeUnmet):
			w.answered(want)
		default:
			again()
		}
	})
}

// answered notes that one ask has been dealt with.
func (w *world) answered(want *want) {
	want.outstanding--
	w.progress(want.slot)
}

// turned sees that a change has another state or is in another run.
func (w *world) turned(c pim.Change) {
	want := w.wants[c.ID()]
	if want == nil {
		w.watch.broken("%s: nobody asked for this", c.ID())
		return
	}
	if c.Generation > want.asks {
		w.watch.broken("%s: run %d begins, and it was asked for %d times", c.ID(), c.Generation, want.asks)
	}
	switch {
	case c.State == pim.AwaitingApproval && want.vote != silence:
		for _, v := range w.approvers[:1+w.random.IntN(2)] {
			w.plan(between(w.random, 10*time.Second, 20*time.Minute), "vote of "+want.id, func() { w.cast(want, v, c.Seal()) })
		}
	case c.Ended() && c.State != want.expect:
		if !unaccountable(c) {
			w.watch.broken("%s: it ended %s (%s), and not %s", c.ID(), c.State, text(c.Fault), want.expect)
			return
		}
		want.outstanding++
		w.plan(between(w.random, 20*time.Second, 3*time.Minute), "ask anew for "+want.id, func() {
			want.outstanding--
			w.askThrough(want, c.Caller.Kind) // another caller might only be told no
		})
	case c.Ended():
		w.plan(0, "progress of "+want.slot.name, func() { w.progress(want.slot) })
	}
}

// unaccountable reports whether a change failed because the audit log could not be
// written: that is how it must be, and one asks again.
func unaccountable(c pim.Change) bool {
	return c.State == pim.Failed && c.Fault.Code == pim.CodeInternal && c.Fault.Detail == "the audit log cannot be written"
}

// refusesLine has the audit log refuse the line that a step is to stumble over.
func (w *world) refusesLine(r pim.Record) bool {
	want := w.wants[r.Change]
	if want == nil || r.What != pim.AuditEffect || r.Kind != pim.Assignment {
		return false
	}
	s := want.slot
	return s.at < len(s.steps) && s.steps[s.at].refuses
}

// progress begins the slot's next step if nothing of this one is left.
func (w *world) progress(s *slot) {
	if s.at >= len(s.steps) {
		return
	}
	for _, want := range s.steps[s.at].wants {
		c := w.watch.latest[want.id]
		if want.outstanding > 0 || !c.Ended() || c.State != want.expect {
			return
		}
	}
	s.at++
	if s.at < len(s.steps) {
		w.plan(between(w.random, 1, 6*time.Minute), "next step of "+s.name, func() { w.next(s) })
	}
}

// cast has an approver vote, until there is an answer.
func (w *world) cast(want *want, approver, seal string) {
	again := func() {
		w.plan(between(w.random, time.Second, time.Minute), "vote again of "+want.id, func() { w.cast(want, approver, seal) })
	}
	ps := w.awake(time.Now())
	if len(ps) == 0 {
		again()
		return
	}
	p := ps[w.random.IntN(len(ps))]
	var err error
	w.start(p, "vote of "+want.id, func(ctx context.Context) {
		var c pim.Change
		c, err = p.engine.Vote(ctx, pim.Caller{Kind: pim.CallerUser, ID: approver}, want.id,
			pim.Ballot{Digest: seal, Approve: want.vote == approve, Why: "seen"})
		if err == nil {
			_ = p.engine.Queue(ctx, c) // otherwise the resume timer finds it
		}
	}, func(died bool) {
		switch code := pim.CodeOf(err); {
		case died:
			again()
		case code == "", code == pim.CodeConflict:
		default:
			again()
		}
	})
}
