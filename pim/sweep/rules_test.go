package sweep_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/sweep"
)

func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("../../docs/sweep.schema.json")
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	doc, err := jsonschema.UnmarshalJSON(f)
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("sweep", doc))
	s, err := c.Compile("sweep")
	require.NoError(t, err)
	return s
}

// Parser and schema are two readers of the same rules.
func TestRulesAreReadStrictly(t *testing.T) {
	s := schema(t)
	const sub = "/subscriptions/00000000-0000-0000-0000-00000000000c"
	for _, tt := range []struct {
		name, text string
		good       bool
		alone      bool // the parser alone can know
	}{
		{"least", "version: 1", true, false},
		{"everything", everything, true, false},
		{"no version", "mode: report", false, false},
		{"another version", "version: 2", false, false},
		{"unknown key", "version: 1\nwatches: []", false, false},
		{"unknown key of a rule", "version: 1\nrules: {deleted: {mode: report, after: P1D}}", false, false},
		{"unknown rule", "version: 1\nrules: {ancient: {mode: report}}", false, false},
		{"misspelt mode", "version: 1\nrules: {deleted: {mode: aply}}", false, false},
		{"mode on at the top", `{"version": 1, "mode": "on"}`, false, false},
		{"every mode of a rule", "version: 1\nrules: {deleted: {mode: off}, disabled: {mode: on}, overdue: {mode: apply}, permanent: {mode: report}}", true, false},
		{"a notice cannot be applied", "version: 1\nrules: {expiring: {mode: apply}}", false, false},
		{"empty value", "version: 1\nrules: {deleted: }", false, false},
		{"key twice", "version: 1\nmode: report\nmode: apply", false, true},
		{"alias", "version: 1\nwatch: &w []\nemptied: *w", false, true},
		{"two documents", "version: 1\n---\nversion: 1", false, true},
		{"every kind of place", "version: 1\nwatch: [{scope: " + sub + "}, {plane: directory, scope: /}, {plane: group, scope: 00000000-0000-0000-0000-00000000000b}]", true, false},
		{"scope that climbs", "version: 1\nwatch: [{scope: " + sub + "/../x}]", false, true},
		{"scope without a plane of its own", "version: 1\nwatch: [{plane: moon, scope: /}]", false, false},
		{"tenant root", "version: 1\nwatch: [{scope: /}]", false, true},
		{"administrative unit", "version: 1\nwatch: [{plane: directory, scope: /administrativeUnits/00000000-0000-0000-0000-00000000000b}]", false, true},
		{"scope twice", "version: 1\nwatch: [{scope: " + sub + "}, {scope: " + strings.ToUpper(sub[:14]) + sub[14:] + "}]", false, true},
		{"protected by name", "version: 1\nprotect: {principals: [ada]}", false, false},
		{"negative cap", "version: 1\ncaps: {run: {removals: -1, percent: 5}}", false, false},
		{"more than all", "version: 1\ncaps: {scope: {removals: 1, percent: 101}}", false, false},
		{"half a cap", "version: 1\ncaps: {run: {removals: 5}}", false, false},
		{"months", "version: 1\nrules: {unused: {after: P3M}}", false, false},
		{"no length at all", "version: 1\nrules: {overlong: {mode: report}}", false, false},
		{"nobody's type", "version: 1\nrules: {permanent: {types: [robot]}}", false, false},
		{"neither kind", "version: 1\nrules: {permanent: {kinds: [active]}}", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := sweep.ParseRules([]byte(tt.text))
			require.Equal(t, tt.good, err == nil, "%v", err)
			if err != nil {
				require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
			}
			if tt.alone {
				return
			}
			var doc any
			require.NoError(t, yaml.Unmarshal([]byte(tt.text), &doc))
			b, err := json.Marshal(doc)
			require.NoError(t, err)
			value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
			require.NoError(t, err)
			err = s.Validate(value)
			require.Equal(t, tt.good, err == nil, "schema: %v", err)
		})
	}
}

func TestEveryMistakeIsTold(t *testing.T) {
	_, err := sweep.ParseRules([]byte("version: 3\nmode: maybe\nwatch: [{scope: x}]\nrules: {unused: {after: soon}}"))
	for _, want := range []string{"version is 3", "maybe", "watch[0]", "rules.unused.after"} {
		require.ErrorContains(t, err, want)
	}
}

func TestHashIsOfWhatTheRulesSay(t *testing.T) {
	hash := func(text string) string {
		r, err := sweep.ParseRules([]byte(text))
		require.NoError(t, err)
		return r.Hash()
	}
	one := hash("version: 1\nmode: report\nrules: {deleted: {mode: report}}")
	require.Equal(t, one, hash("# a comment\nrules:\n  deleted:\n    mode: report\nmode: report\nversion: 1\n"))
	require.NotEqual(t, one, hash("version: 1\nmode: report\nrules: {deleted: {mode: apply}}"))
	require.Empty(t, (*sweep.Rules)(nil).Hash())
}

func FuzzRules(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("version: 1\nwatch: [{scope: /subscriptions/x}]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := sweep.ParseRules(b)
		if (r == nil) == (err == nil) {
			t.Fatal("rules or an error")
		}
	})
}
