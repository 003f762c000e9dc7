package pim

import (
	"context"
	"log/slog"
	"time"
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

const (
	// DefaultLease is longer than any one call to the services, retries included:
	// three tries of a minute, and the waits between them.
	DefaultLease = 3*time.Minute + 30*time.Second
	// writeFor bounds one write of the journal, or of the audit log.
	writeFor = 30 * time.Second
	// giveUp ends a change that only ever meets passing faults.
	giveUp = 2 * time.Hour
	// giveUpMissing ends a change whose principal or role stays unknown: terraform
	// waits ten minutes for replication.
	giveUpMissing = 10 * time.Minute
	// missedOften is how often PIM must have been asked in that time: a process that
	// stood still for ten minutes has not looked for ten minutes.
	missedOften = 5
	// decisionHolds is how long a decision may wait for its effect: twice as long as
	// the five minutes after which an assignment may be ended.
	decisionHolds = 10 * time.Minute
	// mostHeard bounds how many messages a change remembers: the queue delivers none
	// as late as that.
	mostHeard = 32
	// lookAgain is how long a lost race waits before it reads the winner's work.
	lookAgain = 2 * time.Second
)

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

// keep writes c into the journal. Where nobody is told of anything, nothing waits to be
// told: it would be kept for ever.
func (e *Engine) keep(ctx context.Context, c Change) (Change, error) {
	if e.Outbox == nil {
		c.Outbox = nil
	}
	return e.Ledger.Save(ctx, c)
}

func (e *Engine) audit(ctx context.Context, r Record) error {
	if e.Trace != nil {
		r.Trace = e.Trace(ctx)
	}
	// A line that was begun is finished, even if the invocation's time is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeFor)
	defer cancel()
	return e.Audit.Write(ctx, r)
}
