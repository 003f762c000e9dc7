package amqpbroker

import (
	"errors"
	"fmt"

	"github.com/Azure/go-amqp"
)

// fault is an error the client is told: an AMQP condition, and the status code
// that $management answers instead.
type fault struct {
	condition   amqp.ErrCond
	description string
	status      int32
}

func (f *fault) Error() string { return fmt.Sprintf("%s: %s", f.condition, f.description) }

// encode returns f as an AMQP error.
func (f *fault) encode() described {
	return described{codeError, []any{symbol(f.condition), f.description}}
}

var (
	errLockLost = &fault{"com.microsoft:message-lock-lost",
		"The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.", 410}
	errSessionLockLost = &fault{"com.microsoft:session-lock-lost", "The session lock has expired.", 410}
	errMessageNotFound = &fault{"com.microsoft:message-not-found", "The message was not found.", 404}
	errTimeout         = &fault{"com.microsoft:timeout", "The operation did not complete within the allotted timeout.", 408}
)

func errEntityNotFound(path string) *fault {
	return &fault{amqp.ErrCondNotFound, fmt.Sprintf("The messaging entity '%s' could not be found.", path), 404}
}

func errNotAllowed(format string, a ...any) *fault {
	return &fault{amqp.ErrCondNotAllowed, fmt.Sprintf(format, a...), 400}
}

// faultOf is err as the client is told it. What the broker has no condition
// for is the sender's mistake: a message or request that cannot be decoded.
func faultOf(err error) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	return &fault{amqp.ErrCondDecodeError, err.Error(), 400}
}
