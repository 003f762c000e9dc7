// Package infra_test holds what can be said of the deployment without a compiler:
// that its parts name the same things, and that nothing is open which should be shut.
package infra_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// sources is every Bicep file of the deployment, by path.
func sources(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".bicep" {
			files[path] = read(t, path)
		}
		return err
	}))
	require.NotEmpty(t, files)
	return files
}

// all returns the first group of each match, in the order of the text.
func all(pattern, text string) []string {
	var found []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// block returns what stands between the braces of the first one that opens behind start.
func block(t *testing.T, text, start string) string {
	t.Helper()
	at := strings.Index(text, start)
	require.GreaterOrEqual(t, at, 0, "no %q", start)
	open := at + strings.Index(text[at:], "{")
	depth := 0
	for i := open; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return text[open+1 : i]
		}
	}
	require.FailNow(t, "unbalanced braces", start)
	return ""
}

// settings is the name of every app setting, in the order of the file.
func settings(t *testing.T) []string {
	t.Helper()
	body := block(t, read(t, "app/function.bicep"), "resource settings 'config'")
	return all(`(?m)^\s+(\w+): `, block(t, body, "properties:"))
}

// named lists the names of the child resources of one type, for example 'queues'.
func named(t *testing.T, path, kind string) []string {
	t.Helper()
	return all(`resource \w+ '`+kind+`' = \{\s+name: '([^']+)'`, read(t, path))
}

func TestNamesOthersRelyOn(t *testing.T) {
	require.Equal(t, []string{"pim-requests", "pim-changes", "pim-outcomes"}, named(t, "app/servicebus.bicep", "queues"))
	require.Equal(t, []string{"PimChanges"}, named(t, "app/storage.bicep", "tables"))
	require.Equal(t, []string{"app-package", "audit", "sweeps"}, named(t, "app/storage.bicep", "containers"))
}

func TestEachSettingStandsInOnePlace(t *testing.T) {
	names := settings(t)
	require.Contains(t, names, "PIM_TENANT_ID")
	var text strings.Builder
	for _, s := range sources(t) {
		text.WriteString(s)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "PIM_") || strings.HasSuffix(name, "_SCHEDULE") {
			require.Len(t, all(`\b(`+name+`)\b`, text.String()), 1, name)
		}
	}
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(names), "a setting is given twice")
}

func TestHostSettingsUseTheIdentityOnly(t *testing.T) {
	names := settings(t)
	for _, want := range []string{
		"AZURE_CLIENT_ID",
		"ServiceBusConnection__fullyQualifiedNamespace", "ServiceBusConnection__credential", "ServiceBusConnection__clientId",
		"AzureWebJobsStorage__blobServiceUri", "AzureWebJobsStorage__tableServiceUri",
		"AzureWebJobsStorage__credential", "AzureWebJobsStorage__clientId",
		"APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
	} {
		require.Contains(t, names, want)
	}
	// Flex Consumption refuses the first three; the others would be connection strings with keys.
	for _, never := range []string{
		"FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE",
		"AzureWebJobsStorage", "ServiceBusConnection",
	} {
		require.NotContains(t, names, never)
	}
}

func TestFunctionsFindTheirQueuesAndSchedules(t *testing.T) {
	bindings, err := filepath.Glob("../functions/*/function.json")
	require.NoError(t, err)
	require.NotEmpty(t, bindings)
	names, queues := settings(t), named(t, "app/servicebus.bicep", "queues")
	for _, path := range bindings {
		text := read(t, path)
		for _, name := range all(`%(\w+)%`, text) {
			require.Contains(t, names, name, path)
		}
		for _, queue := range all(`"queueName"\s*:\s*"([^"%]+)"`, text) {
			require.Contains(t, queues, queue, path)
		}
		for _, connection := range all(`"connection"\s*:\s*"([^"]+)"`, text) {
			require.Contains(t, names, connection+"__fullyQualifiedNamespace", path)
		}
	}
}

func TestAlertsWatchFunctionsThatExist(t *testing.T) {
	watched := all(`operation_Name == "(\w+)"`, read(t, "app/alerts.bicep"))
	require.NotEmpty(t, watched)
	for _, name := range watched {
		require.FileExists(t, filepath.Join("..", "functions", name, "function.json"))
	}
}

