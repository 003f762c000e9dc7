package functions

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/azurepim/azure-pim/internal/crew"
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

// startsAtOnce is how many changes of a bulk request are taken side by side: each waits
// for two calls of the ledger, or as a dry run for reads of the tenant.
const startsAtOnce = 16

// element is one change of a bulk request.
type element struct {
	index int
	body  json.RawMessage
	req   pim.Request
	err   error // it is none
}

// beside reads the changes of a bulk request and does f for each, some at a time. Those
// that name the same change come one after the other, as they stand.
func beside(bodies []json.RawMessage, f func(element)) {
	var ids []string
	same := map[string][]element{}
	for i, b := range bodies {
		e := element{index: i, body: b}
		e.err = e.req.UnmarshalJSON(b)
		id := e.req.ID
		if id == "" {
			id = "/" + strconv.Itoa(i) // which no change is named
		}
		if same[id] == nil {
			ids = append(ids, id)
		}
		same[id] = append(same[id], e)
	}
	c := crew.New(startsAtOnce)
	for _, id := range ids {
		c.Send(func() {
			for _, e := range same[id] {
				f(e)
			}
		})
	}
	c.Wait()
}

// many takes a bulk request: every change is journalled and queued, and fares on its
// own. Sent again as a whole, it starts nothing twice, as long as its changes have
// ids.
func (a *App) many(ctx context.Context, caller pim.Caller, bodies []json.RawMessage, dry bool) (answer, error) {
	results := make([]result, len(bodies))
	changes := make([]pim.Change, len(bodies))
	beside(bodies, func(e element) {
		r, err := &results[e.index], e.err
		r.Index = e.index
		switch {
		case err == nil && dry:
			var d pim.Decision
			if d, err = a.Engine.Plan(ctx, caller, e.req); err == nil {
				r.Decision = &d
			}
		case err == nil:
			var c pim.Change
			if c, err = a.Engine.Start(ctx, caller, e.req); err == nil {
				r.tell(c)
				changes[e.index] = c
			}
		}
		if err != nil {
			p := problemOf(err)
			r.Problem = &p
		}
	})
	if dry {
		return answer{status: http.StatusOK, body: list[result]{Value: results}}, nil
	}
	queued := slices.DeleteFunc(changes, func(c pim.Change) bool { return c.ID() == "" || c.Ended() })
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
