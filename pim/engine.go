package pim

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Engine takes a Request to its end: it decides, records, then acts, one step at a
// time. Every step is safe to repeat, and what it needs to go on after a crash is
// in the ledger.
type Engine struct {
	Tenant string // tenant id: part of the names under which ARM learns of our requests
	Client *Client
	Ledger Ledger
	Audit  Sink
	Outbox Outbox // nil: nothing is sent, and Resume carries on what waits
	Guard  Guard
	// Lease is how long a change stays with a worker that has announced an effect
	// and not come back: it may have died. Zero is DefaultLease.
	Lease time.Duration
	// Rules returns the rules in force. An error, or nil rules, allows nothing.
	Rules func(context.Context) (*Rules, error)
	// As returns a Client that acts with the token of a user; nil if the app has no
	// way to do so, and then nobody activates in mode self.
	As func(ctx context.Context, token string) (*Client, error)
	// Log takes what callers are not told.
	Log *slog.Logger
	// Trace is the trace id of ctx for the audit log; nil if there is none.
	Trace func(context.Context) string
}

// Outbox carries what the engine has to say to queues. Both may be asked twice for
// the same: messages have ids by which the queue drops the second.
type Outbox interface {
	// Continue has changes taken further, each after its own time.
	Continue(ctx context.Context, cs ...Continuation) error
	// Publish tells outcomes to whoever listens.
	Publish(ctx context.Context, events ...Event) error
}

// Continuation is the message that drives a Change on: a cursor into the ledger,
// which holds everything else.
type Continuation struct {
	Change     string `json:"change"`
	Generation int    `json:"generation"`
	Step       Step   `json:"step"`
	Tries      int    `json:"tries"`
	Nonce      string `json:"nonce,omitempty"` // of a resumption, which must not be dropped as a duplicate

	After time.Duration `json:"-"` // when the message is to arrive
}

const (
	// DefaultLease is longer than any one call to the services, retries included:
	// three tries of a minute, and the waits between them.
	DefaultLease = 3*time.Minute + 30*time.Second
	// writeFor bounds one write of the journal.
	writeFor = 30 * time.Second
	// giveUp ends a change that only ever meets passing faults.
	giveUp = 2 * time.Hour
	// giveUpMissing ends a change whose principal or role stays unknown: terraform
	// waits ten minutes for replication.
	giveUpMissing = 10 * time.Minute
	// decisionHolds is how long a decision may wait for its effect: twice as long as
	// the five minutes after which an assignment may be ended.
	decisionHolds = 10 * time.Minute
	// mostHeard bounds how many messages a change remembers: the queue delivers none
	// as late as that.
	mostHeard = 32
	// lookAgain is how long a lost race waits before it reads the winner's work.
	lookAgain = 2 * time.Second
)

// Start puts a request into the ledger, or finds the change that the same id named
// before. Nothing is decided, and the tenant not asked, until [Engine.Advance]. Its
// error has CodeConflict if the id names another change.
func (e *Engine) Start(ctx context.Context, caller Caller, r Request) (Change, error) {
	const op = "Engine.Start"
	if r.ID == "" {
		r.ID = uuid.NewString()
	}
	now := time.Now().UTC()
	c := Change{Request: r, Digest: r.digest(), Caller: caller, Generation: 1, State: Pending, Created: now, Updated: now}
	c.Heard = heard(nil, caller)
	c.enter(StepDecide, now)
	old, err := e.Ledger.Load(ctx, r.ID)
	switch {
	case CodeOf(err) == CodeNotFound:
		saved, err := e.Ledger.Save(ctx, c)
		if CodeOf(err) != CodeConflict {
			return saved, at(op, err)
		}
		// Another delivery of the same was faster.
		if old, err = e.Ledger.Load(ctx, r.ID); err != nil {
			return Change{}, at(op, err)
		}
	case err != nil:
		return Change{}, at(op, err)
	}
	return e.again(ctx, caller, c, old)
}

