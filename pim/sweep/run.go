package sweep

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// Phase is where a plan has got to.
type Phase string

const (
	Planned  Phase = "planned"  // nobody has applied it
	Applying Phase = "applying" // its changes are on their way
	Applied  Phase = "applied"  // all of them have ended
)

// Run is what became of a plan. The changes themselves are in the ledger.
type Run struct {
	Plan    string    `json:"plan"`
	Hash    string    `json:"hash"`
	Phase   Phase     `json:"phase"`
	By      string    `json:"by,omitempty"` // who had it applied first
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Skipped says by number why a proposal was not asked for: by the time it was
	// its turn, the tenant was another.
	Skipped  map[int]string      `json:"skipped,omitempty"`
	Restores map[int]Restoration `json:"restores,omitempty"`

	version string
}

// Restoration is what puts one removal back. It is written down before it is asked
// for, so that asking twice asks for the same.
type Restoration struct {
	Change   string       `json:"change,omitempty"`
	Duration pim.Duration `json:"duration,omitzero"`
	Note     string       `json:"note,omitempty"` // why it is not put back, or not as it was
}

func runName(id string) string { return "runs/" + id + ".json" }

func (s *Sweeper) run(ctx context.Context, p Plan) (Run, error) {
	b, version, err := s.Store.Load(ctx, runName(p.ID))
	if pim.CodeOf(err) == pim.CodeNotFound {
		return Run{Plan: p.ID, Hash: p.Hash, Phase: Planned}, nil
	}
	var r Run
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	r.version = version
	return r, err
}

// change edits the run of a plan. Others may edit it at the same time: then the edit
// is made again upon theirs.
func (s *Sweeper) change(ctx context.Context, p Plan, edit func(*Run)) (Run, error) {
	const tries = 20
	var err error
	for range tries {
		var r Run
		if r, err = s.run(ctx, p); err != nil {
			return r, err
		}
		before, _ := json.Marshal(r)
		r.Skipped, r.Restores = clone(r.Skipped), clone(r.Restores)
		edit(&r)
		b, marshalErr := json.Marshal(r)
		if marshalErr != nil {
			return r, marshalErr
		}
		if string(b) == string(before) && r.version != "" {
			return r, nil
		}
		if r.version, err = s.Store.Save(ctx, runName(p.ID), b, r.version); pim.CodeOf(err) != pim.CodeConflict {
			return r, err
		}
	}
	return Run{}, err
}

func clone[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return maps.Clone(m)
}

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
			if o.State, o.Why, err = s.fate(ctx, q.Change, Removed); err != nil {
				return st, err
			}
		}
		if b, ok := r.Restores[q.N]; ok {
			o.Note = b.Note
			if o.Restore = b.Change; b.Change != "" {
				var err error
				if o.Restored, _, err = s.fate(ctx, b.Change, Back); err != nil {
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
func (s *Sweeper) fate(ctx context.Context, change string, done Result) (Result, string, error) {
	c, err := s.Engine.Ledger.Load(ctx, change)
	switch {
	case pim.CodeOf(err) == pim.CodeNotFound:
		return Waiting, "", nil
	case err != nil:
		return "", "", err
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

// load finds a plan and holds it to its hash.
func (s *Sweeper) load(ctx context.Context, planID string) (Plan, error) {
	if !isPlanID(planID) {
		return Plan{}, &pim.Error{Code: pim.CodeNotFound, Detail: "there is no such plan"}
	}
	b, _, err := s.Store.Load(ctx, planName(planID))
	if pim.CodeOf(err) == pim.CodeNotFound {
		return Plan{}, &pim.Error{Code: pim.CodeNotFound, Detail: "there is no such plan"}
	}
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	if err := json.Unmarshal(b, &p); err != nil {
		return Plan{}, &pim.Error{Code: pim.CodeInternal, Detail: "the plan cannot be read", Err: err}
	}
	if p.ID != planID || p.digest() != p.Hash {
		return Plan{}, &pim.Error{Code: pim.CodeConflict, Detail: "the stored plan is not what its hash says: nobody may apply or restore it"}
	}
	return p, nil
}
