package azurepim_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The recipe for the real host starts what the sample settings lead to.
func TestRecipeForTheRealHostFitsTheSampleSettings(t *testing.T) {
	read := func(path string) string {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(b)
	}
	_, recipe, found := strings.Cut(read("README.md"), "\n## Run it under the real host")
	require.True(t, found)
	recipe, _, _ = strings.Cut(recipe, "\n## ")
	var sample struct{ Values map[string]string }
	require.NoError(t, json.Unmarshal([]byte(read("local.settings.sample.json")), &sample))

	azurite := regexp.MustCompile(`(?m)^AZURITE := (.+)$`).FindStringSubmatch(read("Makefile"))
	require.NotNil(t, azurite)
	require.Contains(t, recipe, "\n    "+azurite[1]+" ")
	require.Equal(t, "UseDevelopmentStorage=true", sample.Values["AzureWebJobsStorage"], "Azurite's own ports")

	tenant := regexp.MustCompile(`--tenant (\S+)`).FindStringSubmatch(recipe)
	require.NotNil(t, tenant)
	for _, name := range []string{"PIM_ARM_ENDPOINT", "PIM_GRAPH_ENDPOINT", "PIM_LOGIN_ENDPOINT"} {
		require.Equal(t, "http://"+tenant[1], sample.Values[name])
	}
	require.Equal(t, "http://"+tenant[1]+"/msi/token", sample.Values["IDENTITY_ENDPOINT"])

	broker := regexp.MustCompile(`emulator at (\S+),`).FindStringSubmatch(recipe)
	require.NotNil(t, broker)
	require.Contains(t, sample.Values["ServiceBusConnection"], "Endpoint=sb://"+broker[1]+";")
	require.Contains(t, sample.Values["ServiceBusConnection"], "UseDevelopmentEmulator=true")

	require.Contains(t, recipe, "cp cmd/devhost/rules.local.yaml dist/app/"+sample.Values["PIM_RULES"])
	require.FileExists(t, "cmd/devhost/rules.local.yaml")
	disabled := regexp.MustCompile(`AzureWebJobs\.(\w+)\.Disabled`).FindAllStringSubmatch(recipe, -1)
	require.Len(t, disabled, 2)
	for _, name := range disabled {
		f := read("functions/" + name[1] + "/function.json")
		queue := regexp.MustCompile(`"serviceBusTrigger".*"queueName": "([^"]+)"`).FindStringSubmatch(f)
		require.NotNil(t, queue, name[1])
		require.Contains(t, recipe, "`"+queue[1]+"`")
	}
}