// again is Start for an id that the ledger knows.
func (e *Engine) again(ctx context.Context, caller Caller, c, old Change) (Change, error) {
	const op = "Engine.Start"
	if old.Digest != c.Digest {
		return Change{}, &Error{Op: op, Code: CodeConflict, Field: "id", Detail: "this id names another change already"}
	}
	if old.Caller.String() != caller.String() {
		// What was allowed to one caller says nothing about another.
		d, err := e.Plan(ctx, caller, c.Request)
		if err != nil {
			return Change{}, at(op, err)
		}
		if !d.Allowed {
			return Change{}, d.err(op)
		}
	}
	if old.State != Refused && old.State != Failed {
		return old, nil
	}
	if caller.Message != "" && slices.Contains(old.Heard, caller.Message) {
		return old, nil // what it asked for has been tried
	}
	// Nothing stands of a refusal or a failure: the same request is another run.
	c.Generation, c.Created, c.Version, c.Outbox = old.Generation+1, old.Created, old.Version, old.Outbox
	c.Heard = heard(old.Heard, caller)
	saved, err := e.Ledger.Save(ctx, c)
	if CodeOf(err) != CodeConflict {
		return saved, at(op, err)
	}
	// Somebody else has begun another run, or has only sent the outcomes of this one.
	if old, err = e.Ledger.Load(ctx, c.ID()); err != nil {
		return Change{}, at(op, err)
	}
	return e.again(ctx, caller, c, old)
}

// heard adds the message that begins a run to those that began others.
func heard(before []string, caller Caller) []string {
	if caller.Message == "" {
		return before
	}
	return append(slices.Clone(before[max(0, len(before)+1-mostHeard):]), caller.Message)
}

// Advance takes the change one step further, on behalf of whoever drives it; only
// caller's token matters, and only to a change in mode self. It may be called again
// at any time and from anywhere: a change that another worker has in hand, or that
// is not due, comes back as it is, with Due set. Its error means that the journal
// cannot be read or written, so nothing was done.
func (e *Engine) Advance(ctx context.Context, caller Caller, id string) (Change, error) {
	const op = "Engine.Advance"
	c, err := e.Ledger.Load(ctx, id)
	if err != nil {
		return Change{}, at(op, err)
	}
	now := time.Now().UTC()
	if c.Ended() || now.Before(c.Due) {
		return c, nil
	}
	if now.Before(c.Lease.Until) {
		c.Due = c.Lease.Until
		return c, nil
	}
	w := &work{Engine: e, caller: caller, change: c, worker: uuid.NewString()}
	err = w.step(ctx)
	if err == nil {
		err = w.save(ctx)
	}
	switch {
	case errors.Is(err, errLost):
		if c, err = e.Ledger.Load(ctx, id); err != nil {
			return Change{}, at(op, err)
		}
		if !c.Ended() && c.Due.Before(now.Add(lookAgain)) {
			c.Due = now.Add(lookAgain)
		}
		return c, nil
	case err != nil:
		return w.change, at(op, err)
	}
	return w.change, nil
}

// work is one Advance of one change.
type work struct {
	*Engine
	caller Caller
	change Change
	worker string
}

// errLost says that another worker has the change: what this one did not write
// down, it must not do.
var errLost = errors.New("another worker has the change")

// save ends a step: it gives the lease back.
func (w *work) save(ctx context.Context) error {
	w.change.Lease = Lease{}
	return w.write(ctx)
}

// claim announces that an effect is about to be asked for, and keeps others away.
func (w *work) claim(ctx context.Context) error {
	w.change.Lease = Lease{Worker: w.worker, Until: time.Now().UTC().Add(w.lease())}
	return w.write(ctx)
}

func (w *work) write(ctx context.Context) error {
	// What was done must be written down, even if the invocation's time is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeFor)
	defer cancel()
	w.change.Updated = time.Now().UTC()
	c, err := w.Ledger.Save(ctx, w.change)
	if CodeOf(err) == CodeConflict {
		return errLost
	}
	if err != nil {
		return err
	}
	w.change = c
	return nil
}

