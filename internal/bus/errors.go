package bus

import (
	"errors"
	"fmt"
)

// ErrNoDeadLetter means that the dead-letter queue does not hold the message.
var ErrNoDeadLetter = errors.New("there is no such dead letter")

// Error is a failed operation. See [Permanent] for what to do about it.
type Error struct {
	op, queue string
	err       error
	permanent bool
}

func (e *Error) Error() string {
	if e.queue == "" {
		return fmt.Sprintf("%s: %v", e.op, e.err)
	}
	return fmt.Sprintf("%s %q: %v", e.op, e.queue, e.err)
}

func (e *Error) Unwrap() error { return e.err }

// Permanent tells whether err lies with what was asked, so that asking again
// cannot help: a message that is too large or has a bad id, settings that make
// no sense, a dead letter that does not exist. All else may pass: a namespace
// that is out of reach or busy, and also a queue that is missing or an identity
// that is refused, for those are mended by people while the message waits.
func Permanent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.permanent || errors.Is(err, ErrNoDeadLetter)
}

// fail wraps err at the edge of the package.
func fail(op, queue string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{op: op, queue: queue, err: err, permanent: Permanent(err)}
}
