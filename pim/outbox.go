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
	// Since is when the step was entered: one that is entered again, for another
	// effect or after an approval, is another cursor.
	Since time.Time `json:"since,omitzero"`
	// Nonce tells apart what the rest does not: a resumption, and the wait for the
	// lease of another worker, who may have sent this very cursor and died.
	Nonce string `json:"nonce,omitempty"`

	After time.Duration `json:"-"` // when the message is to arrive
}

// Key is the message id of the continuation: the same cursor is the same message.
func (n Continuation) Key() string {
	k := n.Change + "/" + strconv.Itoa(n.Generation) + "/" + string(n.Step) + "/" + strconv.Itoa(n.Tries)
	if !n.Since.IsZero() {
		k += "/" + strconv.FormatInt(n.Since.UnixNano(), 36)
	}
	if n.Nonce != "" {
		k += "/" + n.Nonce
	}
	return k
}
