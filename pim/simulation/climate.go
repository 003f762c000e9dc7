package simulation

import (
	"math/rand/v2"
	"time"
)

// system is something that an engine depends on.
type system string

const (
	theTenant system = "tenant"
	theLedger system = "ledger"
	theAudit  system = "audit"
	theOutbox system = "outbox"
)

func systems() []system { return []system{theTenant, theLedger, theAudit, theOutbox} }

// fault is what befalls a call.
type fault string

const (
	fine      fault = ""
	lostAsk   fault = "request lost"    // never arrives
	lostReply fault = "answer lost"     // arrives, and nobody learns of it
	late      fault = "too late"        // is carried out once the caller has given up
	throttled fault = "throttled"       // 429 with Retry-After
	broken    fault = "service is down" // 503
)

// climate is what a seed makes of the data centre. Each seed has some kinds of
// trouble and not others: rare ones would never meet if all were always there.
type climate struct {
	until   time.Time // from then on it is calm
	chance  map[system]float64
	outages map[system][]span

	crash     float64 // at each step of the director, that a process dies
	freeze    float64 // that a process stands still for a while
	jump      float64 // that the tenant's clock jumps ahead
	duplicate float64 // for each message, that it is delivered though it was done
	slow      float64 // for each call, that it takes longer than anybody waits
	calls     time.Duration
}

type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && t.Before(s.to) }

const (
	// storm is how long there is trouble.
	storm = 40 * time.Minute
	// longestOutage is well below the two hours after which an engine gives up on
	// what only ever meets passing faults.
	longestOutage = 12 * time.Minute
)

func newClimate(r *rand.Rand, now time.Time) climate {
	c := climate{until: now.Add(storm), chance: map[system]float64{}, outages: map[system][]span{}}
	sometimes := func(p float64, values ...float64) float64 {
		v := values[r.IntN(len(values))]
		if r.Float64() >= p {
			return 0
		}
		return v
	}
	for _, s := range systems() {
		p := 0.4
		if s == theAudit {
			p = 0.15 // whose faults end a change for good
		}
		c.chance[s] = sometimes(p, 0.02, 0.1, 0.3)
		if r.Float64() < p/2 {
			from := now.Add(between(r, 0, storm-longestOutage))
			c.outages[s] = []span{{from, from.Add(between(r, 5*time.Second, longestOutage))}}
		}
	}
	c.crash = sometimes(0.6, 0.003, 0.01, 0.03)
	c.freeze = sometimes(0.3, 0.005, 0.02)
	c.jump = sometimes(0.2, 0.005)
	c.duplicate = sometimes(0.5, 0.1, 0.5)
	c.slow = sometimes(0.3, 0.02, 0.1)
	c.calls = []time.Duration{0, 20 * time.Millisecond, time.Second}[r.IntN(3)]
	return c
}

// between is a time of at least a and less than b, to the nanosecond: so hardly any
// two things fall due at once.
func between(r *rand.Rand, a, b time.Duration) time.Duration {
	return a + time.Duration(r.Int64N(int64(b-a)))
}

// befalls draws what befalls a call of s now.
func (c climate) befalls(r *rand.Rand, s system, now time.Time) fault {
	if s == "" || !now.Before(c.until) {
		return fine
	}
	down := false
	for _, o := range c.outages[s] {
		down = down || o.holds(now)
	}
	if !down && r.Float64() >= c.chance[s] {
		return fine
	}
	if down && s != theTenant {
		return []fault{lostAsk, lostAsk, lostAsk, lostReply}[r.IntN(4)]
	}
	if s == theTenant {
		return []fault{lostAsk, lostReply, lostReply, late, throttled, broken}[r.IntN(6)]
	}
	return []fault{lostAsk, lostReply}[r.IntN(2)]
}

// takes draws how long a call of s is under way.
func (c climate) takes(r *rand.Rand, s system, now time.Time) time.Duration {
	if c.calls == 0 || s == "" {
		return 0
	}
	most := c.calls
	if s != theTenant {
		most /= 10
	}
	if now.Before(c.until) && r.Float64() < c.slow {
		most = 100 * time.Second
	}
	return between(r, 1, most)
}
