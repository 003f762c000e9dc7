package e2e_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/devhost"
)

// settled is how long a grant may take whose handler was killed: lease and lock run
// out, and a machine that does much else at once is slow.
const settled = 30 * time.Second

func TestHandlerKilledAtAnyStepOfAGrantGrantsOnce(t *testing.T) {
	t.Parallel()
	steps := calmGrant(t)
	for _, when := range []string{"before", "after"} {
		for i, step := range steps {
			t.Run(fmt.Sprintf("%s %02d %s", when, i+1, step), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, fast())
				a := w.wants(1)[0]
				var h *devhost.Host
				started := make(chan struct{})
				kill := newTrap(func(n int, _ string) bool { return n == i+1 }, when == "after", killing(func() error { <-started; return h.Kill() }))
				w.arm(kill)
				h = w.host()
				close(started)
				w.send(functions.RequestsQueue, a.request())
				require.NoError(t, kill.sprung(t))
				// What the host starts again and the timer that looks after what stands
				// still come at once.
				w.eventually("the timer fires", settled, func() bool { return h.Fire(t.Context(), "resume") == nil })
				require.Zero(t, w.granted(settled, a), "PIM was asked again")
				require.NoError(t, h.Err())
				require.Equal(t, steps[:i+1], kill.seen()[:i+1], "the same way as the calm grant")
			})
		}
	}
}

// calmGrant lists the calls that the handler makes from its start to the end of one
// grant.
func calmGrant(t *testing.T) []string {
	w := newWorld(t, fast())
	calm := newTrap(func(int, string) bool { return false }, false, nil)
	w.arm(calm)
	h := w.host()
	defer h.Close()
	a := w.wants(1)[0]
	w.send(functions.RequestsQueue, a.request())
	require.Zero(t, w.granted(settled, a))
	steps := calm.seen()
	writes := 0
	for _, s := range steps {
		if s == "POST PimChanges" || s == "PUT PimChanges" {
			writes++
		}
	}
	t.Logf("a calm grant makes %d calls, of these %d writes of the journal and %d of PIM", len(steps), writes, w.toTenant.count(http.MethodPut))
	return steps
}

func TestThirdDeathEndsTheHostAndAnotherOneGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fast())
	a := w.wants(1)[0]
	h := w.host()
	var kills []*trap
	for _, step := range []string{"PUT roleEligibilityScheduleRequests", "PUT roleAssignmentScheduleRequests", "PUT PimChanges"} {
		next := len(kills) + 1
		kills = append(kills, newTrap(func(_ int, s string) bool { return s == step }, true, killing(func() error {
			if next < len(kills) {
				w.arm(kills[next])
			}
			return h.Kill()
		})))
	}
	w.arm(kills[0])
	w.send(functions.RequestsQueue, a.request())
	for _, k := range kills {
		require.NoError(t, k.sprung(t))
	}
	select {
	case <-h.Done():
		require.ErrorContains(t, h.Err(), "failed three times")
	case <-time.After(settled):
		require.Fail(t, "the host lives on")
	}
	w.host() // as the platform does
	require.Zero(t, w.granted(settled, a), "PIM was asked again")
}

// arm sets a trap before tenant and journal.
func (w *world) arm(t *trap) {
	w.toTenant.trap.Store(t)
	w.toTable.trap.Store(t)
}
