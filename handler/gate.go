package handler

import (
	"context"
	"net/http"
	"time"
)

// gate is in front of the functions until they are ready, and answers the host
// meanwhile.
type gate struct {
	wait  time.Duration
	ready chan struct{} // closed once h is set
	h     http.Handler
}

func (g *gate) open(h http.Handler) {
	g.h = h
	close(g.ready)
}

// ServeHTTP lets requests wait rather than fail: the host delivers a failed
// message again at once, and would soon have used up the queue's delivery count.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isProbe(r) {
		answerProbe(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.wait)
	defer cancel()
	select {
	case <-g.ready:
		g.h.ServeHTTP(w, r)
	case <-ctx.Done():
		drain(w, r)
		w.Header().Set("Retry-After", "5")
		writeProblem(withInvocation(ctx, newInvocation(r.Header)), w, http.StatusServiceUnavailable, "starting")
	}
}
