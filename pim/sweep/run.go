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
