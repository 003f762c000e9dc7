package handler

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// functionName is the host's rule for the name of a function's directory.
var functionName = regexp.MustCompile(`(?i)^[a-z][a-z0-9_-]{0,127}$`)

// New returns the handler of all of fns. GET / is answered at once, for the host
// asks it whether we are ready. Every invocation has a deadline, a complete
// answer, and if it fails one record in log.
//
// Where patterns overlap, the function whose name comes first is asked, as by the
// host.
//
// New panics if the table is wrong: a name that the host would not take, a
// pattern that does not parse, a name or a pattern that comes twice, an HTTP
// function at the path at which the host posts to another.
func New(log *slog.Logger, o Options, fns ...Function) http.Handler {
	o = o.WithDefaults()
	var t table
	names := map[string]bool{}
	patterns := map[string]bool{}
	for _, f := range fns {
		rt, err := parseRoute(f.Pattern)
		name, pattern := strings.ToLower(f.Name), strings.ToLower(f.Pattern)
		switch {
		case err != nil:
			panic(fmt.Sprintf("handler: function %q: %v", f.Name, err))
		case !functionName.MatchString(f.Name) || name == "host":
			panic(fmt.Sprintf("handler: bad function name %q", f.Name))
		case names[name] || patterns[pattern]:
			panic(fmt.Sprintf("handler: function %q: name or pattern comes twice", f.Name))
		}
		names[name], patterns[pattern] = true, true
		rt.endpoint = newEndpoint(log, o, f)
		t = append(t, rt)
	}
	slices.SortFunc(t, byName)
	for _, rt := range t {
		if f := t.trigger(rt); f != "" {
			panic(fmt.Sprintf("handler: function %q: its pattern matches the path of %q", rt.endpoint.Name, f))
		}
	}
	return t
}

// table is the routes in the order in which they are tried.
type table []route

// trigger names a triggered function at whose path the HTTP function of rt is
// served too, "" if there is none.
func (t table) trigger(rt route) string {
	for _, other := range t {
		if other.endpoint.isHTTP() || !rt.endpoint.isHTTP() || !rt.allows(http.MethodPost) {
			continue
		}
		if _, ok := rt.match(&url.URL{Path: "/" + other.endpoint.Name}); ok {
			return other.endpoint.Name
		}
	}
	return ""
}

func (t table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isProbe(r) {
		answerProbe(w)
		return
	}
	// What follows may outlive the request, and must not touch the server's own.
	r = r.Clone(withInvocation(r.Context(), newInvocation(r.Header)))
	hideKey(r)

	var allow []string
	for _, rt := range t {
		values, ok := rt.match(r.URL)
		if !ok {
			continue
		}
		if !rt.allows(r.Method) {
			allow = append(allow, rt.methods...)
			continue
		}
		for name, v := range values {
			r.SetPathValue(name, v)
		}
		r.Pattern = rt.pattern
		rt.endpoint.serveHTTP(w, r)
		return
	}
	drain(w, r)
	if allow == nil {
		writeProblem(r.Context(), w, http.StatusNotFound, "not_found")
		return
	}
	w.Header().Set("Allow", strings.Join(allow, ", "))
	writeProblem(r.Context(), w, http.StatusMethodNotAllowed, "method_not_allowed")
}

// isProbe reports whether r is the host's question whether we are ready.
func isProbe(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.Path == "/" }

// answerProbe says that we listen; whether the functions are ready is none of
// the host's business, since requests wait for them.
func answerProbe(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"listening"}`))
}
