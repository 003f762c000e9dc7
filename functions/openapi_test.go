package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
)

// document is openapi.json, as far as it is held to the app.
type document struct {
	Paths      map[string]map[string]operation
	Components struct {
		Schemas    map[string]any
		Parameters map[string]parameter
		Responses  map[string]response
	}
	Security []map[string][]string

	mu     sync.Mutex
	at     *jsonschema.Compiler // of the document as it stands
	strict *jsonschema.Compiler // where no answer has a field that it does not name
}

// schema finds the schema of that pointer.
func (d *document) schema(t *testing.T, c *jsonschema.Compiler, segments ...string) *jsonschema.Schema {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := c.Compile(pointer(segments...))
	require.NoError(t, err)
	return s
}

type operation struct {
	OperationID string
	Summary     string
	Parameters  []parameter
	RequestBody *struct{ Content map[string]media }
	Responses   map[string]response
	Security    []map[string][]string
}

type parameter struct {
	Ref      string `json:"$ref"`
	Name, In string
	Required bool
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     map[string]struct{ Required bool }
	Content     map[string]media
}

type media struct {
	Schema   any
	Examples map[string]struct{ Value any }
}

const documentURL = "https://azure-pim.example/openapi.json"

// described reads the document once: compiling it takes longer than most tests.
var described = sync.OnceValues(func() (*document, error) {
	b, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	d := &document{}
	if err := json.Unmarshal(b, d); err != nil {
		return nil, err
	}
	for _, c := range []struct {
		into  **jsonschema.Compiler
		close bool
	}{{&d.at, false}, {&d.strict, true}} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		if c.close {
			closeObjects(doc)
		}
		compiler := jsonschema.NewCompiler()
		compiler.DefaultDraft(jsonschema.Draft2020)
		compiler.AssertFormat()
		if err := compiler.AddResource(documentURL, doc); err != nil {
			return nil, err
		}
		*c.into = compiler
	}
	return d, nil
})

// closeObjects lets no object have a property that its schema does not name.
func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if v["type"] == "object" && v["properties"] != nil {
			v["additionalProperties"] = false
		}
		for _, x := range v {
			closeObjects(x)
		}
	case []any:
		for _, x := range v {
			closeObjects(x)
		}
	}
}

func readDocument(t *testing.T) *document {
	t.Helper()
	d, err := described()
	require.NoError(t, err)
	return d
}

// pointer makes a JSON pointer of path segments.
func pointer(segments ...string) string {
	for i, s := range segments {
		segments[i] = strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
	}
	return documentURL + "#/" + strings.Join(segments, "/")
}

// resolve follows a reference into the components.
func (d *document) response(r response) (response, []string) {
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		return d.Components.Responses[name], []string{"components", "responses", name}
	}
	return r, nil
}

func (d *document) parameter(p parameter) parameter {
	if name, ok := strings.CutPrefix(p.Ref, "#/components/parameters/"); ok {
		return d.Components.Parameters[name]
	}
	return p
}

// operation finds the one that a request is for.
func (d *document) operation(method, path string) (template string, op operation, ok bool) {
	path, _, _ = strings.Cut(path, "?")
	path, ok = strings.CutPrefix(path, strings.TrimSuffix(functions.Prefix, "/"))
	if !ok {
		return "", operation{}, false
	}
	for _, template := range slices.Sorted(maps.Keys(d.Paths)) {
		form := "^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$"
		if op, has := d.Paths[template][strings.ToLower(method)]; has && regexp.MustCompile(form).MatchString(path) {
			return template, op, true
		}
	}
	return "", operation{}, false
}

