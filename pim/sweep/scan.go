package sweep

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/azurepim/azure-pim/internal/crew"
	"github.com/azurepim/azure-pim/pim"
)

// chunk is how many entries wait for a look at their principals: as many as one
// call to the directory answers for.
const chunk = 900

// scan is one reading of the tenant. It streams: of what it reads it keeps counts,
// proposals, and one short mark for each use of a role.
type scan struct {
	*Sweeper
	rules     *Rules
	guard     guard
	now       time.Time
	recall    *recall
	journal   journal
	directory *directory
	targets   map[string]bool

	mu       sync.Mutex  // what the targets that are read together share
	standing map[id]bool // of the overdue, what was seen
	held     int         // proposals at all targets so far
	plan     *Plan
}

// readers is how many targets are read together. ARM's budget is of each subscription;
// that of PIM is not published, and four at a time is what is known to pass.
const readers = 4

// each does something with every target that has not failed.
func (s *scan) each(ctx context.Context, targets []*target, do func(context.Context, *target)) {
	c := crew.New(readers)
	for _, t := range targets {
		if t.unread == nil {
			c.Send(func() { do(ctx, t) })
		}
	}
	c.Wait()
}

// entries reads who holds what at the target.
func (s *scan) entries(ctx context.Context, t *target) {
	if s.rules.looks(Deleted, Disabled) {
		s.home(ctx, t)
		if t.foreign != "" {
			s.mu.Lock()
			s.plan.problem(t, "nobody there is taken for deleted or disabled: "+t.foreign)
			s.mu.Unlock()
		}
	}
	for _, k := range []pim.Kind{pim.Assignment, pim.Eligibility} {
		e := evidence{now: s.now, overdue: s.journal.overdue, complete: s.completeSince(t), lastUse: s.lastUse}
		var wait []pim.Instance
		var odd odd
		for i, err := range s.Client.Instances(ctx, k, odd.heardOf(t.query())) {
			if err != nil {
				t.fail(err)
				return
			}
			if !t.covers(i.Scope) || i.Member != pim.Direct {
				continue
			}
			s.see(t, i)
			if wait = append(wait, i); len(wait) == chunk {
				s.weigh(ctx, t, wait, e)
				wait = wait[:0]
			}
		}
		s.weigh(ctx, t, wait, e)
		s.tell(t, odd, "entries")
	}
}

// odd counts what a listing leaves out since no scope can name where it lies.
type odd struct {
	n  int
	at string // the first of them
}

func (o *odd) heardOf(q pim.Query) pim.Query {
	q.Odd = func(scope string) {
		if o.n++; o.n == 1 {
			o.at = scope
		}
	}
	return q
}

// tell shows what was left out: it is there, and is not judged.
func (s *scan) tell(t *target, o odd, what string) {
	if o.n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan.problem(t, fmt.Sprintf("%d %s are left out, where no scope can be named, such as %q", o.n, what, o.at))
}

