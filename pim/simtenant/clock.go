package simtenant

import "time"

// skew is how far the tenant's clock is ahead of the caller's. No service shares
// its caller's clock, and the odd fraction makes every date seven digits long.
const skew = 76*time.Millisecond + 543300*time.Nanosecond

// Advance moves the tenant's clock forward by d. Nobody is woken, and tokens do
// not age, because their holders' clocks do not move along: in a synctest bubble,
// sleep instead.
func (t *Tenant) Advance(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offset += d
}

// Now is the tenant's time.
func (t *Tenant) Now() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now()
}

func (t *Tenant) now() time.Time {
	return t.opt.Now().UTC().Add(t.offset + skew).Truncate(100 * time.Nanosecond)
}

// stamp writes a time as .NET does: up to seven digits, no trailing zeros.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.9999999Z") }

// stampOrNil is stamp, with null for never.
func stampOrNil(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return stamp(at)
}

// callerTime is the time of those who call, for tokens.
func (t *Tenant) callerTime() time.Time { return t.opt.Now() }

// textOrNil is null for an empty text.
func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}
