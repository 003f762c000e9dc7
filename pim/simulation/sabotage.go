package simulation

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/azurepim/azure-pim/pim"
)

// Sabotage stands between an engine and the world, and makes it behave as an engine
// would that lacks something: so tests find out whether the simulation would notice.
// The zero value changes nothing.
type Sabotage struct {
	Ledger    func(pim.Ledger) pim.Ledger
	Outbox    func(pim.Outbox) pim.Outbox
	Sink      func(pim.Sink) pim.Sink
	Transport func(policy.Transporter) policy.Transporter
}

func (s Sabotage) ledger(l pim.Ledger) pim.Ledger {
	if s.Ledger == nil {
		return l
	}
	return s.Ledger(l)
}

func (s Sabotage) outbox(o pim.Outbox) pim.Outbox {
	if s.Outbox == nil {
		return o
	}
	return s.Outbox(o)
}

func (s Sabotage) sink(k pim.Sink) pim.Sink {
	if s.Sink == nil {
		return k
	}
	return s.Sink(k)
}

func (s Sabotage) transport(t policy.Transporter) policy.Transporter {
	if s.Transport == nil {
		return t
	}
	return s.Transport(t)
}

// logHandler puts what an engine logs into the trace of its task.
type logHandler struct{ world *world }

func (logHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h logHandler) WithAttrs([]slog.Attr) slog.Handler     { return h }
func (h logHandler) WithGroup(string) slog.Handler          { return h }

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		return true
	})
	t := ctx.Value(taskKey{}).(*task)
	h.world.mu.Lock()
	dead := t.process.dead
	h.world.mu.Unlock()
	if !dead { // the dead say nothing, on their way to their last gate
		h.world.note(t, text)
	}
	return nil
}
