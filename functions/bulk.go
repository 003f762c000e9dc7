package functions

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// maxBulk is how many changes one request or message may hold.
const maxBulk = 1000

// result is what came of one change of a bulk request: a report, or a problem.
type result struct {
	Index    int           `json:"index"`
	Report   *pim.Report   `json:"change,omitempty"`
	Decision *pim.Decision `json:"decision,omitempty"` // of a dry run
	Problem  *Problem      `json:"problem,omitempty"`
	Location string        `json:"location,omitempty"`
}

// many takes a bulk request: every change is journalled and queued, and fares on its
// own. Sent again as a whole, it starts nothing twice, as long as its changes have
// ids.
func (a *App) many(ctx context.Context, caller pim.Caller, bodies []json.RawMessage, dry bool) (answer, error) {
	results := make([]result, len(bodies))
	var queued []pim.Change
	for i, b := range bodies {
		results[i].Index = i
		var req pim.Request
		err := req.UnmarshalJSON(b)
		if err == nil && dry {
			var d pim.Decision
			if d, err = a.Engine.Plan(ctx, caller, req); err == nil {
				results[i].Decision = &d
			}
		}
		if err == nil && !dry {
			var c pim.Change
			if c, err = a.Engine.Start(ctx, caller, req); err == nil {
				results[i].tell(c)
				if !c.Ended() {
					queued = append(queued, c)
				}
			}
		}
		if err != nil {
			p := problemOf(err)
			results[i].Problem = &p
		}
	}
	if dry {
		return answer{status: http.StatusOK, body: list[result]{Value: results}}, nil
	}
	// What cannot be queued is in the journal, and the resume timer finds it.
	if err := a.Engine.Queue(ctx, queued...); err != nil {
		a.Log.WarnContext(ctx, "changes are left to the resume timer", "count", len(queued), "error", err)
	}
	if a.Queues == nil {
		a.driveAll(ctx, caller, results, queued)
	}
	code := http.StatusOK
	for _, r := range results {
		if r.Report != nil && r.Report.State != pim.Done {
			code = http.StatusAccepted
		}
	}
	return answer{status: code, body: list[result]{Value: results}}, nil
}

func (r *result) tell(c pim.Change) {
	r.Location = location(c.ID())
	if c.State == pim.Refused || c.State == pim.Failed {
		p := problemOfChange(c)
		r.Problem = &p
		return
	}
	report := c.Report()
	r.Report = &report
}

// driveAll drives what has no queue to go to, one by one, while time lasts.
func (a *App) driveAll(ctx context.Context, caller pim.Caller, results []result, changes []pim.Change) {
	ctx, cancel := context.WithTimeout(ctx, httpBudget)
	defer cancel()
	until := time.Now().Add(httpBudget - lastStep)
	for _, c := range changes {
		if !time.Now().Before(until) {
			return
		}
		done, err := a.Engine.Drive(ctx, caller, c.ID(), until)
		if err != nil {
			a.Log.WarnContext(ctx, "change is left to the resume timer", "change", c.ID(), "error", err)
			continue
		}
		for i := range results {
			if results[i].Report != nil && results[i].Report.ID == c.ID() {
				results[i].Report = nil
				results[i].tell(done)
			}
		}
	}
}
