package sweep

import (
	"context"
	"fmt"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

const (
	// driveEach is how long one removal is driven before the next is started: what
	// must wait longer is carried on by the queue.
	driveEach = 3 * time.Second
	// lookBack is how far back plans are looked for whose changes had not all ended.
	lookBack = 7 * 24 * time.Hour
)

// Apply carries out the plan of that hash, and nothing else. by is who wants it; the
// removals themselves are the app's own, and its rules decide each of them. It starts
// no removal after until, and waits no longer for those on their way. It may be
// called again, also while another one runs: a change is in the ledger once.
//
// Its error has CodeNotFound if there is no such plan, CodeConflict if the plan is
// too old, or the rules are other ones by now.
func (s *Sweeper) Apply(ctx context.Context, by pim.Caller, hash string, until time.Time) (Status, error) {
	const op = "Sweeper.Apply"
	r, err := s.rules(ctx)
	if err != nil {
		return Status{}, at(op, err)
	}
	p, err := s.find(ctx, r, hash)
	if err != nil {
		return Status{}, at(op, err)
	}
	if err := s.fit(r, p); err != nil {
		return Status{}, at(op, err)
	}
	run, err := s.change(ctx, p, func(run *Run) {
		if run.Phase == Planned {
			run.Phase, run.By, run.Started = Applying, by.String(), time.Now().UTC()
		}
	})
	if err != nil {
		return Status{}, at(op, err)
	}
	skipped := map[int]string{}
	var pending []string
	d, g := s.directory(r), s.guard(ctx, r)
	for _, q := range p.Proposals {
		if !q.Removable() || run.Skipped[q.N] != "" {
			continue
		}
		if ctx.Err() != nil || !time.Now().Before(until) {
			break // the next Apply goes on here
		}
		why, err := s.remove(ctx, r, g, d, q, until)
		switch {
		case err != nil:
			// What cannot be read now is not removed now; the next Apply looks again.
			s.log().WarnContext(ctx, "a removal waits", "change", q.Change, "error", err)
		case why != "":
			skipped[q.N] = why
		default:
			pending = append(pending, q.Change)
		}
	}
	run, err = s.change(ctx, p, func(run *Run) {
		for n, why := range skipped {
			run.Skipped[n] = why
		}
	})
	if err != nil {
		return Status{}, at(op, err)
	}
	s.await(ctx, pending, until)
	st, err := s.settle(ctx, p, run)
	return st, at(op, err)
}

// fit refuses a plan that was made under other circumstances.
func (s *Sweeper) fit(r *Rules, p Plan) error {
	conflict := func(format string, args ...any) error {
		return &pim.Error{Code: pim.CodeConflict, Field: "apply", Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case s.Engine.Guard.Stopped:
		return &pim.Error{Code: pim.CodeRefused, Unmet: []pim.Reason{{Code: pim.Stopped, Detail: "everything is stopped by setting"}}}
	case p.Tenant != s.Engine.Tenant:
		return conflict("the plan is of another tenant")
	case p.RulesHash != r.Hash():
		return conflict("the sweep's rules have changed since the plan was made: plan anew")
	case time.Since(p.At) > r.planAge:
		return conflict("the plan is older than %s: plan anew", days(r.planAge))
	}
	if why := r.exceeds(p); why != "" {
		return conflict("%s: plan anew", why)
	}
	return nil
}

// find looks the plan up by its hash, among those that are young enough.
func (s *Sweeper) find(ctx context.Context, r *Rules, hash string) (Plan, error) {
	// One age further back, so that a plan that is too old is told from none at all.
	oldest := planName(time.Now().UTC().Add(-2 * r.planAge).Format(planTime))
	for name, err := range s.Store.Names(ctx, "plans/") {
		if err != nil {
			return Plan{}, err
		}
		if name < oldest {
			continue
		}
		p, err := s.load(ctx, idIn(name))
		switch {
		case err != nil:
			s.log().WarnContext(ctx, "a plan cannot be read", "name", name, "error", err)
		case p.Hash == hash:
			return p, nil
		}
	}
	return Plan{}, &pim.Error{Code: pim.CodeNotFound, Field: "apply", Detail: "there is no recent plan of that hash"}
}

// remove has the engine carry out one proposal, if the tenant is still as the plan
// says; else it tells why not. Its error says that this could not be found out.
func (s *Sweeper) remove(ctx context.Context, r *Rules, g guard, d *directory, q Proposal, until time.Time) (why string, err error) {
	c, err := s.Engine.Ledger.Load(ctx, q.Change)
	switch {
	case err == nil && c.State != pim.Refused && c.State != pim.Failed:
		if !q.asked(c) {
			return taken, nil
		}
		// Another Apply was here, or an earlier one that died: the change goes its way.
		return "", s.drive(ctx, q.Change, until)
	case err != nil && pim.CodeOf(err) != pim.CodeNotFound:
		return "", err
	}
	if why := g.forbids(q); why != "" {
		return why, nil
	}
	if why, err := s.still(ctx, r, d, q); why != "" || err != nil {
		return why, err
	}
	req, err := q.request()
	if err != nil {
		return "", err
	}
	switch _, err := s.Engine.Start(ctx, caller, req); {
	case pim.CodeOf(err) == pim.CodeConflict:
		return taken, nil
	case err != nil:
		return "", err
	}
	return "", s.drive(ctx, q.Change, until)
}

// taken is why a removal is left out whose change somebody else has put into the
// ledger: that one is neither driven nor counted. The sweep of another day asks under
// another id.
const taken = "the id of its change names one that the sweep did not ask for"

func (s *Sweeper) drive(ctx context.Context, change string, until time.Time) error {
	if most := time.Now().Add(driveEach); most.Before(until) {
		until = most
	}
	_, err := s.Engine.Drive(ctx, caller, change, until)
	return err
}

// await stays with changes that are on their way, and looks at each when it is due.
func (s *Sweeper) await(ctx context.Context, changes []string, until time.Time) {
	for len(changes) > 0 && ctx.Err() == nil {
		next := until
		var left []string
		for _, id := range changes {
			c, err := s.Engine.Drive(ctx, caller, id, time.Now())
			if err != nil {
				s.log().WarnContext(ctx, "a change is left to the resume timer", "change", id, "error", err)
				continue
			}
			if c.Ended() || c.State == pim.AwaitingApproval || c.Due.After(until) {
				continue
			}
			left = append(left, id)
			if c.Due.Before(next) {
				next = c.Due
			}
		}
		if changes = left; len(changes) == 0 || !pause(ctx, max(time.Until(next), time.Second)) || !time.Now().Before(until) {
			return
		}
	}
}

// pause waits for d, and reports whether ctx let it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// settle ends a run whose changes have all ended, and tells it once.
func (s *Sweeper) settle(ctx context.Context, p Plan, run Run) (Status, error) {
	st, err := s.status(ctx, p, run)
	if err != nil || run.Phase != Applying || st.Tally.OnWay+st.Tally.Waiting > 0 {
		return st, err
	}
	if err := s.Engine.Swept(ctx, "sweep/"+p.ID+"/applied", st.event()); err != nil {
		s.log().WarnContext(ctx, "the summary of a sweep waits", "plan", p.ID, "error", err)
		return st, nil // still applying: it is told when it is settled next
	}
	st.Run, err = s.change(ctx, p, func(run *Run) {
		if run.Phase == Applying {
			run.Phase, run.Ended = Applied, time.Now().UTC()
		}
	})
	s.log().InfoContext(ctx, "sweep applied", "event", "sweep", "plan", p.ID, "hash", p.Hash, "capped", p.Capped,
		"removed", st.Tally.Removed, "gone", st.Tally.Gone, "skipped", st.Tally.Skipped, "refused", st.Tally.Refused, "failed", st.Tally.Failed)
	return st, err
}

// event is the summary as it is told.
func (st Status) event() pim.Report {
	t := st.Tally
	return pim.Report{ID: st.Plan.ID, State: pim.Done, RequestedBy: st.Run.By, Created: st.Plan.At, Result: &pim.Result{Confirmed: true,
		Note: fmt.Sprintf("%d removed, %d gone before, %d skipped, %d refused, %d failed, %d restored", t.Removed, t.Gone, t.Skipped, t.Refused, t.Failed, t.Restored)}}
}

// Settle ends the runs of the last days whose changes have ended since.
func (s *Sweeper) Settle(ctx context.Context) error {
	oldest := runName(time.Now().UTC().Add(-lookBack).Format(planTime))
	for name, err := range s.Store.Names(ctx, "runs/") {
		if err != nil {
			return at("Sweeper.Settle", err)
		}
		if name < oldest {
			continue
		}
		run, err := s.run(ctx, Plan{ID: idIn(name)})
		if err == nil && run.Phase == Applying {
			var p Plan
			if p, err = s.load(ctx, run.Plan); err == nil {
				_, err = s.settle(ctx, p, run)
			}
		}
		if err != nil {
			s.log().WarnContext(ctx, "a run cannot be settled", "name", name, "error", err)
		}
	}
	return nil
}