// conforms demands that an answer of the app is one that the document describes.
func (d *document) conforms(t *testing.T, method, path string, rec *httptest.ResponseRecorder) {
	t.Helper()
	template, op, ok := d.operation(method, path)
	if !ok {
		return
	}
	what := method + " " + path + ": " + rec.Body.String()
	status := strconv.Itoa(rec.Code)
	described, has := op.Responses[status]
	require.True(t, has, "%s: %d is not described", what, rec.Code)
	r, at := d.response(described)
	if at == nil {
		at = []string{"paths", template, strings.ToLower(method), "responses", status}
	}
	kind, _, _ := strings.Cut(rec.Header().Get("Content-Type"), ";")
	require.Contains(t, r.Content, kind, what)
	for name, h := range r.Headers {
		require.True(t, !h.Required || rec.Header().Get(name) != "", "%s: without %s", what, name)
	}
	for _, name := range []string{"Location", "Retry-After", "Www-Authenticate"} {
		if rec.Header().Get(name) != "" {
			require.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(r.Headers)), func(h string) bool { return strings.EqualFold(h, name) }), "%s: %s is not described", what, name)
		}
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	schema := d.schema(t, d.strict, append(at, "content", kind, "schema")...)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(rec.Body.Bytes()))
	require.NoError(t, err, what)
	require.NoError(t, schema.Validate(v), what)
}

// The routes of the table and the paths of the document are the same, both ways.
func TestDocumentDescribesEveryRoute(t *testing.T) {
	d := readDocument(t)
	var routes, paths []string
	for _, f := range (&functions.App{}).Table() {
		if f.Trigger != "httpTrigger" {
			continue
		}
		methods, path, _ := strings.Cut(f.Pattern, " ")
		for m := range strings.SplitSeq(methods, ",") {
			routes = append(routes, m+" "+strings.TrimPrefix(path, strings.TrimSuffix(functions.Prefix, "/")))
		}
	}
	for path, ops := range d.Paths {
		for m := range ops {
			paths = append(paths, strings.ToUpper(m)+" "+path)
		}
	}
	require.ElementsMatch(t, routes, paths)
}

// What a client is made of: every operation has a name, its parameters, a success and
// its failures.
func TestOperationsAreWhole(t *testing.T) {
	d := readDocument(t)
	defs, names := definitions(t), map[string]bool{}
	for path, ops := range d.Paths {
		for method, op := range ops {
			what := method + " " + path
			require.NotEmpty(t, op.Summary, what)
			require.False(t, names[op.OperationID], "%s: another is named %s", what, op.OperationID)
			names[op.OperationID] = true
			var inPath, declared []string
			for _, m := range regexp.MustCompile(`\{([a-z]+)\}`).FindAllStringSubmatch(path, -1) {
				inPath = append(inPath, m[1])
			}
			for _, p := range op.Parameters {
				p = d.parameter(p)
				require.NotEmpty(t, p.Name, what)
				if p.In == "path" {
					require.True(t, p.Required, what)
					declared = append(declared, p.Name)
				}
			}
			require.ElementsMatch(t, inPath, declared, what)
			open := false
			for _, def := range defs {
				in := def.Bindings[0]
				if "/"+in.Route == path && slices.Contains(in.Methods, method) {
					open = in.AuthLevel == "anonymous"
				}
			}
			require.Equal(t, open, op.Security != nil, "%s: whether the host asks for a key", what)
			good := 0
			for status, r := range op.Responses {
				r, _ = d.response(r)
				require.NotEmpty(t, r.Description, "%s %s", what, status)
				require.NotEmpty(t, r.Content, "%s %s", what, status)
				if status[0] == '2' {
					good++
				}
			}
			require.NotZero(t, good, what)
			if !open {
				for _, status := range []string{"401", "500"} {
					require.Contains(t, op.Responses, status, what)
				}
			}
		}
	}
}

