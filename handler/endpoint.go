package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// endpoint runs one function's invocations: each in a goroutine of its own, so
// that neither a panic nor a function that never returns costs more than the one
// invocation.
type endpoint struct {
	Function
	log      *slog.Logger
	deadline time.Duration
	grace    time.Duration
	maxBody  int64
}

func newEndpoint(log *slog.Logger, o Options, f Function) endpoint {
	if f.isHTTP() {
		return endpoint{f, log, o.HTTPDeadline, o.Grace, o.MaxBody}
	}
	return endpoint{f, log, o.Deadline, o.Grace, o.MaxEnvelope}
}

var (
	errDeadline = errors.New("the invocation's deadline has passed")
	errOverrun  = errors.New("function outstayed its deadline and was left to itself")
)

// serveHTTP runs one invocation. It may change r, and leaves it to the function.
func (e endpoint) serveHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	in := invocationOf(r.Context())
	in.function = e.Name
	ctx, cancel := context.WithTimeoutCause(withInvocation(r.Context(), in), e.deadline, errDeadline)
	defer cancel()
	r = r.WithContext(ctx)
	e.readBody(w, r, start.Add(e.deadline))

	method := r.Method
	a := &answer{header: http.Header{}}
	done := make(chan error, 1)
	go e.run(a, r, done)

	overrun := time.NewTimer(time.Until(start.Add(e.deadline + e.grace)))
	defer overrun.Stop()
	select {
	case err := <-done:
		if err != nil {
			e.fail(ctx, w, err)
			return
		}
		a.sendTo(w, method)
	case <-overrun.C:
		a.abandoned.Store(true)
		e.fail(ctx, w, errOverrun)
		go func() {
			err := <-done
			e.log.WarnContext(ctx, "a function left to itself has ended", "after", time.Since(start).String(), "error", err)
		}()
	}
}

// run runs the function and tells done how it ended, be it by return, panic, or
// runtime.Goexit, which t.FailNow in a test's function calls.
func (e endpoint) run(w http.ResponseWriter, r *http.Request, done chan<- error) {
	err := errors.New("the function has ended its goroutine")
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
		done <- err
	}()
	err = e.serve(w, r)
}

// panicError is a function's panic.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// fail answers a failed invocation and logs it: one record each.
func (e endpoint) fail(ctx context.Context, w http.ResponseWriter, err error) {
	fields := []any{"error", err.Error()}
	if p, ok := errors.AsType[*panicError](err); ok {
		fields = append(fields, "stack", string(p.stack))
	}
	e.log.ErrorContext(ctx, "invocation failed", fields...)
	if e.isHTTP() {
		writeProblem(ctx, w, http.StatusInternalServerError, "internal")
		return
	}
	writeComplete(w, http.StatusInternalServerError)
}
