package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/devhost"
)

// BenchmarkStart is the time from the start of a host to the handler's first answer,
// and the size of its binary.
func BenchmarkStart(b *testing.B) {
	root := app(b)
	binary, err := os.Stat(filepath.Join(root, "handler"))
	require.NoError(b, err)
	for b.Loop() {
		h, err := devhost.Start(b.Context(), devhost.Config{Root: root, Addr: "127.0.0.1:0", Timing: quick,
			Settings: map[string]string{"SWEEP_SCHEDULE": "0 0 3 * * *"}})
		require.NoError(b, err)
		require.NoError(b, h.Ready(b.Context()))
		b.StopTimer()
		h.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(binary.Size()), "B/binary")
}

func TestHandlerWeighsLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fast())
	binary, err := os.Stat(filepath.Join(app(t), "handler"))
	require.NoError(t, err)
	began := time.Now()
	h := w.host()
	require.NoError(t, h.Ready(t.Context()))
	listening := time.Since(began)
	a := w.wants(1)[0]
	w.send(functions.RequestsQueue, a.request())
	require.Zero(t, w.granted(settled, a))
	t.Logf("a binary of %d bytes listens after %v; the first grant is done after %v and leaves %s", binary.Size(), listening, time.Since(began), memory(t, h))
}
