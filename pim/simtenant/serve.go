package simtenant

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
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
	f := t.drawFault(c)
	if err := hold(r.Context(), f.Delay); err != nil {
		return nil, err
	}
	a, observers := t.carry(c, f)
	if f.DropRequest || f.DropAnswer {
		return nil, errCut
	}
	for _, o := range observers {
		o(r, c.body, a.status, a.header, a.body)
	}
	return a, nil
}

func (t *Tenant) drawFault(c *call) Fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.fault(c)
}

// carry is the part of an exchange that holds the lock.
func (t *Tenant) carry(c *call, f Fault) (*answer, []Observer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f.DropRequest {
		t.log(c, 0)
		return nil, nil
	}
	t.settle()
	var a *answer
	if f.Status != 0 {
		a = t.failed(c, f)
	} else {
		a = t.serve(c)
	}
	a.header.Set("Date", t.now().Format(http.TimeFormat))
	return a, t.observe
}

// failed answers in place of the service.
func (t *Tenant) failed(c *call, f Fault) *answer {
	c.caller, _ = t.authenticate(c.header, func(string) bool { return true }) // for the log
	a := f.answer()
	if f.Claims != "" {
		a.header.Set("WWW-Authenticate", `Bearer realm="", authorization_uri="`+t.login()+`/common/oauth2/authorize", error="insufficient_claims", claims="`+
			base64.StdEncoding.EncodeToString([]byte(f.Claims))+`"`)
	}
	t.log(c, a.status)
	return a
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

// callsKept bounds the log of calls of a tenant that lives long.
const callsKept = 100_000

func (t *Tenant) log(c *call, status int) {
	if len(t.calls) >= callsKept {
		t.calls = slices.Delete(t.calls, 0, callsKept/2)
	}
	t.calls = append(t.calls, Call{Method: c.method, Path: c.path, Query: c.query, Body: c.body, Status: status,
		Principal: c.caller.oid, Time: t.now()})
}
