package sweep

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/azurepim/azure-pim/pim"
)

// Store keeps plans, what became of them, and what sweeps remember. Its errors are
// those of package pim.
type Store interface {
	// Load returns the document of that name and its version, or an error with
	// CodeNotFound.
	Load(ctx context.Context, name string) (doc []byte, version string, err error)
	// Save writes a document and returns its new version. It fails with
	// CodeConflict if the store holds another version than the one given; an empty
	// one means that it must hold none.
	Save(ctx context.Context, name string, doc []byte, version string) (string, error)
	// Names yields the names that begin with prefix, in their order.
	Names(ctx context.Context, prefix string) iter.Seq2[string, error]
}

// Memory is a Store that is lost with the process. Its zero value is empty and ready.
type Memory struct {
	mu   sync.Mutex
	docs map[string]document
	next int
}

type document struct {
	content []byte
	version string
}

var _ Store = (*Memory)(nil)

// Load implements [Store].
func (m *Memory) Load(_ context.Context, name string) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.docs[name]
	if !ok {
		return nil, "", &pim.Error{Op: "Store.Load", Code: pim.CodeNotFound, Detail: "there is no " + name}
	}
	return slices.Clone(d.content), d.version, nil
}

// Save implements [Store].
func (m *Memory) Save(_ context.Context, name string, doc []byte, version string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs[name].version != version {
		return "", &pim.Error{Op: "Store.Save", Code: pim.CodeConflict, Detail: "another version of " + name + " is there"}
	}
	if m.docs == nil {
		m.docs = map[string]document{}
	}
	m.next++
	v := strconv.Itoa(m.next)
	m.docs[name] = document{slices.Clone(doc), v}
	return v, nil
}

// Names implements [Store].
func (m *Memory) Names(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		m.mu.Lock()
		names := slices.Sorted(maps.Keys(m.docs))
		m.mu.Unlock()
		for _, n := range names {
			if strings.HasPrefix(n, prefix) && !yield(n, nil) {
				return
			}
		}
	}
}
