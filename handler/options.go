package handler

import "time"

// Options are the bounds of an invocation. A zero field takes its default.
//
// The host kills the whole process, neighbours included, two seconds after a
// function has run for host.json's functionTimeout (recorded:
// http-function-timeout). Before them come the 30 s for which the host may wait
// for the process to listen, and [Server.ReadyWait]: with the defaults this is
// 5:10 in all, so functionTimeout must be more, "00:05:30" say.
type Options struct {
	// HTTPDeadline is after what time the context of an HTTP function ends.
	// Default 180 s: with what comes before and after it stays below the 230 s at
	// which Azure's front end gives up.
	HTTPDeadline time.Duration
	// Deadline is the same for queue and timer functions. Default 240 s.
	Deadline time.Duration
	// Grace is how long a function may go on after its deadline to write its
	// answer. Then the invocation is answered as failed and the function is left
	// to itself. Default 10 s.
	Grace time.Duration
	// MaxBody bounds the body of an HTTP request, in bytes: reading what is
	// longer ends in an [http.MaxBytesError]. Default 1 MiB.
	MaxBody int64
	// MaxEnvelope bounds what the host posts to queue and timer functions: a longer
	// message is malformed, see [ErrTooLarge], and a longer timer fails. Default 4
	// MiB: a message of 1 MiB is a third longer in base64, and its application
	// properties come twice.
	MaxEnvelope int64
}

// WithDefaults fills in what a zero field stands for.
func (o Options) WithDefaults() Options {
	set(&o.HTTPDeadline, 180*time.Second)
	set(&o.Deadline, 240*time.Second)
	set(&o.Grace, 10*time.Second)
	set(&o.MaxBody, 1<<20)
	set(&o.MaxEnvelope, 4<<20)
	return o
}

func set[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}
