package pim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/azurepim/azure-pim/pim"
)

// goodRules has every key that there is, so that a mistake can be made in each.
const goodRules = `version: 1
keys:
  - name: crm
    sha256: a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e
readers:
  - groups: [7ea00000-0000-4000-8000-000000000015]
operators:
  - keys: [crm]
rules:
  - name: everything
    effect: allow
    actions: [grant, extend]
    callers:
      - objectIds: [c4300000-0000-4000-8000-000000000003]
      - appIds: [c4300000-0000-4000-8000-0000000000aa]
        appRoles: [Requester]
        groups: [7ea00000-0000-4000-8000-000000000015]
      - queues: [pim-requests]
      - keys: [crm]
      - anyKey: true
    principals:
      - self: true
      - memberOf: [0c000000-0000-4000-8000-000000000011]
        types: [user, servicePrincipal]
      - ids: [a44a0000-0000-4000-8000-000000000001]
    planes: [azure, group]
    scopes: [/subscriptions/11111111-1111-1111-1111-111111111111, "*"]
    roles: [Reader, member]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
    maxAhead: P30D
    ticket:
      required: false
      pattern: 'CR\d+'
      systems: [ServiceNow]
    justification:
      minLength: 10
    when:
      days: [mon, tue]
      from: '08:00'
      to: '18:00'
      zone: Europe/Berlin
    approval:
      group: a0000000-0000-4000-8000-000000000013
      within: PT4H
    mode: onBehalf
    waives: [mfa, approval]
    ourScope: false
    escalating: false
  - name: nothing
    effect: deny
    scopes: [/]
`

