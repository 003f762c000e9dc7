package handler_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

func TestRequestsReachTheirFunction(t *testing.T) {
	type seen struct{ function, id, rest, pattern string }
	var got seen
	function := func(name, pattern string) handler.Function {
		return handler.HTTP(name, pattern, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = seen{name, r.PathValue("id"), r.PathValue("rest"), r.Pattern}
		}))
	}
	h := handler.New(newConsole().Logger, handler.Options{},
		function("rest", "GET /api/files/{rest...}"),
		function("read", "GET /api/changes/{id}"),
		function("Audit", "GET /api/changes/audit"),
		function("decide", "PUT,PATCH /api/changes/{id}"),
		function("undo", "POST /api/changes/{id}/undo"),
		function("any", "/api/any"),
		function("sshd", "GET /api/sshd"),
	)
	const read, rest = "GET /api/changes/{id}", "GET /api/files/{rest...}"
	for _, tc := range []struct {
		request string
		status  int
		want    seen
		allow   string
	}{
		{request: "GET /api/changes/42", want: seen{"read", "42", "", read}},
		{request: "GET /API/Changes/CamelCase", want: seen{"read", "CamelCase", "", read}},
		{request: "GET /api/changes/42/", want: seen{"read", "42", "", read}},
		{request: "GET /api/changes/a%2Fb%20c", want: seen{"read", "a/b c", "", read}},
		{request: "GET /api/changes/%C3%A9+", want: seen{"read", "é+", "", read}},
		{request: "GET /api/ch%61nges/42", want: seen{"read", "42", "", read}},
		{request: "GET /api/changes/..", want: seen{"read", "..", "", read}}, // not a path to climb, a value to refuse
		{request: "GET /api/changes/AUDIT", want: seen{"Audit", "", "", "GET /api/changes/audit"}},
		{request: "PATCH /api/changes/42", want: seen{"decide", "42", "", "PUT,PATCH /api/changes/{id}"}},
		{request: "PUT /api/changes/audit", want: seen{"decide", "audit", "", "PUT,PATCH /api/changes/{id}"}},
		{request: "POST /api/changes/42/UNDO", want: seen{"undo", "42", "", "POST /api/changes/{id}/undo"}},
		{request: "GET /api/files/a/B%2Fc//d", want: seen{"rest", "", "a/B/c//d", rest}},
		{request: "GET /api/files", want: seen{"rest", "", "", rest}},
		{request: "PURGE /api/any", want: seen{"any", "", "", "/api/any"}},

		{request: "DELETE /api/changes/42", status: 405, allow: "PUT, PATCH, GET"},
		{request: "GET /change", status: 404},
		{request: "GET /api/changes", status: 404},
		{request: "GET /api/changes/", status: 404},
		{request: "GET /api//changes/42", status: 404},
		{request: "GET /api/changes//undo", status: 404},
		{request: "GET /api/changes/42/43", status: 404},
		{request: "GET /api", status: 404},
		{request: "POST /", status: 404},
		{request: "OPTIONS *", status: 404},
		{request: "GET /api/%C5%BFshd", status: 404}, // U+017F folds to s in Unicode, not at the host
		{request: "GET /api/\u212Ahange", status: 404},
	} {
		t.Run(tc.request, func(t *testing.T) {
			got = seen{}
			method, path, _ := strings.Cut(tc.request, " ")
			r := httptest.NewRequest(method, path, nil)
			r.Header.Set("X-Azure-Functions-InvocationId", "real")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, tc.want, got)
			if tc.status == 0 {
				require.Equal(t, 200, w.Code)
				return
			}
			require.Equal(t, tc.status, w.Code)
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			require.Equal(t, tc.allow, w.Header().Get("Allow"))
			var p struct {
				Status            int
				Code, Title, Type string
				Trace             string
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
			require.Equal(t, tc.status, p.Status)
			require.Equal(t, "real", p.Trace)
			require.NotEmpty(t, p.Code)
		})
	}
}

// The host has checked the key of the first function by name; any other would be
// asked without a check of its own.
func TestOverlappingRoutesAreTriedInTheOrderOfFunctionNames(t *testing.T) {
	const literal, param, rest = "GET /api/changes/all", "GET /api/changes/{id}", "GET /api/{rest...}"
	for _, tc := range []struct{ literal, param, rest, want string }{
		{"a", "b", "c", "a"},
		{"b", "a", "c", "a"},
		{"c", "b", "A", "A"},
		{"b", "C", "A", "A"},
		{"a", "B", "C", "a"},
		{"list_all", "listed", "z", "listed"}, // OrdinalIgnoreCase compares upper case, where _ follows the letters
		{"list-all", "listed", "z", "list-all"},
	} {
		t.Run(tc.literal+tc.param+tc.rest, func(t *testing.T) {
			var got string
			function := func(name, pattern string) handler.Function {
				return handler.HTTP(name, pattern, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got = name }))
			}
			h := handler.New(newConsole().Logger, handler.Options{},
				function(tc.rest, rest), function(tc.literal, literal), function(tc.param, param))
			require.Equal(t, 200, ask(h, "GET", "/api/changes/all", "").Code)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestTriggeredFunctionIsReachedInAnyCaseByPostAlone(t *testing.T) {
	var a app
	h := handler.New(newConsole().Logger, handler.Options{}, a.table()...)
	for method, want := range map[string]int{"POST": 500, "GET": 405} { // 500: no envelope
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/Sweep", nil))
		require.Equal(t, want, w.Code)
	}
}

func TestRootTellsTheHostThatWeListen(t *testing.T) {
	w := httptest.NewRecorder()
	handler.New(newConsole().Logger, handler.Options{}).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 200, w.Code)
	require.NotEmpty(t, w.Body.String())
}

func TestWrongTablePanicsAtTheStart(t *testing.T) {
	http := func(name, pattern string) handler.Function { return handler.HTTP(name, pattern, nil) }
	for name, table := range map[string][]handler.Function{
		"name the host refuses":     {http("1st", "GET /api/x")},
		"reserved name":             {http("Host", "GET /api/x")},
		"name twice":                {http("a", "GET /api/x"), http("A", "GET /api/y")},
		"pattern twice":             {http("a", "GET /api/x"), http("b", "GET /API/x")},
		"HTTP at a trigger's path":  {handler.Timer("sweep", nil), http("a", "POST /Sweep")},
		"HTTP over all paths":       {http("a", "/{rest...}"), handler.Timer("sweep", nil)},
		"the probe's path":          {http("a", "GET /")},
		"no path":                   {http("a", "GET")},
		"methods in lower case":     {http("a", "get /api/x")},
		"empty segment":             {http("a", "GET /api//x")},
		"half a parameter":          {http("a", "GET /api/x{id}")},
		"parameter without a name":  {http("a", "GET /api/{}")},
		"something behind the rest": {http("a", "GET /api/{rest...}/x")},
	} {
		t.Run(name, func(t *testing.T) {
			require.Panics(t, func() { handler.New(newConsole().Logger, handler.Options{}, table...) })
		})
	}
}
