package sweep

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// crew does things beside each other, a bounded number at a time. What panics does so
// again where the crew is waited for, and costs one sweep: on a goroutine of ours
// nobody would recover it, and the process would end with all its invocations.
type crew struct {
	places  chan struct{}
	running sync.WaitGroup

	mu    sync.Mutex
	panic any // the first one
}

func newCrew(most int) *crew { return &crew{places: make(chan struct{}, most)} }

// send does f as soon as there is a place; after a panic, no more.
func (c *crew) send(f func()) {
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

// wait waits until all is done.
func (c *crew) wait() {
	c.running.Wait()
	if v := c.panicked(); v != nil {
		panic(v)
	}
}

func (c *crew) note(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.panic == nil {
		c.panic = v
	}
}

func (c *crew) panicked() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.panic
}