// step does the next thing. What goes wrong with the tenant ends in the change; an
// error is about the journal alone.
func (w *work) step(ctx context.Context) error {
	if w.change.State == AwaitingApproval {
		w.expireApproval(ctx)
		return nil
	}
	if w.stale() {
		w.change.enter(StepDecide, time.Now().UTC())
	}
	switch w.change.Step {
	case StepDecide:
		return w.decide(ctx)
	case StepLook:
		w.look(ctx)
	case StepSubmit:
		return w.submit(ctx)
	case StepAwait:
		w.await(ctx)
	case StepConfirm:
		w.confirm(ctx)
	default:
		// A journal of another version: nothing is known, so nothing is done.
		w.fail(ctx, &Error{Code: CodeInternal, Detail: "the journal names an unknown step"})
	}
	return nil
}

// stale reports whether the change must be decided anew before it goes on: its
// decision is old, so that the rules or the facts may have changed, or everything
// has been stopped since. What may have been asked of PIM is first looked for.
func (w *work) stale() bool {
	c := &w.change
	switch {
	case c.Step == StepLook:
	case c.Step == StepSubmit && c.effect().Tried == 0:
	default:
		return false
	}
	return w.outdated()
}

func (w *work) outdated() bool {
	return w.Guard.Stopped || time.Since(w.change.Decision.At) > decisionHolds
}

// end finishes the change and says so.
func (w *work) end(ctx context.Context, s State, t EventType) {
	now := time.Now().UTC()
	w.change.State = s
	w.change.enter(StepEnd, now)
	w.change.tell(t, now)
	r := w.change.record(AuditEnd, now)
	if err := w.audit(ctx, r); err != nil {
		// The effect stands and the ledger knows it; there is nothing to undo.
		w.logger().ErrorContext(ctx, "the end of a change is missing from the audit log", "change", w.change.ID(), "error", err)
	}
}

func (w *work) fail(ctx context.Context, err error) {
	w.logger().WarnContext(ctx, "change failed", "change", w.change.ID(), "error", err)
	w.change.Fault = faultOf(err)
	w.end(ctx, Failed, EventFailed)
}

// later leaves the change in its step until asking again can help, or ends it if
// that cannot be.
func (w *work) later(ctx context.Context, err error) {
	c := &w.change
	retry, wait := RetryOf(err)
	now := time.Now().UTC()
	if c.Stuck.IsZero() {
		c.Stuck = now
	}
	spent := now.Sub(c.Stuck) > giveUp
	switch CodeOf(err) {
	case CodeNotFound, CodeConflict:
		if c.Missing.IsZero() {
			c.Missing = now
		}
		spent = spent || now.Sub(c.Missing) > giveUpMissing
	default:
		c.Missing = time.Time{} // while PIM is out of reach, nothing can appear or go
	}
	if retry == RetryNever || retry == StepUp || spent {
		w.fail(ctx, err)
		return
	}
	w.logger().InfoContext(ctx, "change waits", "change", c.ID(), "step", c.Step, "error", err)
	w.wait(max(wait, backoff(c.Tries)))
}

// wait keeps the step and looks again after d.
func (w *work) wait(d time.Duration) {
	w.change.Tries++
	w.change.Due = time.Now().UTC().Add(d)
}

// backoff doubles from two seconds to one minute.
func backoff(tries int) time.Duration {
	return min(2*time.Second<<min(tries, 5), time.Minute)
}

func (e *Engine) lease() time.Duration {
	if e.Lease == 0 {
		return DefaultLease
	}
	return e.Lease
}

func (e *Engine) logger() *slog.Logger {
	if e.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return e.Log
}

func (e *Engine) audit(ctx context.Context, r Record) error {
	if e.Trace != nil {
		r.Trace = e.Trace(ctx)
	}
	return e.Audit.Write(ctx, r)
}

// faultOf is what a caller may know of err.
func faultOf(err error) *Fault {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return &Fault{Code: CodeInternal}
	}
	return &Fault{Code: e.code(), Field: e.Field, PIMCode: e.PIMCode, Detail: e.Detail, Remedy: e.Remedy, Reasons: e.Unmet, Claims: e.Claims}
}
