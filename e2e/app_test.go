package e2e_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var full = flag.Bool("full", false, "let the queues hold ten thousand requests instead of one thousand")

// root is the module's folder, as seen from a test.
const root = ".."

func TestMain(m *testing.M) {
	flag.Parse()
	// They wait for processes, timers and each other far more than they compute.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	code := m.Run()
	if dir, err := staged(); err == nil {
		_ = os.RemoveAll(filepath.Dir(dir)) // a leftover does no harm
	}
	os.Exit(code)
}

// staged makes the function app as it is deployed, once for all tests, and returns its
// folder.
var staged = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "azure-pim-e2e-")
	if err != nil {
		return "", err
	}
	app := filepath.Join(dir, "app")
	return app, run("make", "--no-print-directory", "-C", root, "stage", "APP="+app)
})

// app is the folder of the function app.
func app(t testing.TB) string {
	t.Helper()
	dir, err := staged()
	require.NoError(t, err)
	return dir
}

// run runs a program without what a make or a go test above this one says: the race
// detector needs cgo, which the handler is built without.
func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	for _, pair := range os.Environ() {
		switch key, value, _ := strings.Cut(pair, "="); {
		case strings.HasPrefix(key, "MAKE") || key == "MFLAGS":
			continue
		case key == "GOFLAGS":
			words := slices.DeleteFunc(strings.Fields(value), func(w string) bool { return w == "-race" })
			pair = key + "=" + strings.Join(words, " ")
		}
		cmd.Env = append(cmd.Env, pair)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}
