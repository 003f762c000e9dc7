// Package crew does things beside each other without risking the process.
package crew

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// Crew does things beside each other, a bounded number at a time. What panics does so
// again where the crew is waited for, and costs one invocation: on a goroutine of ours
// nobody would recover it, and the process would end with all its invocations.
type Crew struct {
	places  chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	panic any // the first one
}

// New returns a crew of at most so many.
func New(most int) *Crew { return &Crew{places: make(chan struct{}, most)} }

// Send does f as soon as there is a place; after a panic, no more.
func (c *Crew) Send(f func()) {
	c.places <- struct{}{}
	c.running.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				c.note(fmt.Sprintf("%v\n%s", v, debug.Stack())) // the other goroutine has another stack
			}
			<-c.places
		}()
		if c.panicked() == nil {
			f()
		}
	})
}

// Wait waits until all is done.
func (c *Crew) Wait() {
	c.running.Wait()
	if v := c.panicked(); v != nil {
		panic(v)
	}
}

func (c *Crew) note(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panic == nil {
		c.panic = v
	}
}

func (c *Crew) panicked() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.panic
}
