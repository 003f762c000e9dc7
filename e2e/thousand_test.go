package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/devhost"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// maxBulk is how many changes one message may hold.
const maxBulk = 1000

// Every twentieth call of the tenant fails, in each of three ways.
func TestThousandQueuedRequestsAmongFaultsAreEachGrantedOnce(t *testing.T) {
	t.Parallel()
	n, hosts := 1000, 1
	if *full {
		n, hosts = 10_000, 6
	}
	w := newWorld(t, fast())
	w.subscribe(n / 50)
	wants := w.wants(n)
	w.tenant.Inject(
		simtenant.Fault{Probability: 0.02, Times: simtenant.Always, Status: http.StatusTooManyRequests, RetryAfter: time.Second},
		simtenant.Fault{Probability: 0.02, Times: simtenant.Always, Status: http.StatusInternalServerError},
		simtenant.Fault{Probability: 0.01, Times: simtenant.Always, DropAnswer: true},
	)
	for rest := wants; len(rest) > 0; rest = rest[min(maxBulk, len(rest)):] {
		w.send(functions.RequestsQueue, bulk(rest[:min(maxBulk, len(rest))]))
	}
	began := time.Now()
	var running []*devhost.Host
	for range hosts {
		running = append(running, w.host())
	}
	again := w.granted(time.Duration(n)*300*time.Millisecond, wants...)
	t.Logf("%d requests in %v: %d calls of the tenant and %d of the journal", n, time.Since(began).Round(time.Second), w.toTenant.count(""), w.toTable.count(""))
	t.Logf("the tenant answered 429 %d times, 500 %d times and not at all %d times; PIM was asked %d times again",
		w.toTenant.answered(http.StatusTooManyRequests), w.toTenant.answered(http.StatusInternalServerError), w.toTenant.answered(wasCut), again)
	for _, h := range running {
		t.Logf("the handler holds %s", memory(t, h))
		require.NoError(t, h.Err())
	}
}

// memory is what the handler holds now, and at the most, as Linux counts it.
func memory(t *testing.T, h *devhost.Host) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.PID()))
	if os.IsNotExist(err) {
		return "nobody knows how much: there is no /proc"
	}
	require.NoError(t, err)
	var of []string
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if name == "VmRSS" || name == "VmHWM" {
			of = append(of, name+" "+strings.TrimSpace(value))
		}
	}
	return strings.Join(of, ", ")
}
