package e2e_test

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/amqpbroker"
	"github.com/azurepim/azure-pim/internal/devhost"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// packed makes the zip that is deployed, once for all tests, and returns its path.
var packed = sync.OnceValues(func() (string, error) {
	app, err := staged()
	if err != nil {
		return "", err
	}
	file := filepath.Join(filepath.Dir(app), "app.zip")
	return file, run("go", "run", "../scripts/zip", app, file)
})

// unpacked is a folder with what the platform finds in the zip.
func unpacked(t *testing.T) string {
	t.Helper()
	file, err := packed()
	require.NoError(t, err)
	z, err := zip.OpenReader(file)
	require.NoError(t, err)
	defer z.Close()
	dir := t.TempDir()
	for _, f := range z.File {
		require.True(t, filepath.IsLocal(f.Name), f.Name)
		at := filepath.Join(dir, filepath.FromSlash(f.Name))
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o755))
		in, err := f.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(in)
		require.NoError(t, err)
		require.NoError(t, write(at, b, f.Mode().Perm()))
	}
	return dir
}

// write writes a file that may be run at once: no process that another test starts in
// the meantime may inherit the file as one that is being written.
func write(at string, b []byte, mode fs.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(at, b, mode)
}

// files are the paths of all files below dir.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		found = append(found, filepath.ToSlash(name))
		return err
	}))
	return found
}

func TestPackageHoldsWhatTheHostNeedsAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := unpacked(t)
	want := []string{"handler", "host.json", "rules.yaml", "sweep.yaml"}
	for _, f := range new(functions.App).Table() {
		path := f.Name + "/function.json"
		want = append(want, path)
		defined, err := functions.Definitions.ReadFile(path)
		require.NoError(t, err)
		found, err := os.ReadFile(filepath.Join(dir, path))
		require.NoError(t, err)
		require.Equal(t, string(defined), string(found), path)
	}
	require.ElementsMatch(t, want, files(t, dir))
	for _, name := range []string{"host.json", "rules.yaml", "sweep.yaml"} {
		ours, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		found, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, string(ours), string(found), name)
	}
	handler, err := os.Stat(filepath.Join(dir, "handler"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o755), handler.Mode().Perm(), "the platform runs it as it is")
}

// healthy starts a host on a folder with the settings of a deployment that keeps nothing,
// and asks it for its health.
func healthy(t *testing.T, dir string) error {
	t.Helper()
	tenant := simtenant.New(simtenant.Options{})
	broker := &amqpbroker.Server{Broker: amqpbroker.NewBroker(queues()...)}
	t.Cleanup(broker.Close)
	address, err := broker.Start("127.0.0.1:0")
	require.NoError(t, err)
	log := newHostLog(t)
	h, err := devhost.Start(t.Context(), devhost.Config{
		Root: dir, Addr: "127.0.0.1:0", Log: log.logger(), Timing: quick,
		Settings: map[string]string{
			"PIM_TENANT_ID": tenant.ID(), "PIM_IDENTITY_OBJECT_ID": tenant.ID(), "SWEEP_SCHEDULE": "0 0 3 * * *", "PIM_SWEEP_RULES": "sweep.yaml",
			"ServiceBusConnection": amqpbroker.ConnectionString(address),
		},
	})
	require.NoError(t, err)
	t.Cleanup(h.Close)
	ctx, cancel := context.WithTimeout(t.Context(), settled)
	defer cancel()
	if err := h.Ready(ctx); err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL()+"/api/health", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the host answers %s", answer.Status)
	}
	require.Empty(t, log.errors(), "every function is loaded, and every queue is read")
	return nil
}

func TestPackageStarts(t *testing.T) {
	t.Parallel()
	require.NoError(t, healthy(t, unpacked(t)))
}

func TestPackageStartsWithoutNoneOfItsRules(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"host.json", "rules.yaml", "sweep.yaml"} {
		dir := unpacked(t)
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
		require.Error(t, healthy(t, dir), name)
	}
}
