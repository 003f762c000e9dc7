package bus

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
)

// connection is a client and its senders, one for each queue.
type connection struct {
	client    *azservicebus.Client
	abandoned atomic.Bool // closed, while the bus is not

	mu      sync.Mutex
	senders map[string]*azservicebus.Sender
}

func newConnection(c *azservicebus.Client) *connection {
	return &connection{client: c, senders: map[string]*azservicebus.Sender{}}
}

// withSender calls f with the queue's sender, and again with a new one if that
// had no link left to send on. f must be safe to repeat.
func (c *connection) withSender(ctx context.Context, queue string, f func(*azservicebus.Sender) error) error {
	// One more try for a link that ended while it was idle, and one for a sender
	// that another goroutine discards at the same moment.
	const tries = 3
	for try := 1; ; try++ {
		s, err := c.sender(queue)
		if err != nil {
			return err
		}
		err = f(s)
		if err == nil || ctx.Err() != nil || Permanent(err) {
			return err
		}
		c.discard(ctx, queue, s)
		if try == tries || !linkEnded(err) {
			return err
		}
	}
}

func (c *connection) sender(queue string) (*azservicebus.Sender, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.senders[queue]; s != nil {
		return s, nil
	}
	s, err := c.client.NewSender(queue, nil)
	if err != nil {
		return nil, err
	}
	c.senders[queue] = s
	return s, nil
}

// discard forgets s. azservicebus keeps a link that ended with an error it
// takes for final (the queue was gone, a claim had expired), and answers with
// that error for ever.
func (c *connection) discard(ctx context.Context, queue string, s *azservicebus.Sender) {
	c.mu.Lock()
	current := c.senders[queue] == s
	if current {
		delete(c.senders, queue)
	}
	c.mu.Unlock()
	if current {
		_ = s.Close(ctx) // its link has ended
	}
}

// linkEnded tells whether err is about the link and not about the message or
// the network. A refusal counts: azservicebus does not say whether it was for a
// link that had stood (its claim has expired) or for a new one.
func linkEnded(err error) bool {
	var link *amqp.LinkError
	var sb *azservicebus.Error
	if errors.As(err, &sb) {
		return sb.Code == azservicebus.CodeClosed || sb.Code == azservicebus.CodeUnauthorizedAccess
	}
	return errors.As(err, &link)
}