// mistakes are made by replacing text of goodRules. The last column marks what a JSON
// Schema cannot see: it needs more than one place, or a table of names.
var mistakes = []struct {
	name, old, new string
	want           string
	beyondSchema   bool
}{
	{"no version", "version: 1\n", "", "line 1: version is missing", false},
	{"a later version", "version: 1", "version: 2", `line 1: version "2" is unknown`, false},
	{"a version that is text", "version: 1", "version: '1'", "is unknown", false},
	{"no rules", "\nrules:", "\nreaders2:", "rules is missing", false},
	{"an unknown key at the top", "version: 1", "version: 1\nallow: []", `line 2: unknown key "allow"`, false},
	{"an unknown key of a rule", "    maxDuration:", "    maxduration:", `line 29: rule "everything": unknown key "maxduration"`, false},
	{"an unknown key of a caller", "      - queues:", "      - queue:", `unknown key "queue"`, false},
	{"an unknown key of a principal", "      - self:", "      - own:", `unknown key "own"`, false},
	{"a key twice", "    effect: allow", "    effect: allow\n    effect: allow", `key "effect" comes twice`, true},
	{"an anchor", "roles: [Reader,", "roles: [&r Reader,", "anchors and aliases are not taken", true},
	{"an alias", "systems: [ServiceNow]", "systems: *r", "unknown anchor", true},
	{"a tag of another kind", "roles: [Reader,", "roles: [!!binary UmVhZGVy,", "this must be a single value", true},
	{"a second document", "  - name: nothing", "---\n  - name: nothing", "more than one document", true},
	{"an empty value", "effect: allow", "effect:", "the value is empty", false},
	{"an empty list", "queues: [pim-requests]", "queues: []", "the list is empty", false},
	{"a mapping where a list must be", "    callers:\n      - objectIds:", "    callers:\n      x: 1\n      objectIds:", "", true},
	{"one value where a list must be", "actions: [grant, extend]", "actions: grant", "this must be a list", false},
	{"a number where text must be", "queues: [pim-requests]", "queues: [7]", `"7" must be text`, false},
	{"text where a number must be", "minLength: 10", "minLength: ten", "is not a number", false},
	{"a number out of range", "minLength: 10", "minLength: 501", "is not a number from 1 to 500", false},
	{"text where yes or no must be", "ourScope: false", "ourScope: nope", "neither true nor false", false},
	{"no where only yes can be", "anyKey: true", "anyKey: false", "write true, or leave the key out", false},
	{"a control character", "appRoles: [Requester]", `appRoles: ["Requ\u0000ester"]`, "control characters", false},
	{"a value twice", "roles: [Reader, member]", "roles: [Reader, Reader]", `"Reader" comes twice`, false},

	{"no name", "name: everything\n    effect", "effect", `rule 1: name is missing`, false},
	{"a name with a line break", "name: everything", `name: "every\nthing"`, "control characters", false},
	{"a name twice", "name: nothing", "name: Everything", `another rule is named "Everything"`, true},
	{"no effect", "    effect: deny\n", "", `line 51: rule "nothing": effect is missing`, false},
	{"another effect", "effect: allow", "effect: maybe", `effect "maybe" is neither allow nor deny`, false},
	{"no actions", "    actions: [grant, extend]\n", "", "actions is missing", false},
	{"another action", "[grant, extend]", "[grant, extend, elevate]", `action "elevate" is unknown`, false},
	{"every action", "[grant, extend]", `["*"]`, `action "*" is unknown`, false},
	{"no planes", "    planes: [azure, group]\n", "", "planes is missing", false},
	{"another plane", "[azure, group]", "[azure, group, astral]", `plane "astral" is not`, false},
	{"no roles", "    roles: [Reader, member]\n", "", "roles is missing", false},
	{"a role that is a path", "[Reader, member]", "[/subscriptions/x/Reader]", "is a path", false},
	{"a role that no group has", "    planes: [azure, group]\n", "    planes: [group]\n", `role "Reader" is neither member nor owner`, true},
	{"no scopes", "    scopes: [/subscriptions/11111111-1111-1111-1111-111111111111, \"*\"]\n", "", "scopes is missing", false},
	{"a scope that climbs", "[/subscriptions/11111111-1111-1111-1111-111111111111,", "[/subscriptions/11111111-1111-1111-1111-111111111111/../22222222-2222-2222-2222-222222222222,", `bad segment ".."`, true},
	{"a scope of another plane", "[/subscriptions/11111111-1111-1111-1111-111111111111,", "[/administrativeUnits/11111111-1111-1111-1111-111111111111,", "is not a management group", true},
	{"every group where no group is meant", "    planes: [azure, group]\n", "    planes: [azure]\n", `scope "*" is every group`, false},
	{"a word about groups where no group is meant", "    planes: [azure, group]\n", "    planes: [azure]\n", "escalating is about groups", true},
	{"a deny rule of a management group", "    scopes: [/]", "    scopes: [" + group1 + "]", "a deny rule lists the subscriptions", true},
	{"a deny rule with a bound", "    scopes: [/]", "    scopes: [/]\n    maxDuration: PT1H", "maxDuration belongs to allow rules", false},

	{"no callers", "    callers:", "    mode: onBehalf\n    callerz:", "callers is missing", true},
	{"a caller of two kinds", "      - queues: [pim-requests]", "      - queues: [pim-requests]\n        anyKey: true", "no caller is all of this at once", false},
	{"a caller that is nobody", "      - anyKey: true", "      - {}", "the entry names no caller", false},
	{"an object id of a wrong shape", "objectIds: [c4300000-0000-4000-8000-000000000003]", "objectIds: ['{c4300000-0000-4000-8000-000000000003}']", "is not a GUID", false},
	{"a key that is not listed", "      - keys: [crm]\n      - anyKey", "      - keys: [erp]\n      - anyKey", `key "erp" is not among the keys`, true},
	{"a key of no name", "  - name: crm\n    sha256", "  - sha256", "a key needs a name", false},
	{"a key of no sum", "    sha256: a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e\n", "", "needs sha256", false},
	{"a key itself instead of its sum", "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e", "0aXfLg8vJ2kq3nRt==", "needs sha256", false},
	{"the sum of no key", "a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "of an empty key", false},
	{"the sum of another key", "readers:", "  - {name: erp, sha256: A7937B64B8CAA58F03721BB6BACF5C78CB235FEBE0E70B1B84CD99541461A08E}\nreaders:", "of another key", true},

	{"no principals", "      - self: true\n", "      - types: [user]\n", "the entry names no principal", false},
	{"everyone and somebody", "      - self: true\n", "      - self: true\n        any: true\n", "any is everyone", false},
	{"a principal of another type", "types: [user, servicePrincipal]", "types: [user, device]", `type "device" is not`, false},

	{"no bound of what becomes active", "    maxDuration: PT4H\n", "", "maxDuration is missing", false},
	{"no bound of what becomes eligible", "    maxEligible: P1D\n", "", "maxEligible is missing", false},
	{"a bound of nothing", "[grant, extend]", "[cancel]", "maxDuration bounds grant", false},
	{"a duration of months", "maxDuration: PT4H", "maxDuration: P1M", "years or months", false},
	{"a negative duration", "maxDuration: PT4H", "maxDuration: -PT4H", "is not an ISO 8601 duration", false},
	{"a duration that overflows", "maxDuration: PT4H", "maxDuration: PT9999999999999999999H", "longer than ten years", true},
	{"a start after the year", "maxAhead: P30D", "maxAhead: P366D", "maxAhead is longer than P365D", true},
	{"how far ahead nothing may begin", "    maxEligible: P1D\n    maxAhead: P30D", "    maxAhead: P30D\n    actions: [cancel]", "comes twice", true},
	{"another way with eligibility", "eligibility: make", "eligibility: maybe", "neither require nor make", false},
	{"made where nothing is granted", "[grant, extend]", "[activate, extend]", "eligibility goes with the action grant", false},
	{"a waiver of what no rule may waive", "waives: [mfa, approval]", "waives: [mfa, justification]", `"justification" cannot be waived`, false},
	{"another mode", "mode: onBehalf", "mode: behalf", "neither self nor onBehalf", false},
	{"oneself making oneself eligible", "    mode: onBehalf", "    mode: self\n    actions: [makeEligible]", "comes twice", true},
	{"oneself lengthening what one has", "mode: onBehalf", "mode: self", "mode self cannot do extend", false},
	{"a ticket's form that is none", `'CR\d+'`, `'CR(\d+'`, "is not a regular expression", false},
	{"a ticket's form that slips its anchors", `'CR\d+'`, `'CR\d+)|(.*'`, "is not a regular expression", false},
	{"a length of nothing", "minLength: 10", "minLength: 10\n      required: false", "minLength means nothing", false},
	{"an approval of nobody", "      group: a0000000-0000-4000-8000-000000000013\n", "", "approval needs a group", false},
	{"an approval that the user's token does not live to see", "mode: onBehalf", "mode: self", "approval does not go with mode self", true},
	{"an approval for ever", "within: PT4H", "within: PT0S", "not longer than nothing", true},
	{"another day", "days: [mon, tue]", "days: [mon, tuesday]", `day "tuesday" is not`, false},
	{"a time out of the day", "from: '08:00'", "from: '24:01'", `time "24:01" is not`, false},
	{"a time of one digit", "from: '08:00'", "from: '8:00'", `time "8:00" is not`, false},
	{"a start without an end", "      to: '18:00'\n", "", "from and to go together", false},
	{"no time at all", "to: '18:00'", "to: '08:00'", "leave no time", true},
	{"no zone", "      zone: Europe/Berlin\n", "", "when needs a zone", false},
	{"another zone", "zone: Europe/Berlin", "zone: Europe/Atlantis", `zone "Europe/Atlantis" is not in`, true},
	{"the zone of the machine", "zone: Europe/Berlin", "zone: Local", `zone "Local" is not in`, false},
	{"no window", "      days: [mon, tue]\n      from: '08:00'\n      to: '18:00'\n", "", "when needs days, or from and to", false},
}

func TestRulesWithAMistakeAreRefused(t *testing.T) {
	good, err := pim.ParseRules([]byte(goodRules))
	require.NoError(t, err)
	require.Len(t, good.Hash(), 64)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			bad := strings.Replace(goodRules, m.old, m.new, 1)
			require.NotEqual(t, goodRules, bad, "the mistake is not made")
			r, err := pim.ParseRules([]byte(bad))
			require.Nil(t, r)
			require.ErrorContains(t, err, m.want)
			require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
		})
	}
}

