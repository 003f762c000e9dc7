package simtenant_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// armSpecs is where Microsoft's OpenAPI documents lie beside a checkout, if they do.
const armSpecs = "../../../shared/specs/arm/specification/authorization/resource-manager/Microsoft.Authorization"

// operation is one operation of Microsoft's OpenAPI documents.
type operation struct {
	method, version string
	path            *regexp.Regexp
	file            string
	parameters      []any
	responses       map[string]any
}

// operations are those of the documents, empty where there are none.
var operations = sync.OnceValue(func() []operation {
	var out []operation
	for _, dir := range []string{"stable/2020-10-01", "stable/2022-04-01", "preview/2021-01-01-preview"} {
		files, _ := filepath.Glob(filepath.Join(armSpecs, dir, "*.json"))
		for _, f := range files {
			paths, _ := document(f)["paths"].(map[string]any)
			for template, item := range paths {
				for method, op := range item.(map[string]any) {
					o := op.(map[string]any)
					parameters, _ := o["parameters"].([]any)
					out = append(out, operation{strings.ToUpper(method), filepath.Base(dir), pathPattern(template), f, parameters, o["responses"].(map[string]any)})
				}
			}
		}
	}
	return out
})

var (
	documents   sync.Map
	placeholder = regexp.MustCompile(`\\\{\w+\\\}`)
)

func document(file string) map[string]any {
	if d, ok := documents.Load(file); ok {
		return d.(map[string]any)
	}
	var d map[string]any
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &d)
	}
	if err != nil {
		panic(err)
	}
	documents.Store(file, d)
	return d
}

// pathPattern matches a path of a document; a scope is any number of segments.
func pathPattern(template string) *regexp.Regexp {
	p := strings.Replace(regexp.QuoteMeta(template), `/\{scope\}`, `(?:/.+)?`, 1)
	return regexp.MustCompile(`(?i)^` + placeholder.ReplaceAllString(p, `[^/]+`) + `$`)
}

// comparison holds JSON against schemas. Enumerations in requests are taken in any
// letter case, as the service takes them.
type comparison struct {
	assert.TestingT
	anyCase bool
}

// complaints collects what a comparison finds, for the test of the comparison.
type complaints []string

func (c *complaints) Errorf(format string, args ...any) {
	*c = append(*c, fmt.Sprintf(format, args...))
}

// fitsOpenAPI reports every exchange that Microsoft's documents do not describe.
// Bodies of requests count only if they were accepted, for tests send bad ones.
func fitsOpenAPI(t assert.TestingT) simtenant.Observer {
	answers, requests := comparison{t, false}, comparison{t, true}
	return func(r *http.Request, sent []byte, status int, _ http.Header, got []byte) {
		for _, o := range operations() {
			if o.method != r.Method || o.version != r.URL.Query().Get("api-version") || !o.path.MatchString(r.URL.Path) {
				continue
			}
			name := r.Method + " " + r.URL.Path
			response, ok := o.responses[strconv.Itoa(status)].(map[string]any)
			if !ok && status < 300 {
				t.Errorf("%s answers %d, which is not described", name, status)
			}
			if !ok {
				response = o.responses["default"].(map[string]any)
			}
			if schema, ok := response["schema"].(map[string]any); ok {
				answers.check(name+" answer", o.file, schema, parsed(t, got))
			}
			for _, p := range o.parameters {
				if schema, ok := p.(map[string]any)["schema"].(map[string]any); ok && status < 300 {
					requests.check(name+" request", o.file, schema, parsed(t, sent))
				}
			}
			return
		}
	}
}

func parsed(t assert.TestingT, b []byte) (v any) {
	if err := json.Unmarshal(b, &v); err != nil {
		t.Errorf("no JSON: %v in %q", err, b)
	}
	return v
}

// resolve follows a reference to a schema and the document it lies in.
func resolve(file string, schema map[string]any) (string, map[string]any) {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return file, schema
	}
	other, pointer, _ := strings.Cut(ref, "#/")
	if other != "" {
		file = filepath.Join(filepath.Dir(file), other)
	}
	var v any = document(file)
	for _, p := range strings.Split(pointer, "/") {
		v = v.(map[string]any)[p]
	}
	return resolve(file, v.(map[string]any))
}

