package simulation_test

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simulation"
)

var (
	seeds  = flag.Uint64("seeds", 3000, "how many seeds TestSimulation runs, from 0 on; 0 runs seeds at random until it is stopped")
	atMost = flag.Duration("for", 25*time.Second, "how long TestSimulation runs at most, in real time")
	seed   = flag.Int64("seed", -1, "the one seed that TestSimulation runs, and tells all that happens")
)

// atLeast is how many seeds are run however slow the machine is.
const atLeast = 100

// run runs the world of a seed in a bubble of its own.
func run(t *testing.T, seed uint64, broken simulation.Sabotage) (o simulation.Outcome) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { o = simulation.Run(seed, broken) })
	return o
}

// replay is what to say of a seed in which something was not true.
func replay(t *testing.T, o simulation.Outcome) {
	t.Helper()
	t.Errorf("seed %d:\n\t%s\nreplay it with\n\tgo test -count=1 -run 'TestSimulation$' ./pim/simulation -seed %d", o.Seed, strings.Join(o.Found, "\n\t"), o.Seed)
}

func TestSimulation(t *testing.T) {
	if *seed >= 0 {
		o := run(t, uint64(*seed), simulation.Sabotage{})
		t.Log("\n" + strings.Join(o.Trace, "\n"))
		if len(o.Found) > 0 {
			replay(t, o)
		}
		return
	}
	first, began := uint64(0), time.Now()
	if *seeds == 0 {
		first = rand.Uint64N(1 << 40)
	}
	var next, runs, steps, deaths atomic.Uint64
	var stop atomic.Bool
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for !stop.Load() {
					n := next.Add(1) - 1
					if *seeds > 0 && (n >= *seeds || n >= atLeast && time.Since(began) > *atMost) {
						return
					}
					o := run(t, first+n, simulation.Sabotage{})
					runs.Add(1)
					steps.Add(uint64(o.Steps))
					deaths.Add(uint64(o.Deaths))
					if len(o.Found) > 0 {
						replay(t, o)
						stop.Store(true)
					}
				}
			})
		}
	})
	t.Logf("%d seeds in %s: %d steps, %d deaths of a process", runs.Load(), time.Since(began).Round(time.Second/10), steps.Load(), deaths.Load())
}

// A seed is worth something only if it finds again what it found.
func TestASeedIsAlwaysTheSameRun(t *testing.T) {
	for s := range uint64(20) {
		a, b := run(t, s, simulation.Sabotage{}), run(t, s, simulation.Sabotage{})
		require.Equal(t, a.Trace, b.Trace)
		require.Equal(t, a.Digest, b.Digest)
	}
}
