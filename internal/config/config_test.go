package config_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/azurepim/azure-pim/internal/config"
	"github.com/azurepim/azure-pim/pim"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

const tenant = "7f3f7c52-9a1d-4c7e-8b1f-2f6d0c9e4a11"

func read(kv ...string) (config.Config, error) {
	env := map[string]string{"PIM_TENANT_ID": tenant}
	for i := 0; i+1 < len(kv); i += 2 {
		env[kv[i]] = kv[i+1]
	}
	return config.Read(func(k string) string { return env[k] })
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		name, setting, value string
		wrong                string // part of the error; empty: it is taken
	}{
		{"tenant", "PIM_TENANT_ID", "contoso.com", `PIM_TENANT_ID: "contoso.com" is not a tenant id`},
		{"cloud", "PIM_CLOUD", "usgov", ""},
		{"no such cloud", "PIM_CLOUD", "moon", `PIM_CLOUD: "moon" is not public, usgov or china`},
		{"loopback in clear text", "PIM_ARM_ENDPOINT", "http://127.0.0.1:7080", ""},
		{"elsewhere in clear text", "PIM_ARM_ENDPOINT", "http://arm.example.com", "not https"},
		{"a host that looks like loopback", "PIM_GRAPH_ENDPOINT", "http://127.0.0.1.example.com", "not https"},
		{"a user in the URL", "PIM_GRAPH_ENDPOINT", "https://graph.microsoft.com@example.com", "not a URL of a service"},
		{"retention", "PIM_LEDGER_RETENTION", "P30D", ""},
		{"retention in words", "PIM_LEDGER_RETENTION", "30 days", "PIM_LEDGER_RETENTION"},
		{"protected", "PIM_PROTECTED_PRINCIPALS", "7F3F7C52-9A1D-4C7E-8B1F-2F6D0C9E4A11, 00000000-0000-0000-0000-000000000001", ""},
		{"protected by name", "PIM_PROTECTED_PRINCIPALS", "ada", `"ada" is not an object id`},
		{"own group", "PIM_RESOURCE_GROUP", "/subscriptions/" + tenant + "/resourceGroups/pim", ""},
		{"own group that climbs", "PIM_RESOURCE_GROUP", "/subscriptions/../x", "bad segment"},
		{"stopped", "PIM_DISABLED", "true", ""},
		{"stopped, maybe", "PIM_DISABLED", "perhaps", "PIM_DISABLED"},
		{"a secret without a vault", "PIM_RULES", "keyvault:rules", "no vault"},
		{"an app secret in the open", "PIM_APP_SECRET", "hunter2", "keyvault:<secret>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := read(tt.setting, tt.value)
			if tt.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.wrong)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestAllMistakesAreToldTogether(t *testing.T) {
	_, err := read("PIM_TENANT_ID", "", "PIM_CLOUD", "moon", "PIM_LEDGER", "ftp://x")
	for _, name := range []string{"PIM_TENANT_ID is missing", "PIM_CLOUD", "PIM_LEDGER"} {
		require.ErrorContains(t, err, name)
	}
}

func TestOneReadDoesNotChangeAnothersCloud(t *testing.T) {
	_, err := read("PIM_ARM_ENDPOINT", "http://127.0.0.1:1")
	require.NoError(t, err)
	c, err := read()
	require.NoError(t, err)
	require.Equal(t, "https://management.azure.com", c.Cloud.Services[cloud.ResourceManager].Endpoint)
	require.Equal(t, "https://graph.microsoft.com", c.Cloud.Services[pim.Graph].Endpoint)
}

// The manual, the sample and the Bicep say what the program reads.
func TestManualListsEverySettingOnce(t *testing.T) {
	want := manual()
	const file = "../../docs/settings.md"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
	}
	got, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run go test ./internal/config -update")
}

func manual() string {
	var b strings.Builder
	b.WriteString("# Settings\n\nApp settings of the function app. This page is written from internal/config; change it there.\n\n")
	for _, part := range []struct {
		title string
		takes func(config.Setting) bool
	}{
		{"Ours", func(s config.Setting) bool { return !s.Host && !s.Local }},
		{"Read by the Functions host, or set by it", func(s config.Setting) bool { return s.Host }},
		{"For local runs and tests", func(s config.Setting) bool { return s.Local }},
	} {
		fmt.Fprintf(&b, "## %s\n\n| setting | default | what it says |\n|---|---|---|\n", part.title)
		for _, s := range config.Settings() {
			if part.takes(s) {
				def := s.Default
				switch {
				case s.Required:
					def = "(required)"
				case def != "":
					def = "`" + def + "`"
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", s.Name, def, s.Doc)
			}
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestSampleNamesNothingElse(t *testing.T) {
	b, err := os.ReadFile("../../local.settings.sample.json")
	require.NoError(t, err)
	var sample struct {
		IsEncrypted bool
		Values      map[string]string
	}
	require.NoError(t, json.Unmarshal(b, &sample))
	known := map[string]bool{"FUNCTIONS_WORKER_RUNTIME": true, "AzureWebJobsStorage": true, "IDENTITY_ENDPOINT": true, "IDENTITY_HEADER": true}
	for _, s := range config.Settings() {
		known[s.Name] = true
		set := strings.HasPrefix(s.Name, "WEBSITE_") || s.Name == "FUNCTIONS_CUSTOMHANDLER_PORT" || strings.HasPrefix(s.Name, "ServiceBusConnection__")
		if _, ok := sample.Values[s.Name]; !set {
			require.True(t, ok, "%s is missing from the sample", s.Name)
		}
	}
	for name := range sample.Values {
		require.True(t, known[name], "%s is in the sample, and nobody reads it", name)
	}
}

// What the Bicep sets of ours is what this package reads, and the other way round.
func TestBicepSetsWhatIsRead(t *testing.T) {
	b, err := os.ReadFile("../../infra/app/function.bicep")
	require.NoError(t, err)
	inBicep := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(PIM_[A-Z_]+|SWEEP_SCHEDULE|ServiceBusConnection__[A-Za-z]+)\b`).FindAllString(string(b), -1) {
		inBicep[m] = true
	}
	for _, s := range config.Settings() {
		ours := strings.HasPrefix(s.Name, "PIM_") || strings.HasSuffix(s.Name, "_SCHEDULE") || strings.HasPrefix(s.Name, "ServiceBusConnection__")
		if ours && !s.Local {
			require.True(t, inBicep[s.Name], "%s is read, and the Bicep does not set it", s.Name)
		}
		delete(inBicep, s.Name)
	}
	require.Empty(t, inBicep, "the Bicep sets what nobody reads")
}