func TestTheSchemaSaysWhatTheParserSays(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat() // so that a ticket's pattern must be a regular expression
	schema, err := compiler.Compile(filepath.Join("..", "docs", "rules.schema.json"))
	require.NoError(t, err)
	check := func(text string) error {
		var v any
		require.NoError(t, yaml.Unmarshal([]byte(text), &v))
		return schema.Validate(v)
	}
	require.NoError(t, check(goodRules))
	for _, file := range []string{"../rules.yaml", "../cmd/devhost/rules.local.yaml"} {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, check(string(b)), file)
	}
	for _, rule := range []string{onCallRule, personRule, everythingRule, approvedRule} {
		require.NoError(t, check("version: 1\nrules:"+rule))
	}
	for _, m := range mistakes {
		if !m.beyondSchema {
			require.Error(t, check(strings.Replace(goodRules, m.old, m.new, 1)), m.name)
		}
	}
}

func TestEveryMistakeIsReportedAtOnce(t *testing.T) {
	_, err := pim.ParseRules([]byte(`version: 1
rules:
  - name: first
    effect: allow
    actions: [grant]
    colour: red
    callers: [{anyKey: true}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [/subscriptions/1]
    roles: [Reader]
    maxDuration: for ever
  - name: second
    effect: deny
    when: {days: [mon], zone: Mars}
`))
	for _, want := range []string{
		`line 6: rule "first": unknown key "colour"`,
		`line 10: rule "first": scope "/subscriptions/1" names the subscription "1", which is not a GUID`,
		`line 12: rule "first": duration "for ever" is not an ISO 8601 duration`,
		`line 15: rule "second": zone "Mars" is not in the IANA time zone database`,
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestTextThatIsNoRulesIsRefused(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+", ", 9), ", ") + "]\n"
	}
	for name, text := range map[string]string{
		"nothing":          "",
		"a comment":        "# version: 1",
		"a list":           "- version: 1",
		"a word":           "rules",
		"not YAML":         "version: [1",
		"bytes":            "\xff\xfe\x00",
		"a bomb":           "version: 1\nrules: []\n" + bomb,
		"a merge":          "version: 1\nrules: [{<<: {effect: deny}, name: x}]",
		"more than enough": "version: 1\nrules: []\n#" + strings.Repeat("x", 1<<20),
	} {
		r, err := pim.ParseRules([]byte(text))
		require.Error(t, err, name)
		require.Nil(t, r)
	}
}