// A window that is longer than an app is old holds too little for a reason of its own. Only
// the timer of every five minutes may be missed from the start.
func TestAlertsOnSilenceAllowForTheFirstDays(t *testing.T) {
	text := read(t, "app/alerts.bicep")
	require.Equal(t, []string{"resume"}, all(`operation_Name == "(\w+)"'\s+operator: 'LessThan'`, text))
	require.Contains(t, text, `countif(operation_Name == "sweep"), since = min(timestamp) | where swept == 0 and since < ago(47h)'`)
	require.Contains(t, read(t, "../functions/resume/function.json"), `"0 */5 * * * *"`)
}

func TestEverythingIsDescribed(t *testing.T) {
	for path, text := range sources(t) {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			if !regexp.MustCompile(`^(param|output|type) `).MatchString(line) {
				continue
			}
			described := false
			for j := i - 1; j >= 0 && strings.HasPrefix(lines[j], "@"); j-- {
				described = described || regexp.MustCompile(`^@description\('.+'\)$`).MatchString(lines[j])
			}
			require.True(t, described, "%s:%d %s", path, i+1, line)
		}
	}
}

func TestParametersFileFitsMain(t *testing.T) {
	main := read(t, "main.bicep")
	var file struct {
		Parameters map[string]struct{ Value any }
	}
	require.NoError(t, json.Unmarshal([]byte(read(t, "main.parameters.json")), &file))

	kinds := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^param (\w+) (\S+)( = )?`).FindAllStringSubmatch(main, -1) {
		kinds[m[1]] = m[2]
		if m[3] == "" {
			require.Contains(t, file.Parameters, m[1], "required, and azd would ask for it each time")
		}
	}
	for name, p := range file.Parameters {
		require.Contains(t, kinds, name, "main.bicep has no such parameter")
		text, isText := p.Value.(string)
		if strings.HasSuffix(kinds[name], "[]") {
			require.False(t, isText, "%s: azd passes text on as text, never as an array", name)
		} else if kinds[name] != "string" {
			require.Regexp(t, `^\$\{[A-Z_]+=[a-z0-9]+\}$`, text, "%s: azd cannot turn nothing into a %s", name, kinds[name])
		}
	}
}

// section is what the manual of deployment says under a heading.
func section(t *testing.T, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, "../docs/deployment.md"), "\n## "+heading+"\n")
	require.True(t, found, heading)
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

func TestManualListsEveryParameter(t *testing.T) {
	parameters, alerts := section(t, "Parameters"), section(t, "Alerts")
	for _, name := range all(`(?m)^param (\w+) `, read(t, "main.bicep")) {
		require.Regexp(t, "(?m)^\\|[^|]*`"+name+"`", parameters)
	}
	for _, variable := range all(`\$\{([A-Z_]+)`, read(t, "main.parameters.json")) {
		require.Contains(t, parameters, "`"+variable+"`")
	}
	for _, alert := range all(`name: '(pim-[\w-]+)'`, read(t, "app/alerts.bicep")) {
		require.Contains(t, alerts, "| `"+alert+"` |")
	}
}

func TestManualSaysWhatNoTemplateDoes(t *testing.T) {
	for _, tt := range []struct{ path, holds, page, says string }{
		{"app/network.bicep", "'Microsoft.App/environments'", "deployment", "az provider register --namespace Microsoft.App --wait"},
		{"app/network.bicep", "'Microsoft.App/environments'", "permissions", "`Microsoft.App/register/action`"},
		{"app/function.bicep", "${tenant().tenantId}/v2.0'", "deployment", `{"api":{"requestedAccessTokenVersion":2}}`},
		{"app/function.bicep", "PIM_DISABLED: disabled", "operations", "`azd env set DISABLED true`"},
		{"app/keyvault.bicep", "publicNetworkAccess: privateOnly ? 'disabled'", "deployment", "from inside the network only"},
		{"app/storage.bicep", "if (!auditPolicyLocked)", "deployment", "azd env set AUDIT_POLICY_LOCKED true"},
		{"main.parameters.json", "${SWEEP_RULES=sweep.yaml}", "deployment", "an empty variable means that file"},
	} {
		require.Contains(t, read(t, tt.path), tt.holds)
		require.Contains(t, read(t, "../docs/"+tt.page+".md"), tt.says, tt.holds)
	}
}

func TestNothingHandsOutSecrets(t *testing.T) {
	for path, text := range sources(t) {
		require.NotRegexp(t, `\b(listKeys|listSecrets|listAccountSas|listServiceSas|getSecret|newGuid|utcNow)\(`, text, path)
		for _, output := range all(`(?m)^(output .*)$`, text) {
			require.NotRegexp(t, `(?i)connectionString|password|secret|sharedKey|instrumentationKey`, output, path)
		}
	}
}

func TestNothingTrustsKeys(t *testing.T) {
	for path, shut := range map[string][]string{
		"app/servicebus.bicep": {"disableLocalAuth: true", "minimumTlsVersion: '1.2'"},
		"app/storage.bicep":    {"allowSharedKeyAccess: false", "allowBlobPublicAccess: false", "minimumTlsVersion: 'TLS1_2'"},
		"app/keyvault.bicep":   {"enableRbacAuthorization: true", "enablePurgeProtection: true", "enableSoftDelete: true"},
		"app/monitoring.bicep": {"DisableLocalAuth: true", "disableLocalAuth: true"},
		"app/function.bicep":   {"httpsOnly: true", "minTlsVersion: '1.2'"},
	} {
		for _, line := range shut {
			require.Contains(t, read(t, path), line, path)
		}
	}
	basic := all(`'basicPublishingCredentialsPolicies' = \{\s+name: '(\w+)'\s+properties: \{ allow: false \}`, read(t, "app/function.bicep"))
	require.Equal(t, []string{"scm", "ftp"}, basic)
}

// Azure leaves a resource as it is where its condition is false. That is meant for a
// policy that has been locked; a delegation is taken back by hand, as the manual says.
func TestWhatIsSwitchedOffIsDeployedAllTheSame(t *testing.T) {
	conditional := map[string][]string{}
	for path, text := range sources(t) {
		if found := all(`resource (\w+) '[^']+' = if`, text); found != nil {
			conditional[path] = found
		}
	}
	require.Equal(t, map[string][]string{
		"app/storage.bicep":            {"policy"},
		"access/subscription.bicep":    {"delegate"},
		"access/managementgroup.bicep": {"delegate"},
	}, conditional)

	auth := block(t, read(t, "app/function.bicep"), "resource auth 'config'")
	require.Contains(t, auth, "platform: { enabled: authenticated,")
	require.Contains(t, auth, "requireAuthentication: authenticated\n")
}

