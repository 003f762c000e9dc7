package simtenant

import (
	"math"
	"time"
)

// limit is a token bucket as Azure Resource Manager publishes it.
type limit struct {
	size   float64
	refill float64 // a second
}

var (
	readLimit  = limit{250, 25}
	writeLimit = limit{200, 10}
)

// bucket is the state of a limit for one caller and scope.
type bucket struct {
	level float64
	at    time.Time
}

// take draws from the bucket of a key and says what is left and how long to wait
// if nothing was.
func (t *Tenant) take(key string, l limit, cost float64) (left int, wait time.Duration) {
	now := t.now()
	b := t.buckets[key]
	if b == nil {
		b = &bucket{l.size, now}
		t.buckets[key] = b
	}
	b.level = math.Min(l.size, b.level+l.refill*now.Sub(b.at).Seconds())
	b.at = now
	if b.level < cost && t.opt.Throttle {
		return 0, time.Duration(math.Ceil((cost-b.level)/l.refill)) * time.Second
	}
	b.level = math.Max(0, b.level-cost)
	return int(b.level), 0
}
