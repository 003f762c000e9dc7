package simulation_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simulation"
)

// within is in how many seeds a broken engine must be caught.
const within = 400

// Whoever lacks one of these must be caught, and for that very reason: says is a part
// of what is found to be untrue.
func TestABrokenEngineIsCaught(t *testing.T) {
	for _, tt := range []struct {
		name  string
		makes func() simulation.Sabotage // once for each world
		says  []string
	}{
		{"it writes the journal after the effect", journalAfterEffect, []string{"has not announced it in the journal"}},
		{"its names of requests hold no generation", namesWithoutGeneration, []string{"stands of", "asked anew"}},
		{"it does not look for what it may have asked before", forgetsTries, []string{"asked anew", "two requests for the same effect", "without an allowed", "lines in the audit log"}},
		{"it does not heed leases", ignoresLeases, []string{"took the lease while", "gave back a lease that", "has lost the change to another"}},
		{"it does not heed the journal's versions", ignoresVersions, []string{"say different things", "the lease", "is pending again", "end outcomes", "asked anew"}},
		{"it tells outcomes before the ledger knows them", tellsBeforeItWrites, []string{"before the ledger knew of it"}},
		{"it decides nothing", skipsDecision, []string{"without an allowed decision in the audit log"}},
		{"it asks for longer than was decided", asksForLonger, []string{"what the journal does not announce"}},
		{"it acts without a line in the audit log", writesNoLines, []string{"lines in the audit log"}},
		{"it asks on when its lease is over", neverStops, []string{"has lost the change to another"}},
		{"its outcomes get lost", losesOutcomes, []string{"0 end outcomes"}},
		{"nobody finds what stands still", findsNothing, []string{"waits for ever"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for s := range uint64(within) {
				o := run(t, s, tt.makes())
				if len(o.Found) == 0 {
					continue
				}
				found := strings.Join(o.Found, "; ")
				for _, part := range tt.says {
					if strings.Contains(found, part) {
						t.Logf("caught in seed %d: %s", s, o.Found[0])
						return
					}
				}
				require.Fail(t, "caught for another reason", "seed %d: %s", s, found)
			}
			require.Fail(t, "not caught", "within %d seeds", within)
		})
	}
}

// changed is a ledger that changes what goes through it.
type changed struct {
	pim.Ledger
	load func(pim.Change) pim.Change
	save func(context.Context, pim.Change) (pim.Change, error)
}

func (l changed) Load(ctx context.Context, id string) (pim.Change, error) {
	c, err := l.Ledger.Load(ctx, id)
	if err == nil && l.load != nil {
		c = l.load(c)
	}
	return c, err
}

func (l changed) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	if l.save != nil {
		return l.save(ctx, c)
	}
	return l.Ledger.Save(ctx, c)
}

func onLoad(f func(pim.Change) pim.Change) simulation.Sabotage {
	return simulation.Sabotage{Ledger: func(l pim.Ledger) pim.Ledger { return changed{Ledger: l, load: f} }}
}

func onSave(f func(context.Context, pim.Ledger, pim.Change) (pim.Change, error)) simulation.Sabotage {
	return simulation.Sabotage{Ledger: func(l pim.Ledger) pim.Ledger {
		return changed{Ledger: l, save: func(ctx context.Context, c pim.Change) (pim.Change, error) { return f(ctx, l, c) }}
	}}
}

// transport is a function as a transport.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

func journalAfterEffect() simulation.Sabotage {
	held := map[string]pim.Change{}      // announcements that were not written yet
	versions := map[string]string{}      // what their change believes to be its version
	var late func(context.Context) error // writes them
	s := onSave(func(ctx context.Context, l pim.Ledger, c pim.Change) (pim.Change, error) {
		late = func(ctx context.Context) error {
			for id, h := range held {
				delete(held, id)
				saved, err := l.Save(ctx, h)
				if err != nil {
					return err
				}
				versions[id] = saved.Version
			}
			return nil
		}
		if c.Lease.Worker != "" {
			held[c.ID()] = c
			return c, nil
		}
		if v, ok := versions[c.ID()]; ok {
			delete(versions, c.ID())
			c.Version = v
		}
		return l.Save(ctx, c)
	})
	s.Transport = func(to policy.Transporter) policy.Transporter {
		return transport(func(r *http.Request) (*http.Response, error) {
			resp, err := to.Do(r)
			if r.Method == http.MethodGet {
				return resp, err
			}
			if lateErr := late(r.Context()); lateErr != nil {
				return nil, lateErr
			}
			return resp, err
		})
	}
	return s
}

