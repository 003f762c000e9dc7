package azurepim_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/azurepim/azure-pim/functions"
	"github.com/stretchr/testify/require"
)

// hostJSON is what host.json may say here: the keys of the Functions host and its
// Service Bus extension 5.x that we use. The host ignores a misspelt one in silence.
type hostJSON struct {
	Version         string `json:"version"`
	FunctionTimeout string `json:"functionTimeout"`
	CustomHandler   struct {
		Description struct {
			Executable string `json:"defaultExecutablePath"`
		} `json:"description"`
		Forward bool `json:"enableForwardingHttpRequest"`
	} `json:"customHandler"`
	Extensions struct {
		HTTP struct {
			Prefix string `json:"routePrefix"`
		} `json:"http"`
		ServiceBus struct {
			Calls    int    `json:"maxConcurrentCalls"`
			Renewal  string `json:"maxAutoLockRenewalDuration"`
			Prefetch int    `json:"prefetchCount"`
		} `json:"serviceBus"`
	} `json:"extensions"`
	Concurrency struct {
		Dynamic bool `json:"dynamicConcurrencyEnabled"`
	} `json:"concurrency"`
	Logging struct {
		Level    map[string]string `json:"logLevel"`
		Insights struct {
			Sampling struct {
				Enabled  bool   `json:"isEnabled"`
				Excluded string `json:"excludedTypes"`
			} `json:"samplingSettings"`
		} `json:"applicationInsights"`
	} `json:"logging"`
	Bundle struct {
		ID      string `json:"id"`
		Version string `json:"version"`
	} `json:"extensionBundle"`
}

func TestHostJSONIsWhatTheHandlerIsBuiltFor(t *testing.T) {
	b, err := os.ReadFile("host.json")
	require.NoError(t, err)
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	var h hostJSON
	require.NoError(t, dec.Decode(&h))
	require.Equal(t, "2.0", h.Version)
	require.Equal(t, "handler", h.CustomHandler.Description.Executable)
	require.True(t, h.CustomHandler.Forward)
	require.Equal(t, "api", h.Extensions.HTTP.Prefix)
	require.Equal(t, "Microsoft.Azure.Functions.ExtensionBundle", h.Bundle.ID)
	require.Regexp(t, `^\[4\.\*, 5\.0\.0\)$`, h.Bundle.Version)
	require.False(t, h.Concurrency.Dynamic, "PIM's limits are not the host's to find")
	for _, kind := range []string{"Trace", "Request", "Exception"} {
		require.Contains(t, strings.Split(h.Logging.Insights.Sampling.Excluded, ";"), kind, "alerts count them")
	}

	// The time-out kills the whole handler, so every deadline of ours ends before. An
	// invocation begins at the host, which may first wait 30 s for a new process to
	// listen, and then goes on to wait for our setup.
	timeout := timeSpan(t, h.FunctionTimeout)
	o := functions.Bounds.WithDefaults()
	const listening, ready = 30 * time.Second, 30 * time.Second
	require.Less(t, listening+ready+o.HTTPDeadline+o.Grace, timeout)
	require.Less(t, listening+ready+o.Deadline+o.Grace, timeout)
	// A message's lock is renewed for as long as its invocation may last.
	require.GreaterOrEqual(t, timeSpan(t, h.Extensions.ServiceBus.Renewal), listening+ready+o.Deadline+o.Grace)
}

func timeSpan(t *testing.T, s string) time.Duration {
	t.Helper()
	m := regexp.MustCompile(`^(\d\d):(\d\d):(\d\d)$`).FindStringSubmatch(s)
	require.NotNil(t, m, s)
	d, err := time.ParseDuration(m[1] + "h" + m[2] + "m" + m[3] + "s")
	require.NoError(t, err)
	return d
}