func TestSchemasAndExamplesHold(t *testing.T) {
	d := readDocument(t)
	for name := range d.Components.Schemas {
		d.schema(t, d.at, "components", "schemas", name)
	}
	check := func(at []string, content map[string]media) {
		for kind, m := range content {
			schema := d.schema(t, d.strict, append(slices.Clone(at), "content", kind, "schema")...)
			for name, e := range m.Examples {
				b, err := json.Marshal(e.Value)
				require.NoError(t, err)
				v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
				require.NoError(t, err)
				require.NoError(t, schema.Validate(v), "%v: example %s", at, name)
			}
			if strings.HasSuffix(kind, "json") && at[len(at)-1] != "200" || len(at) == 3 {
				require.NotEmpty(t, m.Examples, "%v", at)
			}
		}
	}
	for name, r := range d.Components.Responses {
		check([]string{"components", "responses", name}, r.Content)
	}
	for path, ops := range d.Paths {
		for method, op := range ops {
			if op.RequestBody != nil {
				check([]string{"paths", path, method, "requestBody"}, op.RequestBody.Content)
			}
			for status, r := range op.Responses {
				if r.Ref == "" {
					check([]string{"paths", path, method, "responses", status}, r.Content)
				}
			}
		}
	}
}

// The words that the document lists are all that the code has, and no others.
func TestDocumentKnowsEveryWord(t *testing.T) {
	d := readDocument(t)
	for schema, in := range map[string]struct{ file, name string }{
		"Code": {"../pim/errors.go", "Code"}, "ReasonCode": {"../pim/decision.go", "ReasonCode"}, "State": {"../pim/change.go", "State"},
		"Action": {"../pim/request.go", "Action"}, "Kind": {"../pim/request.go", "Kind"}, "Waiver": {"../pim/waiver.go", "Waiver"}, "Plane": {"../pim/plane.go", "Plane"},
	} {
		want := words(t, in.file, in.name)
		if schema == "Code" {
			want = append(want, words(t, "problem.go", "Code")...)
		}
		var listed []string
		for _, v := range d.Components.Schemas[schema].(map[string]any)["enum"].([]any) {
			listed = append(listed, v.(string))
		}
		require.ElementsMatch(t, want, listed, schema)
	}
}

// words are the string constants of a type in a file.
func words(t *testing.T, file, name string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil || len(spec.Values) != 1 {
			return true
		}
		of := spec.Type
		if sel, ok := of.(*ast.SelectorExpr); ok {
			of = sel.Sel
		}
		lit, isLit := spec.Values[0].(*ast.BasicLit)
		if id, ok := of.(*ast.Ident); ok && id.Name == name && isLit {
			text, err := strconv.Unquote(lit.Value)
			require.NoError(t, err)
			out = append(out, text)
		}
		return true
	})
	require.NotEmpty(t, out, "%s in %s", name, file)
	return out
}

// The examples of requests work as they stand, once they name what this tenant holds.
func TestExamplesWork(t *testing.T) {
	d := readDocument(t)
	const ada, sub = "f1c1f5f0-7b0d-4b2e-9a55-3b0e2a5f0001", "2b6d1c52-6f4b-4c0e-b5de-1f1b0c9c4a11"
	for _, path := range []string{"/activatePIMRole", "/changes"} {
		for name, e := range d.Paths[path]["post"].RequestBody.Content["application/json"].Examples {
			t.Run(path+" "+name, func(t *testing.T) {
				inTime(t, func(t *testing.T) {
					a := newApp(t, rules)
					b, err := json.Marshal(e.Value)
					require.NoError(t, err)
					body := strings.NewReplacer(ada, a.ada, sub, a.subID).Replace(string(b))
					rec := a.call(http.MethodPost, functions.Prefix+path[1:], body)
					require.Contains(t, []int{http.StatusCreated, http.StatusAccepted}, rec.Code, rec.Body.String())
					a.settle()
					for _, c := range get[pim.Report](a, "changes").Value {
						require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
					}
					require.NotEmpty(t, a.held(a.ada))
				})
			})
		}
	}
}

