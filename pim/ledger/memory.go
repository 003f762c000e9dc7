package ledger

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// Memory is a ledger that lasts as long as its process. It keeps changes as JSON, so
// that nobody shares a slice or a pointer with it.
type Memory struct {
	mu      sync.Mutex
	entries map[string]memoryEntry
	written int64 // counts the writes of this ledger: no version ever comes twice
}

type memoryEntry struct {
	json    []byte
	version string
}

var _ pim.Ledger = (*Memory)(nil)

// NewMemory returns an empty ledger.
func NewMemory() *Memory { return &Memory{entries: map[string]memoryEntry{}} }

// Load returns the change of that id.
func (m *Memory) Load(ctx context.Context, id string) (pim.Change, error) {
	const op = "Ledger.Load"
	if err := ctx.Err(); err != nil {
		return pim.Change{}, named(op, unanswered(err))
	}
	m.mu.Lock()
	e, ok := m.entries[id]
	m.mu.Unlock()
	if !ok {
		return pim.Change{}, named(op, notFound(id))
	}
	c, err := decode(id, e.json, e.version)
	return c, named(op, err)
}

// Save writes c if the ledger holds the version that c came with.
func (m *Memory) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	const op = "Ledger.Save"
	if err := ctx.Err(); err != nil {
		return pim.Change{}, named(op, unanswered(err))
	}
	b, err := encode(c)
	if err != nil {
		return pim.Change{}, named(op, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[c.ID()].version != c.Version {
		return pim.Change{}, named(op, conflict(c.ID()))
	}
	m.written++
	c.Version = strconv.FormatInt(m.written, 10)
	m.entries[c.ID()] = memoryEntry{json: b, version: c.Version}
	return c, nil
}

// List yields the changes that match, in the order of their ids. Each is read when
// its turn comes, so a loop may save what it is given.
func (m *Memory) List(ctx context.Context, f pim.Filter) iter.Seq2[pim.Change, error] {
	const op = "Ledger.List"
	return func(yield func(pim.Change, error) bool) {
		m.mu.Lock()
		ids := slices.Sorted(maps.Keys(m.entries))
		m.mu.Unlock()
		for _, id := range ids {
			c, err := m.Load(ctx, id)
			switch {
			case pim.CodeOf(err) == pim.CodeNotFound: // pruned since
			case err != nil:
				if !yield(c, named(op, err)) || ctx.Err() != nil {
					return
				}
			case f.Match(c):
				if !yield(c, nil) {
					return
				}
			}
		}
	}
}

// Prune removes what [Table.Prune] does.
func (m *Memory) Prune(ctx context.Context, before time.Time) (int, error) {
	removed := 0
	var bad error
	for c, err := range m.List(ctx, pim.Filter{States: ended(), Idle: before}) {
		switch {
		case err != nil:
			bad = err
		case spent(c, before) && m.remove(c):
			removed++
		}
	}
	return removed, named("Ledger.Prune", bad)
}

// remove takes c out unless somebody has written it since.
func (m *Memory) remove(c pim.Change) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[c.ID()].version != c.Version {
		return false
	}
	delete(m.entries, c.ID())
	return true
}
