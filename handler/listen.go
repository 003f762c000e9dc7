package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

// ErrParentGone is why [Server.Serve] returns when the process has lost its host.
var ErrParentGone = errors.New("the process that started this one is gone")

// Listen opens the loopback port that the host has chosen and named in
// FUNCTIONS_CUSTOMHANDLER_PORT ("0" takes a free one, for tests). Call it first:
// from then on connections wait instead of being refused, and the host restarts
// a handler that is not reached within 30 s.
func Listen(port string) (net.Listener, error) {
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fmt.Errorf("port %q is not a number below 65536", port)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, fmt.Errorf("listening for the host: %w", err)
	}
	return l, nil
}

// Server runs the functions for the host that started the process.
type Server struct {
	Log *slog.Logger
	// Setup makes the functions' handler, see [New]. It may take its time: the
	// host's GET / is answered meanwhile, and all else waits. Its context ends
	// when Serve is to end.
	Setup func(context.Context) (http.Handler, error)
	// ReadyWait is how long a request waits for Setup before it is answered 503.
	// Default 30 s, which counts against the host's functionTimeout.
	ReadyWait time.Duration
	// Drain is how long requests in flight may go on when Serve's context has
	// ended. Default 25 s; the host itself cuts at 31 s.
	Drain time.Duration
	// ParentID tells the id of the parent process. Default [os.Getppid].
	ParentID func() int
}

// Serve answers the requests of l until ctx ends, the parent process is gone, or
// something fails. It always returns an error that says which, and main must
// then exit with a status other than 0, whatever the error: a handler that exits
// 0 is never restarted, and every later call hangs or fails while the host lives
// on without an alarm (recorded: handler-exits-0-later). Where no host is left,
// nobody asks for the status.
//
// The host gives no signal before it leaves the handler behind as an orphan or
// kills it. So Serve looks once a second whether the parent is still the one it
// was, and if not ends at once, in the midst of invocations: their answers have
// nobody to go to, and their effects must bear a kill anyway. PR_SET_PDEATHSIG
// is no substitute: it fires when the host's thread that forked us ends.
func (s Server) Serve(ctx context.Context, l net.Listener) error {
	set(&s.ReadyWait, 30*time.Second)
	set(&s.Drain, 25*time.Second)
	if s.ParentID == nil {
		s.ParentID = os.Getppid
	}
	// Invocations run on when ctx has ended, till the drain is over.
	invocations, kill := context.WithCancelCause(context.WithoutCancel(ctx))
	setup, stopSetup := context.WithCancel(ctx)
	orphaned := make(chan struct{})
	go s.watchParent(invocations, s.ParentID(), orphaned)

	g := &gate{wait: s.ReadyWait, ready: make(chan struct{})}
	srv := &http.Server{
		Handler:     g,
		BaseContext: func(net.Listener) context.Context { return invocations },
		// Neither IdleTimeout nor ReadHeaderTimeout, which also ends a connection
		// that has not been used yet: the host keeps such connections for later, and
		// if it finds closed what it sends a body on, its caller gets an empty 500.
		// Nobody but this machine can hold connections open.
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 2)
	go func() { failed <- fmt.Errorf("serving the host: %w", srv.Serve(l)) }()
	go func() {
		h, err := s.setUp(setup)
		if err != nil {
			failed <- fmt.Errorf("setting up: %w", err)
			return
		}
		g.open(h)
	}()
	end := func(cause error) error {
		stopSetup()
		kill(cause)
		_ = srv.Close()
		return cause
	}

	select {
	case err := <-failed:
		return end(err)
	case <-orphaned:
		return end(ErrParentGone)
	case <-ctx.Done():
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		ctx, cancel := context.WithTimeout(invocations, s.Drain)
		defer cancel()
		_ = srv.Shutdown(ctx)
	}()
	select {
	case <-drained:
	case <-orphaned:
		return end(ErrParentGone)
	}
	return end(fmt.Errorf("serving the host: %w", context.Cause(ctx)))
}

// setUp runs Setup and makes a panic an error, so that it too is one record.
func (s Server) setUp(ctx context.Context) (h http.Handler, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return s.Setup(ctx)
}

// watchParent closes orphaned when the parent is no longer was.
func (s Server) watchParent(ctx context.Context, was int, orphaned chan<- struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if s.ParentID() != was {
				close(orphaned)
				return
			}
		}
	}
}
