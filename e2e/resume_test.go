package e2e_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/devhost"
	"github.com/azurepim/azure-pim/pim"
)

// standstill is more than the lease and the minute for which the resume timer takes a
// change for being on its way.
const standstill = 90 * time.Second

// resume fires the timer, each second, until all is granted and told, and the journal
// knows it.
func (w *world) resume(h *devhost.Host, wants ...want) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		if w.told.grants() >= len(wants) && w.allTold() {
			return true
		}
		_ = h.Fire(w.t.Context(), "resume") // the services may not be back yet
		return false
	}, standstill+settled, time.Second, "what stood still is granted")
}

// allTold reports whether no outcome in the journal waits to be sent.
func (w *world) allTold() bool {
	for range w.journal.List(w.t.Context(), pim.Filter{Unsent: true}) {
		return false
	}
	return true
}

// A caller over HTTP is not asked again by anybody: what its handler has begun is in
// the journal alone.
func TestChangesThatLostTheirHandlerAndTheirCallerAreResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fast())
	var wants []want
	for effect := 0; ; effect++ {
		a := w.wants(1)[0]
		effects := 0
		h := w.host()
		kill := newTrap(func(_ int, step string) bool {
			// A change is known from its first write on.
			if strings.HasPrefix(step, "POST ") || strings.HasPrefix(step, "PUT ") {
				effects++
			}
			return effects == effect+1
		}, true, killing(h.Kill))
		w.arm(kill)
		status, _ := post(t, h, a.request())
		wants = append(wants, a)
		h.Close()
		if status == http.StatusCreated {
			break // nothing was left to be killed at
		}
		require.NoError(t, kill.sprung(t))
	}
	require.Greater(t, len(wants), 10, "the journal is written before and after each effect, and at either end")
	began := time.Now()
	w.resume(w.host(), wants...)
	require.Zero(t, w.granted(settled, wants...), "PIM was asked again")
	t.Logf("%d grants were cut off behind a write each; all were done after %v", len(wants)-1, time.Since(began))
}
