package sweep

import (
	"cmp"
	"slices"
	"strconv"
)

const (
	heldByScope = "the scope's cap"
	heldByRun   = "the run's cap"
)

// most is how many removals the limit lets through where n entries were seen. The
// percentage is rounded down: a tenth of five is none.
func (l limit) most(n int) int { return min(l.removals, int(float64(n)*l.percent/100)) }

// cap holds back what is more than one run or one scope may lose. The same findings
// lose the same entries, so that two sweeps at once propose the same.
func (r *Rules) cap(p *Plan) {
	order(p.Proposals)
	seen := map[string]int{}
	for _, c := range p.Scopes {
		if c.Unread == "" {
			seen[c.Scope] = c.Seen()
		}
	}
	run, scope := 0, map[string]int{}
	most := r.caps.run.most(p.Seen())
	for i := range p.Proposals {
		q := &p.Proposals[i]
		switch {
		case !q.Removable():
		case scope[q.Target] >= r.caps.scope.most(seen[q.Target]):
			q.Held, p.Capped = heldByScope, true
		case run >= most:
			q.Held, p.Capped = heldByRun, true
		default:
			run++
			scope[q.Target]++
		}
	}
}

// exceeds says which cap the plan goes over, by the rules in force now; empty if
// none. What was planned under other rules, or by another hand, is not trusted.
func (r *Rules) exceeds(p Plan) string {
	again := p
	again.Proposals = slices.Clone(p.Proposals)
	r.cap(&again)
	for i, q := range again.Proposals {
		if q.Held == heldByScope || q.Held == heldByRun {
			if n := slices.IndexFunc(p.Proposals, func(o Proposal) bool { return o.N == q.N }); n >= 0 && p.Proposals[n].Removable() {
				return "proposal " + strconv.Itoa(again.Proposals[i].N) + " goes over " + q.Held
			}
		}
	}
	return ""
}

// order sorts the plainest reason first, then the oldest.
func order(ps []Proposal) {
	slices.SortStableFunc(ps, func(a, b Proposal) int {
		return cmp.Or(
			cmp.Compare(slices.Index(removing, a.Rule), slices.Index(removing, b.Rule)),
			older(a, b),
			cmp.Compare(a.Plane, b.Plane), cmp.Compare(lower(a.Scope), lower(b.Scope)), cmp.Compare(a.Role.ID, b.Role.ID),
			cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Request, b.Request),
		)
	})
}

// older puts what nobody dated last.
func older(a, b Proposal) int {
	switch {
	case a.Since == nil && b.Since == nil:
		return 0
	case a.Since == nil:
		return 1
	case b.Since == nil:
		return -1
	}
	return a.Since.Compare(*b.Since)
}
