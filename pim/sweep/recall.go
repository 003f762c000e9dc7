package sweep

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

const (
	recallName = "memory.json"
	// requestsKept is how far back PIM's own requests surely reach: on ARM they are
	// kept for about 45 days, on Graph 30 have been seen.
	requestsKept = 30 * 24 * time.Hour
)

// recall is what one sweep tells the next: how much it saw, and who used what. PIM
// forgets its requests after weeks, and a listing that fails silently is known by
// what it showed the day before.
type recall struct {
	Targets map[string]seen      `json:"targets"`
	Uses    map[string]time.Time `json:"uses"` // last use of a role by a principal

	version string
}

// seen is what the last sweep saw at a target.
type seen struct {
	At time.Time `json:"at,omitzero"`
	// Assigned and Eligible are when the entries were to end that were to last the
	// longest: not all of them, but enough to tell whether any should still stand.
	Assigned []time.Time `json:"assigned,omitempty"`
	Eligible []time.Time `json:"eligible,omitempty"`
	// Since is the time from which on every request at the target has been read by
	// one sweep or another; Read is when that was last so.
	Since time.Time `json:"since,omitzero"`
	Read  time.Time `json:"read,omitzero"`
}

// mostEnds is how many ends are remembered of each kind: more than a scope's cap lets
// one sweep remove.
const mostEnds = 8

// forGood stands for an end that there is none of.
var forGood = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// longest keeps the latest ends.
func longest(ends []time.Time, end *time.Time) []time.Time {
	at := forGood
	if end != nil {
		at = end.UTC()
	}
	n, _ := slices.BinarySearchFunc(ends, at, func(a, b time.Time) int { return b.Compare(a) })
	if n == mostEnds {
		return ends
	}
	ends = slices.Insert(ends, n, at)
	return ends[:min(len(ends), mostEnds)]
}

// missing counts entries of ends that should stand at now, and reports whether there
// may be more of them than are remembered.
func missing(ends []time.Time, now time.Time) (n int, more bool) {
	for _, e := range ends {
		if e.After(now) {
			n++
		}
	}
	return n, n == mostEnds
}

func (s *Sweeper) recall(ctx context.Context) (*recall, error) {
	r := &recall{}
	b, version, err := s.Store.Load(ctx, recallName)
	switch {
	case pim.CodeOf(err) == pim.CodeNotFound:
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(b, r); err != nil {
			return nil, &pim.Error{Code: pim.CodeInternal, Detail: "what the last sweep remembered cannot be read", Err: err}
		}
	}
	r.version = version
	if r.Targets == nil {
		r.Targets = map[string]seen{}
	}
	if r.Uses == nil {
		r.Uses = map[string]time.Time{}
	}
	return r, nil
}

// remember keeps r for the next sweep. Where another sweep was faster, its memory is
// as fresh as ours.
func (s *Sweeper) remember(ctx context.Context, r *recall) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err = s.Store.Save(ctx, recallName, b, r.version); pim.CodeOf(err) == pim.CodeConflict {
		return nil
	}
	return err
}

// used notes that a role was used.
func (r *recall) used(u id, at time.Time) {
	k := hex.EncodeToString(u[:])
	if at.After(r.Uses[k]) {
		r.Uses[k] = at
	}
}

func (r *recall) lastUse(u id) time.Time { return r.Uses[hex.EncodeToString(u[:])] }

// forget drops uses that no rule asks about any more, and targets that are long gone.
func (r *recall) forget(before time.Time) {
	for k, at := range r.Uses {
		if at.Before(before) {
			delete(r.Uses, k)
		}
	}
	for k, t := range r.Targets {
		if t.At.Before(before) && t.Read.Before(before) {
			delete(r.Targets, k)
		}
	}
}

// readRequests notes that all requests at the target have been read now.
func (r *recall) readRequests(target string, now time.Time) {
	t := r.Targets[target]
	if t.Read.IsZero() || now.Sub(t.Read) > requestsKept {
		t.Since = now.Add(-requestsKept) // nobody saw what PIM has forgotten
	}
	t.Read = now
	r.Targets[target] = t
}

// saw notes how long what was seen should last.
func (r *recall) saw(target string, assigned, eligible []time.Time, now time.Time) {
	t := r.Targets[target]
	t.Assigned, t.Eligible, t.At = assigned, eligible, now
	r.Targets[target] = t
}
