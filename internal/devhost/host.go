// Package devhost is a local stand-in for the Azure Functions host: it reads
// host.json and function.json, runs the custom handler as its child, forwards
// HTTP to it, fires timers and pumps Service Bus queues, all as a recorded
// host did. docs/devhost.md lists where it differs on purpose.
package devhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

var (
	errRestartsExceeded = errors.New("the handler failed three times")
	errNoCustomHandler  = errors.New("host.json has no customHandler")
	errNoFunctions      = errors.New("no function could be loaded")
)

// ErrClosed is why a host ended that was told to.
var ErrClosed = errors.New("devhost: closed")

// Host is a running host. Its methods may be called at once.
type Host struct {
	cfg             Config
	log             *slog.Logger
	settings        settings
	functions       []function
	functionTimeout time.Duration // 0: none
	broken          error         // not nil: everything is answered 503

	listener net.Listener
	server   *http.Server
	port     *port
	wire     *wire
	child    *child
	monitor  monitor
	timers   []*timer
	pumps    []*pump

	ctx        context.Context // ends with the host
	cancel     context.CancelCauseFunc
	intake     context.Context // ends before: no more timers and messages
	stopIntake context.CancelFunc
	background sync.WaitGroup // server and handler
	jobs       sync.WaitGroup // timers, pumps, calls of /admin
	ending     sync.Once
	done       chan struct{} // closed when all has ended
}

// Start starts the host and, if there is any function, its handler. It does
// not wait for the handler: calls do. The end of ctx is the same as Close.
// Its error says that it cannot listen; mistakes in host.json leave a host
// that answers 503, as in Azure, and that Err explains.
func Start(ctx context.Context, cfg Config) (*Host, error) {
	cfg = cfg.filled()
	root, err := filepath.Abs(cfg.Root)
	if err != nil {
		return nil, fmt.Errorf("devhost: %w", err)
	}
	cfg.Root = root
	h := &Host{cfg: cfg, log: cfg.Log, settings: newSettings(cfg.Environ, cfg.Settings), monitor: newMonitor(cfg.StateDir), done: make(chan struct{})}
	if h.listener, err = net.Listen("tcp", cfg.Addr); err != nil {
		return nil, fmt.Errorf("devhost: %w", err)
	}
	h.ctx, h.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	h.intake, h.stopIntake = context.WithCancel(h.ctx)
	if h.broken = h.load(); h.broken != nil {
		h.log.Error("A host error has occurred during startup.", "category", "Host.Startup", "error", h.broken)
	}
	h.server = &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	h.background.Go(func() { _ = h.server.Serve(h.listener) }) // ends with the listener
	h.work()
	context.AfterFunc(ctx, h.Close)
	return h, nil
}

// load reads the function app.
func (h *Host) load() error {
	host, err := loadHostJSON(h.cfg.Root, h.settings)
	if err != nil {
		return err
	}
	if !host.has("customhandler") {
		return errNoCustomHandler
	}
	if h.functionTimeout, err = host.span("functiontimeout"); err != nil {
		return err
	}
	functions, inError, err := loadFunctions(h.cfg.Root, host, h.settings)
	if err != nil {
		return err
	}
	for name, err := range inError {
		h.log.Error(fmt.Sprintf("The '%s' function is in error: %v", name, err), "category", "Host.Startup")
	}
	if h.port, err = reservePort(); err != nil {
		return err
	}
	h.functions = functions
	h.wire = &wire{addr: fmt.Sprintf("127.0.0.1:%d", h.port.number)}
	h.child = newChild(h, host)
	for _, f := range functions {
		switch {
		case f.disabled:
			h.log.Info("Function 'Functions."+f.name+"' is disabled", "category", "Host.Startup")
		case f.trigger.is("timerTrigger"):
			h.timers = append(h.timers, h.newTimer(f))
		}
	}
	return h.loadPumps(host)
}

// work starts what runs beside the callers: handler, timers, pumps.
func (h *Host) work() {
	if h.broken != nil || len(h.functions) == 0 {
		return
	}
	h.background.Go(func() { h.child.run(h.ctx) })
	for _, t := range h.timers {
		h.jobs.Go(t.run)
	}
	for _, p := range h.pumps {
		h.jobs.Go(p.run)
	}
}

// URL is where callers reach the host, without a slash at the end.
func (h *Host) URL() string { return "http://" + h.listener.Addr().String() }

// Key is the key for functions of authLevel function.
func (h *Host) Key() string { return h.cfg.Keys.Function }

// MasterKey opens every function and /admin.
func (h *Host) MasterKey() string { return h.cfg.Keys.Master }

// Ready waits until the handler answers. Its error says why it never will:
// Err's, or that no function could be loaded and so no handler was started.
func (h *Host) Ready(ctx context.Context) error {
	switch {
	case h.broken != nil:
		return h.broken
	case len(h.functions) == 0:
		return errNoFunctions
	}
	ctx, stop := h.bound(ctx)
	defer stop()
	return h.child.awaitReady(ctx)
}

// PID is the handler's process id, 0 if none runs.
func (h *Host) PID() int {
	if h.child == nil {
		return 0
	}
	return h.child.pid()
}

// Kill kills the handler as a crash would: it is started again, unless it was
// the third failure with no more than Timing.RestartWindow between them.
func (h *Host) Kill() error {
	if h.child == nil {
		return errNoCustomHandler
	}
	return h.child.crash()
}

// Fire runs a timer function now, as POST /admin/functions/<name> does, and
// waits for its end.
func (h *Host) Fire(ctx context.Context, name string) error {
	t := h.timer(name)
	if t == nil {
		return fmt.Errorf("devhost: no timer function %q is running", name)
	}
	ctx, stop := h.bound(ctx)
	defer stop()
	return t.called(ctx, "")
}

func (h *Host) timer(name string) *timer {
	for _, t := range h.timers {
		if strings.EqualFold(t.f.name, name) {
			return t
		}
	}
	return nil
}

// bound is ctx, ended with the host.
func (h *Host) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.ctx, func() { cancel(context.Cause(h.ctx)) })
	return ctx, func() { stop(); cancel(nil) }
}
