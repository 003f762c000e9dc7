package pim

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

// writesAtOnce is how many changes of one subscription, or of one Graph plane, are
// under way together. PIM's own limits are not published, and dozens of writes at
// once have been seen to be throttled far below ARM's.
const writesAtOnce = 4

// writesInAll is how many changes of the whole tenant are under way together, however
// many subscriptions they are spread over: one resource provider serves them all.
const writesInAll = 16

// bucket is a token bucket as the services keep one for each of us: so many calls
// at once, refilled by so many a second.
type bucket struct {
	size   int
	refill float64
}

var (
	// Azure Resource Manager, for each subscription, principal and kind of call.
	armReads, armWrites = bucket{250, 25}, bucket{200, 10}
	// Microsoft Graph, for each application and tenant: 3000 writes in 150 s. Reads
	// are counted in units, which a listing of ours costs one of: 3500 in 10 s.
	graphReads, graphWrites = bucket{3500, 350}, bucket{3000, 20}
	// The directory's audit log: 5 calls in 10 s.
	auditReads = bucket{5, 0.5}
)

// ours is the share of a bucket that we draw on. The rest is for calls that took
// longer than the one behind them: they meet at the service, which sees more at once
// than we sent.
const ours = 0.9

// budget keeps the Client within what the services let it do, so that a bulk run
// does not live off 429s. It is of one process: others share the services' buckets,
// and their 429 is still heeded.
type budget struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
	slots   map[string]chan struct{}
}

func newBudget() *budget {
	return &budget{buckets: map[string]*rate.Limiter{}, slots: map[string]chan struct{}{}}
}

// take waits until the call may be sent, and returns what to do when it is over. It
// fails only with ctx.
func (b *budget) take(ctx context.Context, in call, graph bool) (func(), error) {
	write := in.writes()
	key, size := account(in, graph, write)
	b.mu.Lock()
	limiter := b.buckets[key]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(size.refill*ours), int(float64(size.size)*ours))
		b.buckets[key] = limiter
	}
	home := b.places(key, writesAtOnce)
	all := b.places("write", writesInAll)
	b.mu.Unlock()
	if err := limiter.Wait(ctx); err != nil {
		return nil, unreachable(err)
	}
	if !write {
		return func() {}, nil
	}
	// The narrow one first: whoever waits for it keeps none of the others' places.
	if err := enter(ctx, home); err != nil {
		return nil, err
	}
	if err := enter(ctx, all); err != nil {
		<-home
		return nil, err
	}
	return func() { <-all; <-home }, nil
}

// places holds as many as may be at work under a key. The lock must be held.
func (b *budget) places(key string, most int) chan struct{} {
	if b.slots[key] == nil {
		b.slots[key] = make(chan struct{}, most)
	}
	return b.slots[key]
}

func enter(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return unreachable(ctx.Err())
	}
}

// account is whose bucket a call draws on.
func account(in call, graph, write bool) (string, bucket) {
	switch {
	case graph && strings.Contains(in.path, "/auditLogs/"):
		return "graph audit", auditReads
	case graph && write:
		return "graph write", graphWrites
	case graph:
		return "graph read", graphReads
	}
	// ARM counts the calls below a subscription for it, and all others for the tenant.
	home := "tenant"
	if rest, ok := strings.CutPrefix(in.path, "/subscriptions/"); ok {
		home, _, _ = strings.Cut(rest, "/")
	}
	if write {
		return "arm write " + home, armWrites
	}
	return "arm read " + home, armReads
}
