package devhost

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// child runs the handler's process and starts it again when it fails.
type child struct {
	host *Host
	log  *slog.Logger
	path string
	args []string
	dir  string

	mu       sync.Mutex
	process  *os.Process   // nil: none
	ready    chan struct{} // closed: calls may go to the handler
	killed   bool          // by us, so its death is no failure of the handler
	failures failures
}

// failures counts how often the handler has failed. It is forgotten only when a
// failure comes longer than the window after the one before it.
type failures struct {
	count int
	last  time.Time
}

func (f *failures) add(now time.Time, window time.Duration) int {
	if now.Sub(f.last) > window {
		f.count = 0
	}
	f.count, f.last = f.count+1, now
	return f.count
}

// newChild reads customHandler.description. A relative executable is looked
// for in the root first, then in PATH.
func newChild(h *Host, host hostJSON) *child {
	c := &child{host: h, log: h.log, ready: make(chan struct{})}
	const description = "customhandler:description:"
	c.dir = filepath.Join(h.cfg.Root, host[description+"workingdirectory"])
	c.path = h.cfg.HandlerPath
	if c.path == "" {
		c.path = h.settings.expand(host[description+"defaultexecutablepath"])
		if inRoot := filepath.Join(h.cfg.Root, c.path); !filepath.IsAbs(c.path) {
			if _, err := os.Stat(inRoot); err == nil {
				c.path = inRoot
			}
		}
	}
	// The host joins the arguments and splits them again.
	c.args = strings.Fields(h.settings.expand(strings.Join(host.list(description+"arguments"), " ")))
	return c
}

// run keeps the handler running until ctx ends, the handler leaves with 0, or
// it has failed too often: then it ends the host.
func (c *child) run(ctx context.Context) {
	for ctx.Err() == nil {
		cmd := c.command()
		if err := cmd.Start(); err != nil {
			// Nothing else follows: calls wait for ever.
			c.log.Error("Failed to start Worker Channel. Process fileName: "+c.path, "category", "Worker.HttpWorkerProcess", "error", err)
			return
		}
		c.mu.Lock()
		c.process, c.killed = cmd.Process, false
		c.mu.Unlock()

		exited := make(chan struct{})
		go func() {
			_ = cmd.Wait() // its ProcessState is read below
			close(exited)
		}()
		listening := c.awaitListening(ctx, exited)
		select {
		case <-exited:
		case <-ctx.Done():
			c.kill(cmd.Process.Pid)
			<-exited
		}
		if c.ended(ctx, cmd, listening) {
			return
		}
	}
}

// awaitListening polls until the handler gives any answer to GET /. If it
// gives none in time it is killed, and false returned.
func (c *child) awaitListening(ctx context.Context, exited <-chan struct{}) bool {
	timing := c.host.cfg.Timing
	ctx, cancel := context.WithTimeout(ctx, timing.ListenWithin)
	defer cancel()
	poll := wireRequest{method: "GET", target: "/", header: [][2]string{{"Host", c.host.wire.addr}}}
	for {
		if _, err := c.host.wire.do(ctx, poll); err == nil {
			c.log.Info("Worker process started and initialized.", "category", "Microsoft.Azure.WebJobs.Script.Workers.HttpFunctionInvocationDispatcher")
			c.mu.Lock()
			close(c.ready)
			c.mu.Unlock()
			return true
		}
		select {
		case <-exited:
			return false
		case <-ctx.Done():
			c.log.Error("Failed to start http worker process. Initializing HttpWorker timed out.", "category", "Worker.HttpWorkerChannel")
			c.kill(c.pid())
			return false
		case <-time.After(timing.PollEvery):
		}
	}
}

// ended books the death of the handler and reports whether it was the last.
func (c *child) ended(ctx context.Context, cmd *exec.Cmd, listening bool) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.process = nil
	c.host.wire.close()
	code := cmd.ProcessState.ExitCode()
	switch {
	case ctx.Err() != nil:
		return true
	case code == 0:
		// Not started again, and nothing says so: calls are refused from now
		// on, or wait for ever if it never listened.
		return true
	}
	c.holdCalls()
	if c.killed && listening {
		return false // functionTimeout
	}
	if listening || !c.killed {
		c.log.Error(fmt.Sprintf("Language Worker Process exited. Pid=%d. %s exited with code %d", cmd.ProcessState.Pid(), c.path, code), "category", "Worker.HttpWorkerProcess")
	}
	if c.failures.add(time.Now(), c.host.cfg.Timing.RestartWindow) < maxFailures {
		return false
	}
	c.log.Error("Exceeded http worker restart retry count. Shutting down Functions Host", "category", "Microsoft.Azure.WebJobs.Script.Workers.HttpFunctionInvocationDispatcher")
	go c.host.end(errRestartsExceeded, true)
	return true
}

func (c *child) command() *exec.Cmd {
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir = c.dir
	cmd.Env = c.host.childEnvironment(c.dir)
	cmd.Stdout = &console{log: c.log}
	cmd.Stderr = &console{log: c.log, stderr: true}
	// A grandchild may keep the pipes open; its lines are not waited for.
	cmd.WaitDelay = time.Second
	return cmd
}

// awaitReady waits until calls may go to the handler.
func (c *child) awaitReady(ctx context.Context) error {
	c.mu.Lock()
	ready := c.ready
	c.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// kill ends the process on the host's behalf, as functionTimeout does, unless another
// one has taken its place.
func (c *child) kill(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process != nil && c.process.Pid == pid {
		c.killed = true
		c.holdCalls()
		_ = c.process.Kill() // it may have left by itself
	}
}

// holdCalls makes calls wait for the next process. The lock is held.
func (c *child) holdCalls() {
	select {
	case <-c.ready:
		c.ready = make(chan struct{})
	default:
	}
}

// crash kills the process as if it had died by itself.
func (c *child) crash() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return os.ErrProcessDone
	}
	return c.process.Kill()
}

func (c *child) pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.process == nil {
		return 0
	}
	return c.process.Pid
}