// check compares types, enumerations and required members. Members that are not
// described may be there, and null stands for any that is not set.
func (t comparison) check(at, file string, schema map[string]any, v any) {
	file, schema = resolve(file, schema)
	if kind, ok := schema["discriminator"].(string); ok {
		if m, ok := v.(map[string]any); ok {
			definitions := document(file)["definitions"].(map[string]any)
			if sub, ok := definitions[fmt.Sprint(m[kind])].(map[string]any); ok {
				t.check(at, file, map[string]any{"properties": sub["properties"], "type": "object"}, v)
			} else {
				t.Errorf("%s: unknown %s %v", at, kind, m[kind])
			}
		}
	}
	if values, ok := schema["enum"].([]any); ok && v != nil && !slices.ContainsFunc(values, func(known any) bool {
		return known == v || t.anyCase && strings.EqualFold(fmt.Sprint(known), fmt.Sprint(v))
	}) {
		t.Errorf("%s: %v is none of %v", at, v, values)
	}
	switch v := v.(type) {
	case map[string]any:
		t.mustBe(at, schema, v, "object")
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if v[name.(string)] == nil {
				t.Errorf("%s: %s is missing", at, name)
			}
		}
		properties, _ := schema["properties"].(map[string]any)
		for name, p := range properties {
			if member, ok := v[name]; ok && p.(map[string]any) != nil {
				t.check(at+"."+name, file, p.(map[string]any), member)
			}
		}
	case []any:
		t.mustBe(at, schema, v, "array")
		for i, item := range v {
			if items, ok := schema["items"].(map[string]any); ok {
				t.check(at+"["+strconv.Itoa(i)+"]", file, items, item)
			}
		}
	case string:
		t.mustBe(at, schema, v, "string")
	case bool:
		t.mustBe(at, schema, v, "boolean")
	case float64:
		t.mustBe(at, schema, v, "integer", "number")
	}
}

func (t comparison) mustBe(at string, schema map[string]any, v any, kinds ...string) {
	if want, ok := schema["type"].(string); ok && !slices.Contains(kinds, want) {
		t.Errorf("%s: %v is no %s", at, v, want)
	}
}

// TestAnswersFitMicrosoftsOpenAPI proves that the comparison bites. The answers of
// all other tests of ARM are compared too, see newWorld.
func TestAnswersFitMicrosoftsOpenAPI(t *testing.T) {
	if len(operations()) == 0 {
		t.Skip("Microsoft's OpenAPI documents are not beside this checkout: answers were not compared")
	}
	w := newWorld(t)
	described := 0
	w.Observe(func(r *http.Request, _ []byte, _ int, _ http.Header, _ []byte) {
		if slices.ContainsFunc(operations(), func(o operation) bool { return o.method == r.Method && o.path.MatchString(r.URL.Path) }) {
			described++
		}
	})
	token := w.armToken(w.app)
	for _, kind := range []string{
		assign, eligible, "roleAssignmentSchedules", "roleEligibilitySchedules", "roleAssignmentScheduleInstances",
		"roleEligibilityScheduleInstances", "roleManagementPolicies", "roleManagementPolicyAssignments", "eligibleChildResources",
	} {
		require.Equal(t, http.StatusOK, w.arm(token, "GET", subscription+rbac+kind, nil).Status, kind)
	}
	require.Equal(t, 9, described)

	var found complaints
	observe := fitsOpenAPI(&found)
	r, err := http.NewRequestWithContext(t.Context(), "GET", "https://management.azure.com"+subscription+rbac+assign+"?api-version=2020-10-01", nil)
	require.NoError(t, err)
	observe(r, nil, http.StatusOK, nil, []byte(`{"value":[{"properties":{"status":"Wishful"}}]}`))
	require.Len(t, found, 4, "three missing members and an unknown status are noticed")
}
