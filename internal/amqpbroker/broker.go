package amqpbroker

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// deadLetterSuffix is the path of a dead-letter queue below its queue.
const deadLetterSuffix = "/$DeadLetterQueue"

// tick is how often the broker looks for expired locks and messages and for
// scheduled messages that are due.
const tick = 20 * time.Millisecond

// Broker holds the queues of one namespace and their messages.
type Broker struct {
	mu     sync.Mutex
	queues map[string]*queue // by path in lower case: entity names ignore case; never changes

	stop chan struct{}
	once sync.Once
	wg   sync.WaitGroup
}

// NewBroker creates a namespace with the given queues, each with its
// dead-letter queue. It panics on a queue that Service Bus would not create.
func NewBroker(queues ...QueueConfig) *Broker {
	b := &Broker{queues: map[string]*queue{}, stop: make(chan struct{})}
	for _, c := range queues {
		b.add(c.withDefaults())
	}
	b.wg.Go(b.run)
	return b
}

func (b *Broker) add(c QueueConfig) {
	if err := c.check(); err != nil {
		panic("amqpbroker: " + err.Error())
	}
	path := strings.ToLower(c.Name)
	if b.queues[path] != nil {
		panic(fmt.Sprintf("amqpbroker: queue %q exists", c.Name))
	}
	q := newQueue(&b.mu, c, c.Name)
	q.deadLetters = newQueue(&b.mu, QueueConfig{Name: c.Name, LockDuration: c.LockDuration}, c.Name+deadLetterSuffix)
	b.queues[path] = q
	b.queues[path+strings.ToLower(deadLetterSuffix)] = q.deadLetters
}

// Close stops the broker's clock. It may be called again.
func (b *Broker) Close() {
	b.once.Do(func() { close(b.stop) })
	b.wg.Wait()
}

// Counts returns how many messages the queue holds: active ones (locked ones
// among them), scheduled, deferred and dead-lettered. All are zero for a queue
// that does not exist.
func (b *Broker) Counts(name string) (active, scheduled, deferred, dead int) {
	q := b.queue(name)
	if q == nil {
		return 0, 0, 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for m := range q.messages.from(0) {
		switch m.state {
		case stateActive:
			active++
		case stateScheduled:
			scheduled++
		case stateDeferred:
			deferred++
		}
	}
	if q.deadLetters != nil {
		dead = q.deadLetters.messages.len()
	}
	return active, scheduled, deferred, dead
}

// queue returns the queue or dead-letter queue at path, or nil.
func (b *Broker) queue(path string) *queue {
	return b.queues[strings.ToLower(strings.Trim(path, "/"))]
}

func (b *Broker) run() {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-b.stop:
			return
		case <-t.C:
			b.mu.Lock()
			now := time.Now()
			for _, q := range b.queues {
				q.advance(now)
			}
			b.mu.Unlock()
		}
	}
}
