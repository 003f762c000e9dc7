package sweep

import (
	"context"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// Restore puts back what applying the plan really removed, for the time that was
// left. by is who wants it; the rules decide each change as one of the app itself.
// What had no end gets one, since nothing is given without. It may be called again:
// the same removal is restored once.
func (s *Sweeper) Restore(ctx context.Context, by pim.Caller, planID string, until time.Time) (Status, error) {
	const op = "Sweeper.Restore"
	r, err := s.rules(ctx)
	if err != nil {
		return Status{}, at(op, err)
	}
	p, err := s.load(ctx, planID)
	if err != nil {
		return Status{}, at(op, err)
	}
	run, err := s.run(ctx, p)
	if err != nil {
		return Status{}, at(op, err)
	}
	if run.Phase == Planned {
		return Status{}, at(op, &pim.Error{Code: pim.CodeConflict, Field: "id", Detail: "the plan has not been applied: there is nothing to restore"})
	}
	fresh := map[int]Restoration{}
	for _, q := range p.Proposals {
		if !q.Removable() || run.Restores[q.N].Change != "" {
			continue
		}
		c, err := s.Engine.Ledger.Load(ctx, q.Change)
		switch {
		case pim.CodeOf(err) == pim.CodeNotFound:
			continue
		case err != nil:
			return Status{}, at(op, err)
		case q.asked(c) && c.State == pim.Done && c.Result != nil && !c.Result.Already:
			fresh[q.N] = r.inverse(q, time.Now().UTC())
		}
	}
	run, err = s.change(ctx, p, func(run *Run) {
		for n, b := range fresh {
			if run.Restores[n].Change == "" { // nobody was faster
				run.Restores[n] = b
			}
		}
	})
	if err != nil {
		return Status{}, at(op, err)
	}
	s.log().InfoContext(ctx, "sweep restored", "event", "sweep", "plan", p.ID, "by", by.String(), "restores", len(run.Restores))
	var pending []string
	for _, q := range p.Proposals {
		b, ok := run.Restores[q.N]
		if !ok || b.Change == "" {
			continue
		}
		if err := s.giveBack(ctx, q, b, until); err != nil {
			s.log().WarnContext(ctx, "a restoration waits", "change", b.Change, "error", err)
			continue
		}
		pending = append(pending, b.Change)
	}
	s.await(ctx, pending, until)
	st, err := s.status(ctx, p, run)
	return st, at(op, err)
}

// inverse is what puts q back.
func (r *Rules) inverse(q Proposal, now time.Time) Restoration {
	b := Restoration{Change: q.Change + "-restore"}
	switch {
	case q.Action == pim.Cancel:
		return Restoration{Note: "a request that was withdrawn is asked for again by whoever made it"}
	case q.End == nil:
		b.Duration = pim.Duration(r.restoreFor)
		b.Note = "it had no end; nothing is given without one"
	default:
		b.Duration = pim.Duration(q.End.Sub(now).Truncate(time.Minute))
		if b.Duration < pim.MinDuration {
			return Restoration{Note: "it would have ended by now"}
		}
	}
	if q.Activated {
		b.Note = "it was an activation; it comes back as an assignment"
	}
	return b
}

func (s *Sweeper) giveBack(ctx context.Context, q Proposal, b Restoration, until time.Time) error {
	scope, err := pim.ParseScope(q.Plane, q.Scope)
	if err != nil {
		return err
	}
	req := pim.Request{
		ID: b.Change, Action: q.back(), Plane: q.Plane, Scope: scope, Role: q.Role.ID, Principal: q.Principal,
		Duration: b.Duration, Condition: q.Condition, Justification: "azure-pim sweep: put back what " + q.Change + " removed",
		Ticket: pim.Ticket{Number: q.Change[:min(len(q.Change), 100)], System: "azure-pim"},
	}
	if err := req.Check(); err != nil {
		return err
	}
	if _, err := s.Engine.Start(ctx, caller, req); err != nil {
		return err
	}
	return s.drive(ctx, b.Change, until)
}
