package simtenant_test

import (
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// graphSpec is where the OpenAPI document of Graph lies beside a checkout, if it does.
const graphSpec = "../../../shared/specs/graph/graph-v1.0-pim.json"

// graphOperation is one operation of the document.
type graphOperation struct {
	method    string
	path      *regexp.Regexp
	request   map[string]any // schema, nil if there is no body
	responses map[string]any
}

// graphOperations are those of the document, empty where there is none. The types
// are flattened: each has the members of the types below it.
var graphOperations = sync.OnceValue(func() []graphOperation {
	if _, err := os.Stat(graphSpec); err != nil {
		return nil
	}
	schemas := graphSchemas()
	for name := range schemas {
		schemas[name] = flattened(schemas[name].(map[string]any))
	}
	var out []graphOperation
	for template, item := range document(graphSpec)["paths"].(map[string]any) {
		template = "/v1.0" + template
		if _, beta, ok := strings.Cut(template, "/../"); ok {
			template = "/" + beta
		}
		pattern := regexp.MustCompile(`\\\{[\w-]+\\\}`).ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
		pattern = strings.ReplaceAll(pattern, `microsoft\.graph\.`, `(?:microsoft\.graph\.)?`)
		for method, op := range item.(map[string]any) {
			if o, ok := op.(map[string]any); ok && o["responses"] != nil {
				body, _ := o["requestBody"].(map[string]any)
				out = append(out, graphOperation{strings.ToUpper(method), regexp.MustCompile("(?i)^" + pattern + "$"), content(body), o["responses"].(map[string]any)})
			}
		}
	}
	return out
})

func graphSchemas() map[string]any {
	return document(graphSpec)["components"].(map[string]any)["schemas"].(map[string]any)
}

func flattened(schema map[string]any) map[string]any {
	parts, ok := schema["allOf"].([]any)
	if !ok {
		return schema
	}
	members := map[string]any{}
	for _, part := range parts {
		_, s := resolve(graphSpec, part.(map[string]any))
		p, _ := flattened(s)["properties"].(map[string]any)
		maps.Copy(members, p)
	}
	return map[string]any{"type": "object", "properties": members}
}

// content is the schema of a body.
func content(of map[string]any) map[string]any {
	for _, step := range []string{"content", "application/json", "schema"} {
		next, ok := of[step].(map[string]any)
		if !ok {
			return nil
		}
		of = next
	}
	return of
}

// fitsGraph reports every exchange that the document does not describe, and every
// member that it does not know.
func fitsGraph(t assert.TestingT) simtenant.Observer {
	answers, requests := comparison{t, false}, comparison{t, true}
	return func(r *http.Request, sent []byte, status int, _ http.Header, got []byte) {
		i := slices.IndexFunc(graphOperations(), func(o graphOperation) bool {
			const function = "filterByCurrentUser" // which an id's place would match as well
			return o.method == r.Method && o.path.MatchString(r.URL.Path) &&
				strings.Contains(o.path.String(), function) == strings.Contains(r.URL.Path, function)
		})
		if i < 0 || status >= 300 {
			return
		}
		o, name := graphOperations()[i], r.Method+" "+r.URL.Path
		if o.request != nil && len(sent) > 0 {
			requests.check(name+" request", graphSpec, o.request, parsed(t, sent))
		}
		response, ok := o.responses["2XX"].(map[string]any)
		if !ok {
			response = o.responses[map[int]string{200: "200", 201: "201", 204: "204"}[status]].(map[string]any)
		}
		if _, response = resolve(graphSpec, response); len(got) > 0 {
			v := parsed(t, got)
			answers.check(name+" answer", graphSpec, content(response), v)
			answers.knows(name+" answer", content(response), v)
		}
	}
}

// knows reports members that a type does not have. New ones that are objects may
// be there. An object that names its type is held against that.
func (t comparison) knows(at string, schema map[string]any, v any) {
	_, schema = resolve(graphSpec, schema)
	switch v := v.(type) {
	case []any:
		items, ok := schema["items"].(map[string]any)
		for _, item := range v {
			if ok {
				t.knows(at+"[]", items, item)
			}
		}
	case map[string]any:
		if name, ok := v["@odata.type"].(string); ok {
			named, ok := graphSchemas()[strings.TrimPrefix(name, "#")].(map[string]any)
			if !ok {
				return // the document is an excerpt
			}
			schema = named
			t.check(at, graphSpec, named, v)
		}
		properties, described := schema["properties"].(map[string]any)
		for name, value := range v {
			member, ok := properties[name].(map[string]any)
			if _, object := value.(map[string]any); !ok && described && !object && !strings.Contains(name, "@") {
				t.Errorf("%s: there is no member %s", at, name)
			}
			if ok {
				t.knows(at+"."+name, member, value)
			}
		}
	}
}

// TestGraphAnswersFitTheOpenAPI proves that the comparison bites. The answers of
// all other tests of Graph are compared too, see newWorld.
func TestGraphAnswersFitTheOpenAPI(t *testing.T) {
	if len(graphOperations()) == 0 {
		t.Skip("the OpenAPI document of Graph is not beside this checkout: answers were not compared")
	}
	var found complaints
	observe := fitsGraph(&found)
	see := func(path, body string) int {
		found = nil
		r, err := http.NewRequestWithContext(t.Context(), "GET", graphHost+path, nil)
		require.NoError(t, err)
		observe(r, nil, http.StatusOK, nil, []byte(body))
		return len(found)
	}
	require.Zero(t, see(assignRole, `{"value":[{"status":"Granted","action":"adminAssign","serviceInfo":{}}]}`))
	require.Equal(t, 2, see(assignRole, `{"value":[{"Status":"Granted","action":"AdminAssign"}]}`), "a wrong letter each")
	require.Equal(t, 1, see(assignRole+"/filterByCurrentUser(on='approver')", `{"value":[{"scheduleInfo":{"expiration":{"type":"AfterDuration"}}}]}`))
	rule := `{"@odata.type":"#microsoft.graph.unifiedRoleManagementPolicyExpirationRule","isExpirationRequired":"no"}`
	require.Positive(t, see("/v1.0/policies/roleManagementPolicies/x/rules", `{"value":[`+rule+`]}`))
}