func namesWithoutGeneration() simulation.Sabotage {
	nameOf := func(change string, k pim.Kind, t pim.RequestType) string {
		return uuid.NewSHA1(uuid.Nil, []byte(change+string(k)+string(t))).String()
	}
	s := onSave(func(ctx context.Context, l pim.Ledger, c pim.Change) (pim.Change, error) {
		for i := range c.Effects {
			e := &c.Effects[i]
			name := nameOf(c.ID(), e.Kind, e.Type)
			switch {
			case c.Request.Action == pim.Cancel:
			case e.Mark != "":
				e.Mark = name[:13]
			default:
				e.Name = name
			}
		}
		return l.Save(ctx, c)
	})
	s.Sink = func(k pim.Sink) pim.Sink {
		return renamed{k, func(r pim.Record) pim.Record {
			if r.What == pim.AuditEffect && r.Plane == pim.Azure && r.Action != pim.Cancel {
				r.Request = nameOf(r.Change, r.Kind, r.Type)
			}
			return r
		}}
	}
	return s
}

// renamed is a sink that changes what is written to it.
type renamed struct {
	pim.Sink
	line func(pim.Record) pim.Record
}

func (s renamed) Write(ctx context.Context, r pim.Record) error { return s.Sink.Write(ctx, s.line(r)) }

func forgetsTries() simulation.Sabotage {
	return onLoad(func(c pim.Change) pim.Change {
		for i := range c.Effects {
			c.Effects[i].Tried = 0
		}
		return c
	})
}

func ignoresLeases() simulation.Sabotage {
	return onLoad(func(c pim.Change) pim.Change {
		c.Lease = pim.Lease{}
		return c
	})
}

func ignoresVersions() simulation.Sabotage {
	return onSave(func(ctx context.Context, l pim.Ledger, c pim.Change) (pim.Change, error) {
		for {
			saved, err := l.Save(ctx, c)
			if pim.CodeOf(err) != pim.CodeConflict {
				return saved, err
			}
			now, err := l.Load(ctx, c.ID())
			if err != nil {
				return now, err
			}
			c.Version = now.Version
		}
	})
}

func tellsBeforeItWrites() simulation.Sabotage {
	var queues pim.Outbox
	s := onSave(func(ctx context.Context, l pim.Ledger, c pim.Change) (pim.Change, error) {
		if len(c.Outbox) > 0 {
			if err := queues.Publish(ctx, c.Outbox...); err != nil {
				return c, err
			}
		}
		return l.Save(ctx, c)
	})
	s.Outbox = func(o pim.Outbox) pim.Outbox {
		queues = o
		return o
	}
	return s
}

func skipsDecision() simulation.Sabotage {
	roles := map[string]string{
		"Contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c", "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
		"Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6", "Groups Administrator": "fdd7a751-b60b-444a-984c-02652fe8fa1c", "member": "member",
	}
	return onLoad(func(c pim.Change) pim.Change {
		if c.Step == pim.StepDecide && !c.Ended() {
			c.Role.ID = roles[c.Request.Role]
			c.Decision = pim.Decision{Allowed: true, Mode: pim.OnBehalf, Make: true, At: time.Now()}
			c.State, c.Step = pim.Pending, pim.StepLook
		}
		return c
	})
}

func asksForLonger() simulation.Sabotage {
	return simulation.Sabotage{Transport: func(to policy.Transporter) policy.Transporter {
		return transport(func(r *http.Request) (*http.Response, error) {
			if r.Body != nil {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				body = bytes.ReplaceAll(body, []byte(`"PT8H"`), []byte(`"PT9H"`))
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			return to.Do(r)
		})
	}}
}

func neverStops() simulation.Sabotage {
	return simulation.Sabotage{Transport: func(to policy.Transporter) policy.Transporter {
		return transport(func(r *http.Request) (*http.Response, error) {
			return to.Do(r.WithContext(context.WithoutCancel(r.Context())))
		})
	}}
}

// silent is a sink that drops the lines before effects.
type silent struct{ pim.Sink }

func (s silent) Write(ctx context.Context, r pim.Record) error {
	if r.What == pim.AuditEffect {
		return nil
	}
	return s.Sink.Write(ctx, r)
}

func writesNoLines() simulation.Sabotage {
	return simulation.Sabotage{Sink: func(s pim.Sink) pim.Sink { return silent{s} }}
}

// mute is an outbox that says nothing.
type mute struct{ pim.Outbox }

func (mute) Publish(context.Context, ...pim.Event) error { return nil }

func losesOutcomes() simulation.Sabotage {
	return simulation.Sabotage{Outbox: func(o pim.Outbox) pim.Outbox { return mute{o} }}
}

// blind is a ledger that lists nothing.
type blind struct{ pim.Ledger }

func (blind) List(context.Context, pim.Filter) iter.Seq2[pim.Change, error] {
	return func(func(pim.Change, error) bool) {}
}

func findsNothing() simulation.Sabotage {
	return simulation.Sabotage{Ledger: func(l pim.Ledger) pim.Ledger { return blind{l} }}
}
