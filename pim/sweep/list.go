package sweep

import (
	"context"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"
)

// planTime begins the id of every plan, so that ids sort by time.
const planTime = "20060102T150405Z"

var planIDs = regexp.MustCompile(`^\d{8}T\d{6}Z-[0-9a-f]{6}$`)

func isPlanID(s string) bool { return planIDs.MatchString(s) }

// idIn is the id in the name of a plan or run.
func idIn(name string) string {
	_, file, _ := strings.Cut(name, "/")
	return strings.TrimSuffix(file, ".json")
}

// Summary is a plan in a list of them.
type Summary struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Hash      string    `json:"hash"`
	Mode      Mode      `json:"mode"`
	Phase     Phase     `json:"phase"`
	By        string    `json:"by,omitempty"`
	Scopes    int       `json:"scopes"`
	Unread    int       `json:"unread"`
	Seen      int       `json:"seen"`
	Proposed  int       `json:"proposed"`
	Removable int       `json:"removable"`
	Capped    bool      `json:"capped"`
}

// Plans yields the plans, the newest first, beginning behind the id after.
func (s *Sweeper) Plans(ctx context.Context, after string) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		var names []string
		for name, err := range s.Store.Names(ctx, "plans/") {
			if err != nil {
				yield(Summary{}, at("Sweeper.Plans", err))
				return
			}
			if after == "" || idIn(name) < after {
				names = append(names, name)
			}
		}
		for _, name := range slices.Backward(names) {
			p, err := s.load(ctx, idIn(name))
			var run Run
			if err == nil {
				run, err = s.run(ctx, p)
			}
			if err != nil {
				s.log().WarnContext(ctx, "a plan cannot be read", "name", name, "error", err)
				continue
			}
			if !yield(Summary{p.ID, p.At, p.Hash, p.Mode, run.Phase, run.By, len(p.Scopes), p.Unread(), p.Seen(), len(p.Proposals), p.Removable(), p.Capped}, nil) {
				return
			}
		}
	}
}