func TestAuditContainerCanOnlyGrow(t *testing.T) {
	audit := block(t, read(t, "app/storage.bicep"), "resource audit 'containers'")
	require.Contains(t, audit, "'immutabilityPolicies'")
	require.Contains(t, audit, "allowProtectedAppendWrites: true")
}

func TestOnlyOurIdentitySendsChanges(t *testing.T) {
	text := read(t, "app/servicebus.bicep")
	require.NotContains(t, text, "scope: ns\n  name: guid(", "a right on the whole namespace reaches every queue")
	grants := regexp.MustCompile(`resource (\w+) 'Microsoft.Authorization/roleAssignments@`).FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, grants)
	found := false
	for _, g := range grants {
		body := block(t, text, "resource "+g[1]+" 'Microsoft.Authorization/roleAssignments@")
		if strings.Contains(body, "scope: ns::changes") {
			require.Contains(t, body, "principalId: principalId,", g[1])
			found = true
		}
	}
	require.True(t, found)
}

func TestQueuesGiveUpVisibly(t *testing.T) {
	text := read(t, "app/servicebus.bicep")
	for _, queue := range []string{"requests", "changes", "outcomes"} {
		body := block(t, text, "resource "+queue+" 'queues'")
		for _, property := range []string{
			"lockDuration:", "maxDeliveryCount:", "requiresDuplicateDetection: true",
			"duplicateDetectionHistoryTimeWindow:", "deadLetteringOnMessageExpiration:",
		} {
			require.Contains(t, body, property, queue)
		}
	}
}
