package functions_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/functions"
	"github.com/stretchr/testify/require"
)

// definition is what function.json says of a function.
type definition struct {
	Bindings []struct {
		Type, Direction, Name, Route, AuthLevel, QueueName, Connection, DataType, Schedule string
		Methods                                                                            []string
	}
}

func definitions(t *testing.T) map[string]definition {
	t.Helper()
	files, err := fs.Glob(functions.Definitions, "*/function.json")
	require.NoError(t, err)
	out := map[string]definition{}
	for _, f := range files {
		b, err := fs.ReadFile(functions.Definitions, f)
		require.NoError(t, err)
		var d definition
		dec := json.NewDecoder(strings.NewReader(string(b)))
		dec.DisallowUnknownFields() // the host ignores a misspelt key in silence
		require.NoError(t, dec.Decode(&d), f)
		out[path.Dir(f)] = d
	}
	return out
}

// The table and the definitions are two lists of the same functions.
func TestTableMatchesDefinitions(t *testing.T) {
	defs, table := map[string]string{}, map[string]string{}
	for name, d := range definitions(t) {
		in := d.Bindings[0] // the trigger is written first
		at := "POST /" + name
		if in.Type == "httpTrigger" {
			at = strings.ToUpper(strings.Join(in.Methods, ",")) + " " + functions.Prefix + in.Route
		}
		defs[name] = in.Type + " " + at
	}
	for _, f := range (&functions.App{}).Table() {
		at := f.Pattern
		if f.Trigger != "httpTrigger" {
			at = "POST /" + f.Name
		}
		table[f.Name] = f.Trigger + " " + at
	}
	require.Equal(t, defs, table)
}

// What the recordings of the host demand of every definition.
func TestDefinitionsAreSafe(t *testing.T) {
	for name, d := range definitions(t) {
		in := d.Bindings[0]
		require.Equal(t, "in", in.Direction, name)
		switch in.Type {
		case "httpTrigger":
			require.Len(t, d.Bindings, 2, "%s: only one http out beside it is forwarded", name)
			require.Equal(t, "http", d.Bindings[1].Type, name)
			open := name == "health" || name == "openapi"
			want := "function"
			if open {
				want = "anonymous"
			}
			require.Equal(t, want, in.AuthLevel, "%s: a key that the host does not check proves nothing", name)
		case "serviceBusTrigger":
			require.Equal(t, "binary", in.DataType, "%s: otherwise the sender writes the metadata", name)
			require.Equal(t, "ServiceBusConnection", in.Connection, name)
			require.Len(t, d.Bindings, 1, name)
		case "timerTrigger":
			require.Regexp(t, `^(%[A-Z_]+%|\S+( \S+){5})$`, in.Schedule, name)
			require.Len(t, d.Bindings, 1, name)
		default:
			require.Fail(t, "unknown trigger", "%s: %s", name, in.Type)
		}
	}
}

func TestOpenPagesTellNoSecret(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		for _, p := range []string{"/api/health", "/api/openapi.json"} {
			rec := a.call(http.MethodGet, p, "", "x-functions-key", "")
			require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
			require.NotContains(t, rec.Body.String(), a.identity)
		}
		require.Empty(t, a.tenant.Calls())
	})
}
