// Package bus sends messages to Service Bus queues and looks after their dead
// letters, over one connection for the life of the process.
//
// A message may reach the queue although its send failed: the answer was lost,
// or time ran out. So give each message the id of what it asks for, and send
// it again under the same id; queues that detect duplicates keep one.
package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// errTimeout is why a context of ours ended, as against the caller's.
var errTimeout = errors.New("service bus did not answer in time")

var errClosed = errors.New("bus is closed")

// Bus sends messages. It may be used by many goroutines at once.
type Bus struct {
	settings Settings

	mu      sync.Mutex
	current *connection // nil before the first use, and after one that hung
	closed  bool
	running sync.WaitGroup
}

// New returns a Bus for s, or all that is wrong with s. It connects when it is
// first used, so a namespace that cannot be reached is not an error here.
func New(s Settings) (*Bus, error) {
	err := s.check()
	if err == nil {
		_, err = s.client() // reads the connection string; connects to nothing
	}
	if err != nil {
		return nil, &Error{op: "configure service bus", err: err, permanent: true}
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	return &Bus{settings: s}, nil
}

// Close waits for what is being sent, until ctx ends, and disconnects. Nothing
// can be sent afterwards.
func (b *Bus) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	c := b.current
	b.current = nil
	b.mu.Unlock()
	if c == nil {
		return nil
	}
	idle := make(chan struct{})
	go func() { b.running.Wait(); close(idle) }()
	result := make(chan error, 1)
	go func() {
		select {
		case <-idle:
		case <-ctx.Done():
		}
		result <- calmly(func() error { return c.client.Close(ctx) })
	}()
	select {
	case err := <-result:
		return fail("close service bus", "", errors.Join(ctx.Err(), err))
	case <-ctx.Done():
		return fail("close service bus", "", ctx.Err())
	}
}

// do runs f with the connection, for no longer than the bus's timeout or ctx
// allow. It returns by then even if f does not: azservicebus waits for tokens
// and for other goroutines' links without looking at the context. f must be
// safe to repeat.
func (b *Bus) do(ctx context.Context, f func(context.Context, *connection) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.settings.Timeout, errTimeout)
	defer cancel()
	for {
		result := make(chan error, 1)
		c, err := b.start(func(c *connection) { result <- calmly(func() error { return f(ctx, c) }) })
		if err != nil {
			return err
		}
		select {
		case err = <-result:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		if err == nil {
			return nil
		}
		if errors.Is(context.Cause(ctx), errTimeout) {
			b.abandon(c)
			return errTimeout
		}
		// Another's time was up, and the connection went away under us.
		if ctx.Err() != nil || !c.abandoned.Load() {
			return err
		}
	}
}

// start runs f beside the caller with the connection, made if there is none.
func (b *Bus) start(f func(*connection)) (*connection, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	if b.current == nil {
		client, err := b.settings.client()
		if err != nil {
			return nil, err
		}
		b.current = newConnection(client)
	}
	c := b.current
	b.running.Go(func() { f(c) })
	return c, nil
}

// abandon gives up a connection on which nothing moves. A network that drops
// packets silently shows no other sign for a minute, and azservicebus keeps a
// connection when its caller's time is up.
func (b *Bus) abandon(c *connection) {
	const patience = 5 * time.Second
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != c {
		return
	}
	b.current = nil
	c.abandoned.Store(true)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = calmly(func() error { return c.client.Close(ctx) }) // it is lost either way
	}()
}

// calmly makes an error of a panic of f: on a goroutine of ours nobody would
// recover it, and the process would end with all its invocations.
func calmly(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}
