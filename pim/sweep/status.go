package sweep

import (
	"context"

	"github.com/azurepim/azure-pim/pim"
)

// Status is a plan with all that is known of its fate.
type Status struct {
	Plan     Plan      `json:"plan"`
	Run      Run       `json:"run"`
	Outcomes []Outcome `json:"outcomes,omitempty"` // of what applying the plan removes
	Tally    Tally     `json:"tally"`
}

// Outcome is how one removal fares.
type Outcome struct {
	N        int    `json:"n"`
	Change   string `json:"change"`
	State    Result `json:"state"`
	Why      string `json:"why,omitempty"`
	Restore  string `json:"restoreChange,omitempty"`
	Restored Result `json:"restored,omitempty"`
	Note     string `json:"restoreNote,omitempty"`
}

// Result is what came of a removal or a restoration.
type Result string

const (
	Waiting Result = "waiting" // not asked for yet
	OnWay   Result = "onTheWay"
	Removed Result = "removed"
	Gone    Result = "gone" // it was gone before
	Skipped Result = "skipped"
	Refused Result = "refused"
	Failed  Result = "failed"
	Back    Result = "restored"
)

// Tally counts outcomes.
type Tally struct {
	Removed  int `json:"removed"`
	Gone     int `json:"gone"`
	Skipped  int `json:"skipped"`
	Refused  int `json:"refused"`
	Failed   int `json:"failed"`
	OnWay    int `json:"onTheWay"`
	Waiting  int `json:"waiting"`
	Restored int `json:"restored"`
}

// Status finds the plan of that id, and how it fares. Its error has CodeNotFound if
// there is no such plan.
func (s *Sweeper) Status(ctx context.Context, planID string) (Status, error) {
	const op = "Sweeper.Status"
	p, err := s.load(ctx, planID)
	if err != nil {
		return Status{}, at(op, err)
	}
	r, err := s.run(ctx, p)
	if err != nil {
		return Status{}, at(op, err)
	}
	st, err := s.status(ctx, p, r)
	return st, at(op, err)
}

func (s *Sweeper) status(ctx context.Context, p Plan, r Run) (Status, error) {
	st := Status{Plan: p, Run: r}
	for _, q := range p.Proposals {
		if !q.Removable() {
			continue
		}
		o := Outcome{N: q.N, Change: q.Change, State: Waiting}
		if why, ok := r.Skipped[q.N]; ok {
			o.State, o.Why = Skipped, why
		} else if r.Phase != Planned {
			var err error
			if o.State, o.Why, err = s.fate(ctx, q.Change, Removed, q.asked); err != nil {
				return st, err
			}
		}
		if b, ok := r.Restores[q.N]; ok {
			o.Note = b.Note
			if o.Restore = b.Change; b.Change != "" {
				var err error
				if o.Restored, _, err = s.fate(ctx, b.Change, Back, q.restored); err != nil {
					return st, err
				}
			}
		}
		st.Outcomes = append(st.Outcomes, o)
		st.Tally.add(o)
	}
	return st, nil
}

// fate reads from the ledger how a change fares; done is what it means that it is.
// One that is not the sweep's own stands for nothing.
func (s *Sweeper) fate(ctx context.Context, change string, done Result, own func(pim.Change) bool) (Result, string, error) {
	c, err := s.Engine.Ledger.Load(ctx, change)
	switch {
	case pim.CodeOf(err) == pim.CodeNotFound:
		return Waiting, "", nil
	case err != nil:
		return "", "", err
	case !own(c):
		return Waiting, taken, nil
	case c.State == pim.Done && c.Result != nil && c.Result.Already && done == Removed:
		return Gone, "", nil
	case c.State == pim.Done:
		return done, "", nil
	case c.State == pim.Refused:
		return Refused, faultWords(c.Fault), nil
	case c.State == pim.Failed:
		return Failed, faultWords(c.Fault), nil
	}
	return OnWay, "", nil
}

func faultWords(f *pim.Fault) string {
	if f == nil {
		return ""
	}
	s := string(f.Code)
	if f.PIMCode != "" {
		s += " (" + f.PIMCode + ")"
	}
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	for _, r := range f.Reasons {
		s += "; " + r.Detail
	}
	return s
}

func (t *Tally) add(o Outcome) {
	switch o.State {
	case Removed:
		t.Removed++
	case Gone:
		t.Gone++
	case Skipped:
		t.Skipped++
	case Refused:
		t.Refused++
	case Failed:
		t.Failed++
	case OnWay:
		t.OnWay++
	case Waiting:
		t.Waiting++
	}
	if o.Restored == Back {
		t.Restored++
	}
}
