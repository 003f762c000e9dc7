package devhost

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// ServeHTTP is what callers see on the host's port.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Kestrel")
	path, _, _ := strings.Cut(r.RequestURI, "?")
	path = cleanPath(path)
	if h.broken != nil {
		w.Header()["Content-Type"] = nil // net/http must not guess one
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "Function host is not running.")
		http.NewResponseController(w).Flush()
		return
	}
	if path == "/" {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!DOCTYPE html><title>devhost</title>The function app is up and running.\n")
		return
	}
	if name, ok := strings.CutPrefix(strings.ToLower(path), "/admin/"); ok {
		h.admin(w, r, name)
		return
	}
	for _, f := range h.functions {
		if f.route == nil || f.disabled || !f.route.matches(r.Method, path) {
			continue
		}
		if !h.cfg.Keys.admit(f.level, r) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.forward(w, r, f)
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

// admin serves POST /admin/functions/{name}, which fires a timer and does not
// wait for it.
func (h *Host) admin(w http.ResponseWriter, r *http.Request, path string) {
	if !h.cfg.Keys.admit(levelAdmin, r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	name, ok := strings.CutPrefix(path, "functions/")
	t := h.timer(name)
	if !ok || t == nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var call struct{ Input string }
	if body, err := io.ReadAll(r.Body); err != nil || len(body) > 0 && json.Unmarshal(body, &call) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.jobs.Go(func() { _ = t.called(h.ctx, call.Input) }) // logged where it failed
	w.WriteHeader(http.StatusAccepted)
}