// Every operation, asked so that it succeeds; that its answer is as described is held
// by the call itself, here as in every other test.
func TestEverySuccessIsAsDescribed(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d := readDocument(t)
		seen := map[string]bool{}
		a := newReads(t)
		a.use(strings.Replace(rules, "callers: [", "callers: [{anyUser: true}, ", 1) + "    approval: {group: APPROVERS, within: PT4H}\n")
		ask := func(op, method, path, body string, headers ...string) {
			t.Helper()
			rec := a.call(method, "/api/"+path, body, headers...)
			require.Less(t, rec.Code, 300, "%s: %s", path, rec.Body)
			seen[op] = true
		}
		bob := bearer(a.token(a.bob))
		ask("createChanges", "POST", "changes?dryRun=true", a.request("CR1"))
		ask("createChanges", "POST", "changes", a.request("CR1"))
		ask("createChanges", "POST", "changes", "["+a.request("CR2")+`,{"id":"x"},`+strings.Replace(a.request("CR3"), a.ada, a.identity, 1)+"]")
		ask("createChanges", "POST", "changes?dryRun=1", "["+a.request("CR2")+`,{"id":"x"}]`)
		ask("listApprovals", "GET", "approvals", "", bob...)
		ask("listApprovals", "GET", "approvals?limit=1", "")
		ask("decideApproval", "POST", "approvals/CR1", a.ballot("CR1"), bob...)
		a.settle()
		a.use(rules)
		ask("activatePIMRole", "POST", "activatePIMRole", a.bodies()["owner for a change"])
		a.settle()
		ask("getChange", "GET", "changes/CR1", "")
		ask("listChanges", "GET", "changes?limit=2", "")
		for _, p := range a.places() {
			at := "?plane=" + p.plane + "&scope=" + p.scope
			ask("listEligibilities", "GET", "eligibilities"+at, "")
			ask("listAssignments", "GET", "assignments"+at+"&principal="+a.bob, "")
			ask("listRoles", "GET", "roles"+at, "")
			ask("getPolicy", "GET", "policies"+at+"&role="+p.roles[0], "")
		}
		time.Sleep(20 * time.Minute)
		ask("listAudit", "GET", "audit", "")
		a.app.Queues = letters{a.queues}
		ask("listDeadLetters", "GET", "deadletters", "")
		ask("resubmitDeadLetter", "POST", "deadletters/pim-requests:1", "")
		ask("health", "GET", "health", "")
		ask("openapi", "GET", "openapi.json", "")

		a = newSweepApp(t, "apply")
		ask("sweep", "POST", "sweeps", "")
		plans := get[struct{ ID, Hash string }](a, "sweeps").Value
		ask("listSweeps", "GET", "sweeps", "")
		ask("getSweep", "GET", "sweeps/"+plans[0].ID, "")
		ask("getSweep", "GET", "sweeps/"+plans[0].ID+"?format=html", "")
		ask("getSweep", "GET", "sweeps/"+plans[0].ID+"?format=text", "")
		ask("sweep", "POST", "sweeps", fmt.Sprintf(`{"apply":%q}`, plans[0].Hash))
		a.settle()
		ask("getSweep", "GET", "sweeps/"+plans[0].ID, "")
		ask("restoreSweep", "POST", "sweeps/"+plans[0].ID+"/restore", "")
		a.settle()
		ask("getSweep", "GET", "sweeps/"+plans[0].ID, "")

		for path, ops := range d.Paths {
			for method, op := range ops {
				require.True(t, seen[op.OperationID], "%s %s was not asked", method, path)
			}
		}
	})
}

// letters are queues with a dead letter.
type letters struct{ *queues }

func (letters) DeadLetters(_ context.Context, queue string, from int64, most int) (out []functions.DeadLetter, err error) {
	for n := max(from, 1); n <= 3 && len(out) < most; n++ {
		out = append(out, functions.DeadLetter{Sequence: n, Queue: queue, ID: fmt.Sprint("m-", n), Reason: "MaxDeliveryCountExceeded", Enqueued: time.Now()})
	}
	return out, nil
}

func (letters) Resubmit(context.Context, string, int64) error { return nil }
