package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asHandler is set for a process that is to be the app's handler: it answers
// every call with its settings.
const asHandler = "DEVHOST_TEST_HANDLER"

func TestMain(m *testing.M) {
	if os.Getenv(asHandler) == "" {
		os.Exit(m.Run())
	}
	go func() { // nobody needs it once the test has gone
		for parent := os.Getppid(); os.Getppid() == parent; {
			time.Sleep(100 * time.Millisecond)
		}
		os.Exit(3)
	}()
	_ = http.ListenAndServe("127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := map[string]string{"key": r.Header.Get("x-functions-key")}
		for _, pair := range os.Environ() {
			name, value, _ := strings.Cut(pair, "=")
			got[name] = value
		}
		_ = json.NewEncoder(w).Encode(got)
	}))
}

// printed collects what the command prints.
type printed struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(b)
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start runs the command until the test ends and waits for it to print.
func start(t *testing.T, until string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, ended := &printed{}, make(chan error, 1)
	go func() { ended <- run(ctx, args, out, io.Discard) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-ended) })
	require.Eventually(t, func() bool { return strings.Contains(out.String(), until) }, 20*time.Second, 10*time.Millisecond)
	return out.String()
}

func app(t *testing.T) string {
	root := t.TempDir()
	for path, text := range map[string]string{
		"host.json":                     `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"handler"},"enableForwardingHttpRequest":true}}`,
		"activatePIMRole/function.json": `{"bindings":[{"type":"httpTrigger","name":"req"},{"type":"http","direction":"out","name":"res"}]}`,
		"local.settings.json":           `{"Values":{"PIM_RULES":"mine.yaml","MINE":"1"}}`,
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o644))
	}
	return root
}

func TestPrintedSampleRequestReachesTheHandler(t *testing.T) {
	t.Setenv(asHandler, "1")
	self, err := os.Executable()
	require.NoError(t, err)
	root := app(t)
	out := start(t, "curl", "--root", root, "--listen", "127.0.0.1:0", "--handler", self, "--settings", root+"/local.settings.json", "--key", "k1")
	call := regexp.MustCompile(`-X POST (\S+) -H 'x-functions-key: (\S+)' -H 'Content-Type: application/json' -d '(.+)'`).FindStringSubmatch(out)
	require.NotNil(t, call, out)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, call[1], strings.NewReader(call[3]))
	require.NoError(t, err)
	r.Header.Set("x-functions-key", call[2])
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	var got map[string]string
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&got))
	require.Equal(t, "k1", got["key"])
	require.Equal(t, "1", got["MINE"])
	require.Equal(t, "mine.yaml", got["PIM_RULES"], "the settings file wins")
	require.Contains(t, got["ServiceBusConnection"], "UseDevelopmentEmulator=true")
	require.Equal(t, got["PIM_ARM_ENDPOINT"]+"/msi/token", got["IDENTITY_ENDPOINT"])
}

func TestTenantAloneGivesTokensToItsIdentity(t *testing.T) {
	settings := map[string]string{}
	for line := range strings.Lines(start(t, "PIM_TENANT_ID", "--tenant", "127.0.0.1:0")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		settings[name] = value
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, settings["IDENTITY_ENDPOINT"]+"?api-version=2019-08-01&resource=https://management.azure.com/", nil)
	require.NoError(t, err)
	r.Header.Set("X-IDENTITY-HEADER", settings["IDENTITY_HEADER"])
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

func TestMistakesOnTheCommandLineAreTold(t *testing.T) {
	root := app(t)
	require.NoError(t, os.Remove(root+"/host.json"))
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"argument":    {[]string{"now"}, `unexpected argument "now"`},
		"no settings": {[]string{"--settings", root + "/none.json"}, "none.json"},
		"no app":      {[]string{"--root", root, "--listen", "127.0.0.1:0"}, "host.json"},
		"no address":  {[]string{"--root", root, "--listen", "nowhere"}, "listen"},
	} {
		err := run(t.Context(), c.args, io.Discard, io.Discard)
		require.ErrorContains(t, err, c.want, name)
	}
}
