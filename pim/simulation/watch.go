package simulation

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// watch sees everything that reaches ledger, audit log, outcomes and tenant, and
// holds it to what must be true at that very moment. It knows the engine by its
// effects alone.
type watch struct {
	world *world
	found []string // what was not true

	latest  map[string]pim.Change // as the ledger holds them
	holders map[string]holder     // who holds the lease of a change
	claims  int
	stored  map[intent]int // after how many claims the tenant stored a request
	lines   map[line]int   // of the audit log
	written map[string]bool
	events  map[string]pim.Event // outcomes that were sent, by id
	waits   int                  // changes with outcomes that were not sent
	open    int                  // changes that have not ended
}

// holder is who announced the effect of a change and has not come back.
type holder struct {
	task   *task
	worker string
	claim  int
}

// intent is one thing that a run of a change wants of PIM.
type intent struct {
	change     string
	generation int
	kind       pim.Kind
	verb       pim.RequestType
}

// line is what an audit record is about.
type line struct {
	change     string
	generation int
	what       pim.AuditKind
	kind       pim.Kind
	verb       pim.RequestType
	name       string
	allowed    bool
}

func newWatch(w *world) *watch {
	return &watch{world: w, latest: map[string]pim.Change{}, holders: map[string]holder{}, stored: map[intent]int{},
		lines: map[line]int{}, written: map[string]bool{}, events: map[string]pim.Event{}}
}

// broken notes that something was not true.
func (k *watch) broken(format string, args ...any) {
	v := fmt.Sprintf(format, args...)
	k.found = append(k.found, v)
	k.world.remark("NOT TRUE: %s", v)
}

// saved sees what the ledger has taken, c with its new version.
func (k *watch) saved(t *task, c pim.Change) {
	id := c.ID()
	old, known := k.latest[id]
	k.latest[id] = c
	now := time.Now()
	h, held := k.holders[id]
	other := held && h.task != t && now.Before(old.Lease.Until)
	switch {
	case c.Lease.Worker == "" && other:
		k.broken("%s: %s gave back a lease that %s holds", id, t.name, h.task.name)
	case c.Lease.Worker == "":
		delete(k.holders, id)
	case !held || c.Lease.Worker != h.worker:
		if other {
			k.broken("%s: %s took the lease while %s holds it", id, t.name, h.task.name)
		}
		k.claims++
		k.holders[id] = holder{t, c.Lease.Worker, k.claims}
	}
	if known && old.Ended() && c.Generation == old.Generation && (c.State != old.State || c.Step != old.Step) {
		k.broken("%s: it had ended %s, and is %s again", id, old.State, c.State)
	}
	for _, e := range c.Outbox {
		k.written[e.ID] = true
	}
	k.tally(old, c, known)
	if !known || c.Generation != old.Generation || c.State != old.State {
		k.world.turned(c)
	}
}

func (k *watch) tally(old, c pim.Change, known bool) {
	k.open += count(!c.Ended()) - count(known && !old.Ended())
	k.waits += count(len(c.Outbox) > 0) - count(known && len(old.Outbox) > 0)
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// audited sees a line of the audit log.
func (k *watch) audited(r pim.Record) {
	l := line{change: r.Change, generation: r.Generation, what: r.What, allowed: r.Allowed}
	if r.What == pim.AuditEffect {
		l.kind, l.verb, l.name = r.Kind, r.Type, r.Request
	}
	k.lines[l]++
}

// acting sees a call that is about to change the tenant.
func (k *watch) acting(t *task, e effect) {
	id, ok := k.heldBy(t)
	if !ok {
		k.broken("%s: PIM is asked by %s, who has not announced it in the journal, or has lost the change to another", short(e.name+e.mark), t.name)
		return
	}
	c, claim := k.latest[id], k.holders[id].claim
	if c.State != pim.Pending || c.Step != pim.StepSubmit || !e.is(c) {
		k.broken("%s: PIM is asked for what the journal does not announce: %+v", id, e)
		return
	}
	a := c.Effects[c.Current]
	if a.Tried == 0 {
		k.broken("%s: PIM is asked, and the journal does not say so", id)
	}
	if !c.Decision.Allowed {
		k.broken("%s: PIM is asked without an allowed decision in the journal", id)
	}
	if k.lines[line{change: id, generation: c.Generation, what: pim.AuditDecision, allowed: true}] == 0 {
		k.broken("%s: PIM is asked without an allowed decision in the audit log", id)
	}
	name := a.Name
	l := line{change: id, generation: c.Generation, what: pim.AuditEffect, kind: a.Kind, verb: a.Type, name: name, allowed: true}
	if k.lines[l] < a.Tried {
		k.broken("%s: PIM is asked for the %d. time with %d lines in the audit log", id, a.Tried, k.lines[l])
	}
	if after, ok := k.stored[intent{id, c.Generation, a.Kind, a.Type}]; ok && after < claim && !e.cancel {
		k.broken("%s: PIM is asked anew for %s %s, which it has", id, a.Type, a.Kind)
	}
}

// intended is what a task is about to have done, by the journal.
func (k *watch) intended(t *task) intent {
	id, ok := k.heldBy(t)
	if !ok {
		return intent{} // told already
	}
	c := k.latest[id]
	a := c.Effects[c.Current]
	return intent{id, c.Generation, a.Kind, a.Type}
}

// acted sees what the tenant answered, whether or not anybody else will.
func (k *watch) acted(i intent, e effect, status int) {
	if status/100 != 2 || e.cancel {
		return
	}
	if _, ok := k.stored[i]; ok {
		k.broken("%s: PIM has stored two requests for the same effect", i.change)
	}
	k.stored[i] = k.claims
}

// heldBy is the change that a task holds. It holds one at a time.
func (k *watch) heldBy(t *task) (string, bool) {
	last, id := 0, ""
	for change, h := range k.holders {
		if h.task == t && h.claim > last {
			last, id = h.claim, change
		}
	}
	return id, id != ""
}

// excuse lets a request be asked for anew that PIM stored behind everybody's back:
// perhaps between the look for it and the asking.
func (k *watch) excuse(i intent) { k.stored[i] = math.MaxInt }

// told sees an outcome that is sent.
func (k *watch) told(e pim.Event) {
	if e.Type == pim.EventInvalid {
		return // not about a change
	}
	if !k.written[e.ID] {
		k.broken("%s: the outcome %s was sent before the ledger knew of it", e.Subject, e.ID)
	}
	old, ok := k.events[e.ID]
	if ok && text(old) != text(e) {
		k.broken("%s: two outcomes with the id %s say different things", e.Subject, e.ID)
	}
	k.events[e.ID] = e
}

// final reports whether an outcome says that a run is over.
func final(t pim.EventType) bool {
	switch t {
	case pim.EventGranted, pim.EventEnded, pim.EventRefused, pim.EventFailed:
		return true
	}
	return false
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("simulation: " + err.Error())
	}
	return string(b)
}
