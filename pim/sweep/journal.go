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
	unread  int       // entries that cannot be read
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
// what is kept grows with what ended since the last sweep, and with what we ended
// ourselves.
func (s *Sweeper) journal(ctx context.Context, r *Rules, now time.Time) (journal, error) {
	j := journal{overdue: map[id]given{}}
	standing := map[id]time.Time{} // the last end of what changes of ours gave, where it lies ahead
	ended := map[id]time.Time{}    // when changes of ours ended it, the last time
	soon := map[id]given{}
	for c, err := range s.Engine.Ledger.List(ctx, pim.Filter{States: []pim.State{pim.Done}}) {
		if err != nil && c.ID() != "" {
			// It gave something, or ended it: who knows. Nothing is proposed for it.
			s.log().ErrorContext(ctx, "an entry of the journal cannot be read", "change", c.ID(), "error", err)
			j.unread++
			continue
		}
		if err != nil {
			return j, err
		}
		a := accessID(c.Given(), c.Access())
		if act := c.Request.Action; (act == pim.Deactivate || act == pim.RemoveEligible) && c.Result != nil && !c.Result.Already {
			if c.Updated.After(ended[a]) {
				ended[a] = c.Updated
			}
			if now.Sub(c.Updated) < lookBack && len(j.removed) < mostNotices {
				j.removed = append(j.removed, removal{c.Given(), c.Request.Scope, c.Updated})
			}
		}
		if !c.Request.Action.Gives() || c.Result == nil || c.Result.Until == nil {
			continue
		}
		g := given{change: c.ID(), scope: c.Request.Scope, from: c.Created, until: *c.Result.Until}
		if c.Result.From != nil {
			g.from = *c.Result.From
		}
		switch {
		case g.until.After(now):
			if g.until.After(standing[a]) {
				standing[a] = g.until
			}
			if c.Expiry == "" && r.of(Expiring) != Off && g.until.Before(now.Add(r.expiring)) && len(soon) < mostNotices && soon[a].until.Before(g.until) {
				soon[a] = g
			}
		case g.until.Before(now.Add(-slack)) && c.Expiry != pim.NoticeEnd && len(j.overdue) < mostNotices:
			// Of several changes that gave the same, the last one's end counts.
			if old, ok := j.overdue[a]; !ok || old.until.Before(g.until) {
				j.overdue[a] = g
			}
		}
	}
	for a, g := range j.overdue {
		if _, again := standing[a]; again || g.endedBy(ended[a]) {
			delete(j.overdue, a)
		}
	}
	for a, g := range soon {
		if !standing[a].After(g.until) && !g.endedBy(ended[a]) {
			j.soon = append(j.soon, Notice{g.change, pim.NoticeSoon, g.until})
		}
	}
	return j, nil
}

// endedBy reports whether what was given had been ended before its time.
func (g given) endedBy(t time.Time) bool { return t.After(g.from) && t.Before(g.until) }

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
