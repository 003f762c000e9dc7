package sweep

import (
	"cmp"
	"fmt"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// mostRows bounds the rows of what ends soon on a page; the columns above them count
// all.
const mostRows = 40

// view is a Status as people read it: the page and the text say the same.
type view struct {
	Status
	Headline string
	Lead     string
	Rows     []row
	Endings  []ending
	More     int // endings beyond those listed
	Chart    *chart
	Rules    []ruleCount
}

// row is one finding.
type row struct {
	Proposal
	State string // in words
	Class string // of the state, for the eye
	Note  string
}

// ending is one thing that ends soon.
type ending struct {
	Ending
	Left  string
	Share int // of the time shown that is left, in percent
}

type ruleCount struct {
	Rule            Rule
	Found, Removing int
}

func newView(st Status) view {
	v := view{Status: st}
	outcomes := map[int]Outcome{}
	for _, o := range st.Outcomes {
		outcomes[o.N] = o
	}
	for _, p := range st.Plan.Proposals {
		v.Rows = append(v.Rows, newRow(p, outcomes[p.N], st.Run.Phase))
	}
	for _, n := range removing {
		c := ruleCount{Rule: n}
		for _, p := range st.Plan.Proposals {
			if p.Rule == n {
				c.Found++
				if p.Removable() {
					c.Removing++
				}
			}
		}
		if c.Found > 0 {
			v.Rules = append(v.Rules, c)
		}
	}
	v.endings()
	v.Headline, v.Lead = headline(st)
	return v
}

// headline is what a reader must know first, and lead what follows from it.
func headline(st Status) (headline, lead string) {
	n := st.Plan.Removable()
	switch found := len(st.Plan.Proposals); {
	case st.Run.Phase == Applied && st.Tally.Restored > 0:
		return fmt.Sprintf("%s, %d restored", count(st.Tally.Removed, "grant removed", "grants removed"), st.Tally.Restored), "This plan has been applied, and what it removed was put back."
	case st.Run.Phase == Applied:
		return fmt.Sprintf("%d of %s removed", st.Tally.Removed, count(n, "grant", "grants")), "This plan has been applied."
	case st.Run.Phase == Applying:
		return fmt.Sprintf("%d of %s removed so far", st.Tally.Removed, count(n, "grant", "grants")), "This plan is being applied."
	case n > 0:
		return count(n, "removal proposed", "removals proposed"), "Nothing has been removed. Applying this plan removes what is marked so below, and nothing else."
	case found > 0:
		return count(found, "finding, nothing to remove", "findings, nothing to remove"), "Nothing has been removed, and applying this plan removes nothing."
	}
	return "Nothing found", "Nothing that is watched has outlived its reason."
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

var stateWords = map[Result][2]string{
	Waiting: {"to be removed", "todo"}, OnWay: {"on the way", "todo"}, Removed: {"removed", "done"}, Gone: {"gone before", "calm"},
	Skipped: {"skipped", "calm"}, Refused: {"refused", "bad"}, Failed: {"failed", "bad"},
}

func newRow(p Proposal, o Outcome, phase Phase) row {
	r := row{Proposal: p, State: "reported", Class: "calm", Note: o.Why}
	switch {
	case p.Held == heldByMode:
		return r
	case p.Held != "":
		r.State, r.Class, r.Note = "held back", "held", p.Held
		return r
	case phase == Planned || o.State == "":
		r.State, r.Class = "to be removed", "todo"
		return r
	}
	words := stateWords[o.State]
	r.State, r.Class = words[0], words[1]
	switch o.Restored {
	case Back:
		r.State, r.Class = "removed, restored", "calm"
	case Refused, Failed:
		r.Note = "restoring it was " + string(o.Restored)
	}
	if o.Note != "" {
		r.Note = o.Note
	}
	return r
}

// Who is the principal as people know it.
func (p Proposal) Who() string { return cmp.Or(p.Name, "name unknown") }

// What is the role as people know it.
func (p Proposal) What() string { return cmp.Or(p.Role.Name, p.Role.ID) }

// Dated is since when, where the reason itself does not say so.
func (p Proposal) Dated() *time.Time {
	if p.Rule == Unused || p.Rule == Overdue {
		return nil
	}
	return p.Since
}

// Sort tells the kinds apart in a word.
func (p Proposal) Sort() string {
	switch {
	case p.Action == pim.Cancel:
		return "request"
	case p.Kind == pim.Eligibility:
		return "eligible"
	case p.Activated:
		return "activated"
	}
	return "active"
}

// Who is the principal as people know it.
func (e Ending) Who() string { return cmp.Or(e.Name, e.Principal) }

// What is the role as people know it.
func (e Ending) What() string { return cmp.Or(e.Role.Name, e.Role.ID) }

// Open counts removals that have not ended.
func (v view) Open() int { return v.Tally.OnWay + v.Tally.Waiting }

// Trouble counts removals that did not happen and should have.
func (v view) Trouble() int { return v.Tally.Refused + v.Tally.Failed }

// HeldBack counts what a cap or a protection holds back.
func (v view) HeldBack() int {
	n := 0
	for _, p := range v.Plan.Proposals {
		if p.Held != "" && p.Held != heldByMode {
			n++
		}
	}
	return n
}