// see counts an entry, and notes what follows from its being there.
func (s *scan) see(t *target, i pim.Instance) {
	if i.Kind == pim.Assignment {
		t.count.Assignments++
		t.assigned = longest(t.assigned, i.End)
	} else {
		t.count.Eligibilities++
		t.eligible = longest(t.eligible, i.End)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := accessID(i.Kind, i.Access); len(s.journal.overdue) > 0 {
		if g, ok := s.journal.overdue[a]; ok && cameOf(i, g) {
			s.standing[a] = true
		}
	}
	if s.rules.of(Expiring) != Off && i.End != nil && i.End.Before(s.now.Add(s.rules.expiring)) && len(s.plan.Expiring) < mostExpiring {
		s.plan.Expiring = append(s.plan.Expiring, Ending{Kind: i.Kind, Plane: i.Plane, Scope: i.Scope.String(), Role: i.Role,
			Principal: i.Principal, Name: i.PrincipalName, End: *i.End})
	}
}

// weigh judges entries whose principals are looked up together.
func (s *scan) weigh(ctx context.Context, t *target, entries []pim.Instance, e evidence) {
	var says map[string]standingOf
	if s.rules.looks(Deleted, Disabled) && t.foreign == "" {
		ids := make([]string, 0, len(entries))
		for _, i := range entries {
			if judged(i) {
				ids = append(ids, i.Principal)
			}
		}
		says = s.directory.learn(ctx, ids, s.rules.of(Disabled) != Off)
	}
	for _, i := range entries {
		found := s.rules.judge(i, e)
		if judged(i) {
			switch says[i.Principal] {
			case deleted:
				if s.rules.of(Deleted) != Off {
					found = append(found, finding{rule: Deleted, why: "the directory says that the principal does not exist"})
				}
			case disabled:
				found = append(found, finding{rule: Disabled, why: "the user's account is disabled"})
			}
		}
		if len(found) == 0 {
			continue
		}
		p := s.proposal(t, s.rules.best(found), i.Kind, i.Access)
		p.Action = pim.Deactivate
		if i.Kind == pim.Eligibility {
			p.Action = pim.RemoveEligible
		}
		p.Start, p.End, p.Member, p.Activated, p.Condition = i.Start, i.End, i.Member, i.Activated, i.Condition
		p.ScopeName, p.Name, p.Type = i.ScopeName, i.PrincipalName, i.PrincipalType
		s.propose(t, p)
	}
}

func (s *scan) proposal(t *target, f finding, k pim.Kind, a pim.Access) Proposal {
	return Proposal{
		Rule: f.rule, Why: f.why, Since: f.since, Origin: f.origin, Target: t.scope.String(), Kind: k, Plane: a.Plane(),
		Scope: a.Scope.String(), Role: a.Role, Principal: a.Principal,
	}
}

func (s *scan) propose(t *target, p Proposal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == mostProposals {
		s.plan.Omitted++
		return
	}
	s.held++
	p.Held = s.guard.forbids(p)
	if p.Held == "" && s.rules.of(p.Rule) != Apply {
		p.Held = heldByMode
	}
	t.proposals = append(t.proposals, p)
}

const heldByMode = "the rule only reports"

// lastUse is when anybody could be said to have used the role.
func (s *scan) lastUse(i pim.Instance) time.Time {
	return s.recall.lastUse(roleUse(i.Plane, i.Role.ID, i.Principal))
}

// completeSince is from when on no use of what is held at t can have been missed. An
// eligibility of a management group is used in the subscriptions below it.
func (s *scan) completeSince(t *target) time.Time {
	own := s.recall.Targets[key(t.scope)]
	since := own.Since
	if !own.Read.Equal(s.now) {
		return time.Time{} // the requests could not be read today
	}
	if t.scope.Level() != pim.LevelManagementGroup {
		return since
	}
	for k, o := range s.recall.Targets {
		if !strings.HasPrefix(k, string(pim.Azure)+":") || !s.targets[k] {
			continue
		}
		if !o.Read.Equal(s.now) {
			return time.Time{}
		}
		if o.Since.After(since) {
			since = o.Since
		}
	}
	return since
}

// empty fails a target that shows nothing where something should stand: what the last
// sweep saw, had not ended, and was not removed by a change of ours. Somebody may have
// removed it by hand; whoever knows so lists the scope under emptied.
func (s *scan) empty(t *target) {
	if t.unread != nil {
		return
	}
	old := s.recall.Targets[key(t.scope)]
	gone := func(k pim.Kind, ends []time.Time, shown int) bool {
		n, more := missing(ends, s.now.Add(-slack))
		return shown == 0 && n > 0 && (more || n > s.journal.removedAt(t, k, old.At))
	}
	if !s.rules.emptied[key(t.scope)] &&
		(gone(pim.Assignment, old.Assigned, t.count.Assignments) || gone(pim.Eligibility, old.Eligible, t.count.Eligibilities)) {
		t.fail(&pim.Error{Code: CodeSuddenlyEmpty, Detail: "it shows nothing now, and showed entries to the last sweep that should still stand; if that is right, list the scope under emptied"})
		return
	}
	s.recall.saw(key(t.scope), t.assigned, t.eligible, s.now)
}

// CodeSuddenlyEmpty is why a scope proposes nothing that showed entries before and
// shows none now.
const CodeSuddenlyEmpty pim.Code = "suddenlyEmpty"

// problem notes what could not be read or proved.
func (p *Plan) problem(t *target, text string) {
	const most = 50
	if t != nil {
		text = t.scope.String() + ": " + text
	}
	if len(p.Problems) < most && !slices.Contains(p.Problems, text) {
		p.Problems = append(p.Problems, text)
	}
}
