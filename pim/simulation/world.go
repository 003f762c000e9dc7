package simulation

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// Outcome is what came of a seed.
type Outcome struct {
	Seed   uint64
	Found  []string // what was not true; empty if all was
	Steps  int      // how often the director chose
	Deaths int      // of processes
	Took   time.Duration
	Digest uint64 // of all that happened, in order
	Trace  []string
}

// patience is how long after the storm everything must have come to an end: longer
// than an engine tries, and than an approval may take.
const patience = 6 * time.Hour

// world is one run.
type world struct {
	random  *rand.Rand // the director's, and nobody else's
	began   time.Time
	climate climate
	broken  Sabotage

	tenant     *simtenant.Tenant
	credential azcore.TokenCredential
	ledger     *ledger.Memory
	requests   *queue
	changes    *queue
	queues     []*queue
	rules      *pim.Rules
	log        slog.Handler
	people

	processes []*process // nil while dead
	agenda    []*item
	slots     []*slot
	wants     map[string]*want
	watch     *watch

	tasks, steps, deaths int
	bell                 chan struct{}

	mu      sync.Mutex
	stopped []*task // at a point
	left    []*task // gone, and not yet seen off

	trace []string
}

// Run runs the world of a seed and reports what was not true in it. It must be called
// within a bubble of testing/synctest.
func Run(seed uint64, broken Sabotage) Outcome {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	now := time.Now()
	w := &world{random: r, began: now, climate: newClimate(r, now), broken: broken, wants: map[string]*want{}, bell: make(chan struct{}, 1)}
	w.watch = newWatch(w)
	w.log = logHandler{w}
	w.furnish(seed)
	w.processes = []*process{w.boot("first"), w.boot("second")}
	w.recur(5*time.Minute, "resume timer", w.resume)
	for _, s := range w.slots {
		w.plan(between(r, 0, 10*time.Minute), "begin", func() { w.next(s) })
	}
	w.direct()
	w.shutDown()
	if len(w.watch.found) == 0 {
		w.inspect()
	}
	return Outcome{Seed: seed, Found: w.watch.found, Steps: w.steps, Deaths: w.deaths, Took: time.Since(w.began), Digest: w.digest(), Trace: w.trace}
}

// shutDown ends all processes, so that no goroutine outlives the world.
func (w *world) shutDown() {
	for _, p := range w.processes {
		if p != nil {
			w.crash(p)
		}
	}
	synctest.Wait()
	w.bury()
}

// note keeps what a task does; remark what happens to all.
func (w *world) note(t *task, what string) {
	w.remark("%-6s #%d %s: %s", t.process.name, t.id, t.name, what)
}

func (w *world) remark(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%12s ", time.Since(w.began).Round(time.Millisecond))+fmt.Sprintf(format, args...))
}

func (w *world) digest() uint64 {
	h := fnv.New64a()
	for _, l := range w.trace {
		_, _ = h.Write([]byte(l)) // a hash takes everything
	}
	return h.Sum64()
}
