package devhost

import (
	"context"
	"time"
)

// Done is closed when the host has ended, by itself or by Close.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err is why the host answers 503 or has ended; nil while all is well.
func (h *Host) Err() error {
	if h.broken != nil {
		return h.broken
	}
	return context.Cause(h.ctx)
}

// Close ends the host and its handler at once and waits for both.
func (h *Host) Close() {
	h.cancel(ErrClosed) // a Shutdown under way need not wait
	h.end(ErrClosed, false)
	<-h.done
}

// Shutdown ends the host as SIGTERM does: new connections are refused, HTTP
// calls in flight may finish within Timing.DrainHTTP, then timers and messages
// at work within Timing.DrainJobs.
func (h *Host) Shutdown() {
	h.end(ErrClosed, true)
	<-h.done
}

func (h *Host) end(why error, drain bool) {
	h.ending.Do(func() {
		if drain {
			ctx, cancel := context.WithTimeout(h.ctx, h.cfg.Timing.DrainHTTP)
			_ = h.server.Shutdown(ctx) // what is still in flight is cut off below
			cancel()
			h.stopIntake()
			h.drainJobs()
		}
		h.stopIntake()
		h.cancel(why)
		_ = h.server.Close()
		h.jobs.Wait()
		h.background.Wait()
		h.port.release()
		close(h.done)
	})
}

// drainJobs gives timers and messages at work their time.
func (h *Host) drainJobs() {
	finished := make(chan struct{})
	go func() {
		h.jobs.Wait()
		close(finished)
	}()
	select {
	case <-finished:
	case <-time.After(h.cfg.Timing.DrainJobs):
	case <-h.ctx.Done():
	}
}
