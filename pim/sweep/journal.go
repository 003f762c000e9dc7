package sweep

import (
	"context"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// journal is what the ledger says of the access that changes of ours gave.
type journal struct {
	overdue map[id]given // past its end, and nobody has said yet that it is gone
	soon    []Notice
	removed []removal // through us, the last ones
}

// removal is what a change of ours has ended.
type removal struct {
	kind  pim.Kind
	scope pim.Scope
	at    time.Time
}

// removedAt counts what changes of ours have ended at t since a time.
func (j journal) removedAt(t *target, k pim.Kind, since time.Time) int {
	n := 0
	for _, r := range j.removed {
		if r.kind == k && !r.at.Before(since) && t.covers(r.scope) {
			n++
		}
	}
	return n
}

// journal reads the ledger once. What was told to have ended is left out, so that
// what is kept grows with what ended since the last sweep, not with the ledger.
func (s *Sweeper) journal(ctx context.Context, r *Rules, now time.Time) (journal, error) {
	j := journal{overdue: map[id]given{}}
	standing := map[id]bool{} // given anew by another change of ours
	for c, err := range s.Engine.Ledger.List(ctx, pim.Filter{States: []pim.State{pim.Done}}) {
		if err != nil {
			return j, err
		}
		if a := c.Request.Action; (a == pim.Deactivate || a == pim.RemoveEligible) && c.Result != nil && !c.Result.Already &&
			now.Sub(c.Updated) < lookBack && len(j.removed) < mostNotices {
			j.removed = append(j.removed, removal{c.Given(), c.Request.Scope, c.Updated})
		}
		if !c.Request.Action.Gives() || c.Result == nil || c.Result.Until == nil {
			continue
		}
		until := *c.Result.Until
		a := accessID(c.Given(), c.Access())
		switch {
		case until.After(now):
			standing[a] = true
			if c.Expiry == "" && r.of(Expiring) != Off && until.Before(now.Add(r.expiring)) && len(j.soon) < mostNotices {
				j.soon = append(j.soon, Notice{c.ID(), pim.NoticeSoon, until})
			}
		case until.Before(now.Add(-slack)) && c.Expiry != pim.NoticeEnd && len(j.overdue) < mostNotices:
			// Of several changes that gave the same, the last one's end counts.
			if old, ok := j.overdue[a]; !ok || old.until.Before(until) {
				j.overdue[a] = given{change: c.ID(), scope: c.Request.Scope, until: until}
			}
		}
	}
	for a := range standing {
		delete(j.overdue, a)
	}
	return j, nil
}

// tell sends the notices of a plan. Each goes out once, whoever sends it.
func (s *Sweeper) tell(ctx context.Context, p Plan) {
	for _, n := range p.Notices {
		c, err := s.Engine.Ledger.Load(ctx, n.Change)
		if err == nil {
			_, err = s.Engine.Notify(ctx, c, n.What)
		}
		if err != nil {
			s.log().WarnContext(ctx, "a notice of an end waits for the next sweep", "change", n.Change, "error", err)
		}
	}
}
