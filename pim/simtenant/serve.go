package simtenant

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
)

// surface is one of the services that share the tenant's address.
type surface struct {
	claims func(c *call) bool
	serve  func(t *Tenant, c *call) *answer
}

// errCut means that the connection is cut instead of an answer.
var errCut = errors.New("connection reset by the simulated tenant")

// ServeHTTP serves all of the tenant's services on one address.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := t.exchange(r)
	if err != nil {
		panic(http.ErrAbortHandler) // the server cuts the connection
	}
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller who is gone does not want to know
}

// exchange carries one call from the wire to the wire. Its error means that the
// caller gets no answer.
func (t *Tenant) exchange(r *http.Request) (*answer, error) {
	c, err := newCall(r)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	f := t.fault(c)
	t.mu.Unlock()
	if err := hold(r.Context(), f.Delay); err != nil {
		return nil, err
	}
	if f.DropRequest {
		t.mu.Lock()
		t.log(c, 0)
		t.mu.Unlock()
		return nil, errCut
	}

	t.mu.Lock()
	t.settle()
	var a *answer
	if f.Status != 0 {
		t.identify(c)
		a = f.answer()
		t.log(c, a.status)
	} else {
		a = t.serve(c)
	}
	a.header.Set("Date", t.now().Format(http.TimeFormat))
	observers := t.observe
	t.mu.Unlock()

	if f.DropAnswer {
		return nil, errCut
	}
	for _, o := range observers {
		o(r, c.body, a.status, a.header, a.body)
	}
	return a, nil
}

// serve gives a call, or an item of a batch, to the service that it is for.
func (t *Tenant) serve(c *call) *answer {
	for _, s := range t.surfaces {
		if s.claims(c) {
			a := s.serve(t, c)
			t.log(c, a.status)
			return a
		}
	}
	a := reply(http.StatusNotFound, errorBody("NotFound", "There is no service at this path."))
	t.log(c, a.status)
	return a
}

// identify notes who calls, for the log of a call that no service sees.
func (t *Tenant) identify(c *call) {
	c.caller, _ = t.authenticate(c.header, func(string) bool { return true })
}

func (t *Tenant) log(c *call, status int) {
	t.calls = append(t.calls, Call{Method: c.method, Path: c.path, Query: c.query, Body: c.body, Status: status,
		Principal: c.caller.oid, Time: t.now()})
}
