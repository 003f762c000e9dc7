package pim

import (
	"context"
	"strconv"
	"time"
)

// Outbox carries what the engine has to say to queues. Both may be asked twice for
// the same: messages have ids by which the queue drops the second.
type Outbox interface {
	// Continue has changes taken further, each after its own time.
	Continue(ctx context.Context, cs ...Continuation) error
	// Publish tells outcomes to whoever listens.
	Publish(ctx context.Context, events ...Event) error
}

// Continuation is the message that drives a Change on: a cursor into the ledger,
// which holds everything else.
type Continuation struct {
	Change     string `json:"change"`
	Generation int    `json:"generation"`
	Step       Step   `json:"step"`
	Tries      int    `json:"tries"`
	Nonce      string `json:"nonce,omitempty"` // of a resumption, which must not be dropped as a duplicate

	After time.Duration `json:"-"` // when the message is to arrive
}

// Key is the message id of the continuation: the same cursor is the same message.
func (n Continuation) Key() string {
	k := n.Change + "/" + strconv.Itoa(n.Generation) + "/" + string(n.Step) + "/" + strconv.Itoa(n.Tries)
	if n.Nonce != "" {
		k += "/" + n.Nonce
	}
	return k
}