func TestTheHashIsOfWhatTheRulesSay(t *testing.T) {
	hash := func(text string) string {
		r, err := pim.ParseRules([]byte(text))
		require.NoError(t, err, text)
		return r.Hash()
	}
	base := hash(goodRules)
	var v any
	require.NoError(t, yaml.Unmarshal([]byte(goodRules), &v))
	for _, indent := range []string{"", "  ", "\t"} {
		asJSON, err := json.MarshalIndent(v, "", indent)
		require.NoError(t, err)
		require.Equal(t, base, hash(string(asJSON)), "JSON says the same, in another order")
	}
	require.Equal(t, base, hash("# for the auditors\n"+goodRules))
	require.Equal(t, base, hash(strings.ReplaceAll(goodRules, "\n", "\r\n")))
	require.NotEqual(t, base, hash(strings.Replace(goodRules, "maxDuration: PT4H", "maxDuration: PT5H", 1)))
	require.NotEqual(t, base, hash(strings.Replace(goodRules, "sha256: a", "sha256: b", 1)))
}

func TestTheShippedRulesAllowNothing(t *testing.T) {
	b, err := os.ReadFile("../rules.yaml")
	require.NoError(t, err)
	rules, err := pim.ParseRules(b)
	require.NoError(t, err)
	q := asked(t)
	for _, kind := range []pim.CallerKind{pim.CallerUser, pim.CallerApp, pim.CallerKey, pim.CallerQueue, pim.CallerSystem} {
		q.Caller.Kind = kind
		decided(t, rules.Decide(q), pim.NoRules)
	}

	// The example in its comments is one that can be taken.
	var example strings.Builder
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "#     "); ok && !strings.HasPrefix(rest, "pim ") {
			example.WriteString(rest)
		}
	}
	require.Contains(t, example.String(), "effect: allow")
	_, err = pim.ParseRules([]byte("version: 1\n" + example.String()))
	require.NoError(t, err)
}

func TestTheLocalRulesAllowTheSampleRequests(t *testing.T) {
	b, err := os.ReadFile("../cmd/devhost/rules.local.yaml")
	require.NoError(t, err)
	rules, err := pim.ParseRules(b)
	require.NoError(t, err)
	for _, caller := range []pim.Caller{{Kind: pim.CallerKey}, {Kind: pim.CallerQueue, ID: "pim-requests"}} {
		q := asked(t)
		q.Caller = caller
		q.Role = pim.Role{ID: ownerRole, Name: "Owner"}
		at(t, &q, pim.Azure, sub12)
		decided(t, rules.Decide(q))
		require.True(t, rules.Decide(q).Make)
	}
}

// Every block of YAML in the manual that has rules is whole, and right.
func TestTheManualsExamplesAreRules(t *testing.T) {
	b, err := os.ReadFile("../docs/rules.md")
	require.NoError(t, err)
	blocks := 0
	for i, part := range strings.Split(string(b), "```") {
		text, ok := strings.CutPrefix(part, "yaml\n")
		if i%2 == 0 || !ok {
			continue
		}
		blocks++
		if !strings.Contains(text, "version: 1") {
			text = "version: 1\nrules:\n" + text
		}
		_, err := pim.ParseRules([]byte(text))
		require.NoError(t, err, text)
	}
	require.Positive(t, blocks)
}
