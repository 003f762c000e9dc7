package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/azurite"
	"github.com/azurepim/azure-pim/pim/ledger"
)

// gate stands in front of a service.
type gate struct {
	service http.Handler
	shut    atomic.Bool          // cuts every call, as an unreachable service does
	trap    atomic.Pointer[trap] // nil: there is none

	mu      sync.Mutex
	calls   map[string]int // by method
	answers map[int]int    // by status
}

func newGate(service http.Handler) *gate {
	return &gate{service: service, calls: map[string]int{}, answers: map[int]int{}}
}

func (g *gate) pass(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	g.calls[r.Method]++
	g.calls[""]++
	g.mu.Unlock()
	answer := &watched{ResponseWriter: w, gate: g}
	defer func() {
		if !answer.given {
			g.note(wasCut)
		}
	}()
	g.service.ServeHTTP(answer, r)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.shut.Load() {
		g.note(wasShut)
		panic(http.ErrAbortHandler)
	}
	t := g.trap.Load()
	if !t.hit(r) {
		g.pass(w, r)
		return
	}
	if t.after {
		g.pass(httptest.NewRecorder(), r) // the answer never leaves
	}
	t.spring(r)
	panic(http.ErrAbortHandler)
}

// watched tells the gate the status of an answer.
type watched struct {
	http.ResponseWriter
	gate  *gate
	given bool
}

func (w *watched) WriteHeader(status int) {
	w.given = true
	w.gate.note(status)
	w.ResponseWriter.WriteHeader(status)
}

func (g *gate) note(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers[status]++
}

// In place of a status: the service cut the call, or the gate was shut.
const (
	wasCut  = -1
	wasShut = -2
)

// count is how many calls of a method ("" is any) came to the service.
func (g *gate) count(method string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[method]
}

// answered is how many calls were answered with a status.
func (g *gate) answered(status int) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answers[status]
}

// trap does something, once, to whoever makes a certain call: before the service hears
// of it, or after it has acted and before it answers. The call is cut.
type trap struct {
	at     func(n int, step string) bool // n counts from 1
	after  bool
	action func(caller *http.Request) error

	mu    sync.Mutex
	done  bool
	steps []string // the calls so far
	fired chan error
}

func newTrap(at func(n int, step string) bool, after bool, action func(*http.Request) error) *trap {
	return &trap{at: at, after: after, action: action, fired: make(chan error, 1)}
}

func (t *trap) hit(r *http.Request) bool {
	if t == nil {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps = append(t.steps, step(r))
	if t.done || !t.at(len(t.steps), step(r)) {
		return false
	}
	t.done = true
	return true
}

func (t *trap) spring(r *http.Request) {
	// The server notices a caller's end only behind the body.
	_, err := io.Copy(io.Discard, r.Body)
	if err == nil {
		err = t.action(r)
	}
	t.fired <- err
}

// killing is the action that kills a handler, and returns when nothing is left of it.
func killing(kill func() error) func(*http.Request) error {
	return func(caller *http.Request) error {
		err := kill()
		if err == nil {
			<-caller.Context().Done()
		}
		return err
	}
}

func (t *trap) seen() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.steps...)
}

// step names a call so that it reads the same in every run.
func step(r *http.Request) string {
	what := path.Base(r.URL.Path)
	if before, _, entity := strings.Cut(what, "("); entity {
		what = before
	}
	if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/roleManagement") || isGUID(what) {
		what = path.Base(path.Dir(r.URL.Path))
	}
	if what == "token" {
		resource := strings.TrimPrefix(r.URL.Query().Get("resource"), "https://")
		what += " for " + strings.TrimSuffix(resource, "/")
	}
	return fmt.Sprintf("%s %s", r.Method, what)
}

func isGUID(s string) bool {
	return len(s) == 36 && strings.Count(s, "-") == 4
}

// openJournal makes a table of its own in Azurite and stands in front of it under the
// one name that the handler knows. It returns the way of a test into the same table.
func openJournal(t *testing.T, table string) (*gate, *ledger.Table) {
	t.Helper()
	az := azurite.Start(t)
	o := &ledger.TableOptions{Name: table}
	o.Transport = az.Client()
	direct, err := ledger.NewTable(az.Table(), az.Credential(), o)
	require.NoError(t, err)
	require.NoError(t, direct.EnsureTable(t.Context()))
	target, err := url.Parse(az.Table())
	require.NoError(t, err)
	account := target.Path
	target.Path = ""
	proxy := &httputil.ReverseProxy{
		Transport: az.Client().Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.URL.Path = strings.Replace(r.In.URL.Path, account+"/"+ledger.TableName, account+"/"+table, 1)
			r.Out.URL.RawPath = strings.Replace(r.In.URL.RawPath, account+"/"+ledger.TableName, account+"/"+table, 1)
		},
		// The handler that asked may be dead.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return newGate(proxy), direct
}

// sprung waits until the trap has acted, and returns what came of it.
func (t *trap) sprung(test *testing.T) error {
	test.Helper()
	select {
	case err := <-t.fired:
		return err
	case <-time.After(settled):
		return fmt.Errorf("the call was not made: %v", t.seen())
	}
}
