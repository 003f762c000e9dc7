package pim

import (
	"sync"
	"time"
)

const (
	// roleLifetime: role definitions are made and renamed by people, rarely.
	roleLifetime = time.Hour
	// policyLifetime: a role's settings may be tightened at any time, and we must
	// not grant by the old ones for long.
	policyLifetime = 5 * time.Minute
	// cacheMost bounds a cache; a full one starts over.
	cacheMost = 4096
)

// cache remembers values for a stated time.
type cache[T any] struct {
	life time.Duration
	mu   sync.Mutex
	m    map[string]cached[T]
}

type cached[T any] struct {
	v     T
	until time.Time
}

func newCache[T any](life time.Duration) *cache[T] {
	return &cache[T]{life: life, m: map[string]cached[T]{}}
}

// get returns what is remembered under key, or what read returns. Errors are not
// remembered.
func (c *cache[T]) get(key string, read func() (T, error)) (T, error) {
	c.mu.Lock()
	e, ok := c.m[key]
	c.mu.Unlock()
	if ok && time.Now().Before(e.until) {
		return e.v, nil
	}
	v, err := read()
	if err == nil {
		c.put(key, v)
	}
	return v, err
}

// put remembers v under key.
func (c *cache[T]) put(key string, v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.m) >= cacheMost {
		clear(c.m)
	}
	c.m[key] = cached[T]{v, time.Now().Add(c.life)}
}

// forget drops what is remembered under key.
func (c *cache[T]) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, key)
}
