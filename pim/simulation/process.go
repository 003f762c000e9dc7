package simulation

import (
	"context"
	"log/slog"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/azurepim/azure-pim/pim"
)

// invocationTimeout is functionTimeout of host.json.
const invocationTimeout = 10 * time.Minute

// process is one instance of the function app: an engine and what it remembers, all
// of which is gone when it dies.
type process struct {
	name   string
	ctx    context.Context
	cancel context.CancelFunc
	engine *pim.Engine
	tasks  map[*task]bool
	busy   int // messages in hand
	frozen time.Time
	dead   bool // guarded by world.mu
}

// boot starts a process. It knows nothing but where ledger, queues and tenant are.
func (w *world) boot(name string) *process {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{name: name, ctx: ctx, cancel: cancel, tasks: map[*task]bool{}}
	client, err := pim.NewClient(w.credential, &pim.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: w.broken.transport(wire{w, w.tenant.Transport()}),
		// The tries are the engine's own. The pause between them is random in the SDK,
		// beyond any seed: here a call itself takes its time.
		Retry: policy.RetryOptions{MaxRetries: 2, RetryDelay: -1, MaxRetryDelay: 5 * time.Second, TryTimeout: time.Minute},
	}})
	if err != nil {
		panic("simulation: " + err.Error())
	}
	p.engine = &pim.Engine{
		Tenant: w.tenant.ID(), Client: client, Audit: w.broken.sink(sink{w}),
		Ledger: w.broken.ledger(journal{w, w.ledger}),
		Outbox: w.broken.outbox(outbox{w}),
		Guard:  pim.Guard{Identity: []string{w.app}},
		Rules:  func(context.Context) (*pim.Rules, error) { return w.rules, nil },
		Log:    slog.New(w.log),
	}
	return p
}

// crash kills a process at whatever points its tasks have reached; another one takes
// its place after a while.
func (w *world) crash(p *process) {
	w.remark("%s dies", p.name)
	w.mu.Lock()
	p.dead = true
	w.mu.Unlock()
	w.orphan(p)
	p.cancel() // those who sleep wake up, and end at their next gate
	for _, t := range w.stoppedTasks() {
		if t.process == p {
			w.release(t, verdict{die: true})
		}
	}
	for i, o := range w.processes {
		if o == p {
			w.processes[i] = nil
			w.plan(between(w.random, time.Second, time.Minute), p.name+" comes back", func() { w.processes[i] = w.boot(p.name) })
		}
	}
}

// freeze lets a process stand still, as a machine that is moved or out of memory
// does. Its locks expire meanwhile.
func (w *world) freeze(p *process) {
	d := between(w.random, time.Second, 8*time.Minute)
	w.remark("%s freezes for %s", p.name, d.Round(time.Second))
	p.frozen = time.Now().Add(d)
	if d > lockFor {
		w.orphan(p)
	}
}

// orphan leaves all messages that a process has in hand to their locks.
func (w *world) orphan(p *process) {
	for _, q := range w.queues {
		for _, m := range q.messages {
			if m.holder != nil && m.holder.process == p {
				q.orphan(m, m.lock, time.Now().Add(between(w.random, 1, lockFor)))
			}
		}
	}
}

// awake are the processes that can be given work.
func (w *world) awake(now time.Time) []*process {
	var out []*process
	for _, p := range w.processes {
		if p != nil && !now.Before(p.frozen) {
			out = append(out, p)
		}
	}
	return out
}
