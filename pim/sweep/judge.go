package sweep

import (
	"fmt"
	"slices"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// slack is how long the platform may take to end what is past its end.
const slack = 15 * time.Minute

// finding is one reason to end something.
type finding struct {
	rule   Rule
	why    string
	since  *time.Time
	origin string
}

// evidence is what a judgement rests on beside the entry itself.
type evidence struct {
	now      time.Time
	overdue  map[id]given // what changes of ours gave, and should have ended
	lastUse  func(pim.Instance) time.Time
	complete time.Time // from when on every use is known; zero if that cannot be said
}

// given is what a change of ours gave.
type given struct {
	change string
	scope  pim.Scope
	from   time.Time
	until  time.Time
}

// judge finds what is wrong with an entry as far as the entry itself tells. It looks
// at what the principal holds itself at the very place alone.
func (r *Rules) judge(i pim.Instance, e evidence) []finding {
	var out []finding
	if r.of(Overdue) != Off {
		if g, ok := e.overdue[accessID(i.Kind, i.Access)]; ok && cameOf(i, g) {
			until := g.until
			out = append(out, finding{Overdue, fmt.Sprintf("our change %s gave it until %s, and it still stands", g.change, day(until)), &until, g.change})
		}
	}
	if i.Activated || !r.roles.watches(i.Role) {
		return out
	}
	for _, f := range []func(pim.Instance, evidence) (finding, bool){r.forGood, r.forLong, r.idle} {
		if found, ok := f(i, e); ok {
			out = append(out, found)
		}
	}
	return out
}

// cameOf reports whether i is what the change gave, and not something that another
// hand has made of it since.
func cameOf(i pim.Instance, g given) bool { return i.Start != nil && !i.Start.After(g.until) }

func (r *Rules) forGood(i pim.Instance, _ evidence) (finding, bool) {
	if r.of(Permanent) == Off || i.End != nil || !slices.Contains(r.permanent.kinds, i.Kind) || !r.permanent.of(i) {
		return finding{}, false
	}
	return finding{rule: Permanent, why: "it has no end", since: i.Start}, true
}

func (r *Rules) forLong(i pim.Instance, e evidence) (finding, bool) {
	most := r.overlong.assigned
	if i.Kind == pim.Eligibility {
		most = r.overlong.activable
	}
	if r.of(Overlong) == Off || most == 0 || i.End == nil || !r.overlong.of(i) {
		return finding{}, false
	}
	from := e.now
	if i.Start != nil {
		from = *i.Start
	}
	length := i.End.Sub(from)
	if length <= most {
		return finding{}, false
	}
	return finding{rule: Overlong, why: fmt.Sprintf("it lasts %s, and %s is the most", days(length), days(most)), since: i.Start}, true
}

// idle takes nothing for unused of which a use could have been missed: what is
// younger than the time asked about, what a group holds, since its members activate,
// and what was made outside PIM at a time that nobody tells.
func (r *Rules) idle(i pim.Instance, e evidence) (finding, bool) {
	if r.of(Unused) == Off || i.Kind != pim.Eligibility || i.Start == nil || lower(i.PrincipalType) != pim.TypeUser {
		return finding{}, false
	}
	limit := e.now.Add(-r.unused)
	if e.complete.IsZero() || e.complete.After(limit) || i.Start.After(limit) {
		return finding{}, false
	}
	last := e.lastUse(i)
	if last.After(limit) {
		return finding{}, false
	}
	since, why := *i.Start, "nobody has activated it since "
	if last.After(since) {
		since, why = last, "it was last activated on "
	}
	return finding{rule: Unused, why: why + day(since), since: &since}, true
}

func (b bounded) of(i pim.Instance) bool { return slices.Contains(b.types, lower(i.PrincipalType)) }

// best picks the finding that is acted on: of those that may act, else of all, the
// first in the order of the rules.
func (r *Rules) best(found []finding) finding {
	slices.SortStableFunc(found, func(a, b finding) int {
		rank := func(f finding) int {
			n := slices.Index(removing, f.rule)
			if r.of(f.rule) != Apply {
				n += len(removing)
			}
			return n
		}
		return rank(a) - rank(b)
	})
	return found[0]
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

func days(d time.Duration) string {
	if d < 48*time.Hour {
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	tenths := int64(d.Round(time.Hour)) * 10 / int64(24*time.Hour)
	if tenths%10 == 0 {
		return fmt.Sprintf("%d days", tenths/10)
	}
	return fmt.Sprintf("%d.%d days", tenths/10, tenths%10)
}
