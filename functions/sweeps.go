package functions

import (
	"bytes"
	"net/http"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// errNoSweeper is the answer where nothing sweeps.
var errNoSweeper = &pim.Error{Code: pim.CodeNotFound, Detail: "this app has no sweep"}

// sweeps lists plans (GET), and makes or applies one (POST).
func (a *App) sweeps(r *http.Request, caller pim.Caller) (answer, error) {
	if r.Method == http.MethodGet {
		return a.listSweeps(r, caller)
	}
	if err := a.mayOperate(r, caller); err != nil {
		return answer{}, err
	}
	b, err := body(r)
	if err != nil {
		return answer{}, err
	}
	var ask struct {
		Apply string `json:"apply"`
	}
	if len(bytes.TrimSpace(b)) > 0 {
		if err := pim.DecodeStrict(b, &ask); err != nil {
			return answer{}, err
		}
	}
	if ask.Apply == "" {
		p, err := a.Sweeper.Plan(r.Context())
		return answer{status: http.StatusCreated, location: sweepLocation(p.ID), body: sweep.Status{Plan: p, Run: sweep.Run{Plan: p.ID, Hash: p.Hash, Phase: sweep.Planned}}}, err
	}
	st, err := a.Sweeper.Apply(r.Context(), caller, ask.Apply, time.Now().Add(httpBudget))
	return answerToSweep(st), err
}

// answerToSweep is 200 for a run that has ended, 202 for one that goes on.
func answerToSweep(st sweep.Status) answer {
	if st.Tally.OnWay+st.Tally.Waiting > 0 {
		return answer{status: http.StatusAccepted, location: sweepLocation(st.Plan.ID), after: "30", body: st}
	}
	return answer{status: http.StatusOK, location: sweepLocation(st.Plan.ID), body: st}
}

func (a *App) listSweeps(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.mayRead(r.Context(), caller); err != nil {
		return answer{}, err
	}
	if a.Sweeper == nil {
		return answer{}, errNoSweeper
	}
	limit, err := limitOf(r)
	if err != nil {
		return answer{}, err
	}
	out := list[sweep.Summary]{Value: []sweep.Summary{}}
	for s, err := range a.Sweeper.Plans(r.Context(), r.URL.Query().Get("next")) {
		if err != nil {
			return answer{}, err
		}
		if len(out.Value) == limit {
			out.Next = out.Value[limit-1].ID
			break
		}
		out.Value = append(out.Value, s)
	}
	return answer{status: http.StatusOK, body: out}, nil
}

// sweepRestore puts back what a run removed.
func (a *App) sweepRestore(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.mayOperate(r, caller); err != nil {
		return answer{}, err
	}
	st, err := a.Sweeper.Restore(r.Context(), caller, r.PathValue("id"), time.Now().Add(httpBudget))
	if err != nil {
		return answer{}, err
	}
	status := http.StatusOK
	for _, o := range st.Outcomes {
		if o.Restored == sweep.OnWay || o.Restored == sweep.Waiting {
			status = http.StatusAccepted
		}
	}
	return answer{status: status, location: sweepLocation(st.Plan.ID), body: st}, nil
}

func (a *App) mayOperate(r *http.Request, caller pim.Caller) error {
	if err := a.Engine.Holds(r.Context(), pim.Operators, caller); err != nil {
		return err
	}
	if a.Sweeper == nil {
		return errNoSweeper
	}
	return nil
}

// sweepRun shows one plan and how it fares: as JSON, as a page to read and send on,
// or as text.
func (a *App) sweepRun() http.Handler {
	asJSON := a.endpoint(func(r *http.Request, caller pim.Caller) (answer, error) {
		st, err := a.sweepStatus(r, caller)
		return answer{status: http.StatusOK, body: st}, err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		write, kind := sweep.WriteHTML, "text/html; charset=utf-8"
		switch r.URL.Query().Get("format") {
		case "", "json":
			asJSON.ServeHTTP(w, r)
			return
		case "html":
		case "text":
			write, kind = sweep.WriteText, "text/plain; charset=utf-8"
		default:
			write = nil
		}
		// Whatever fails is told as every endpoint tells it.
		fail := func(err error) {
			a.endpoint(func(*http.Request, pim.Caller) (answer, error) { return answer{}, err }).ServeHTTP(w, r)
		}
		caller, err := a.Callers.Caller(r)
		var st sweep.Status
		if err == nil {
			st, err = a.sweepStatus(r, caller)
		}
		var page bytes.Buffer
		switch {
		case err != nil:
		case write == nil:
			err = &pim.Error{Code: pim.CodeInvalid, Field: "format", Detail: "format is not json, html or text"}
		default:
			err = write(&page, st)
		}
		if err != nil {
			fail(err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", "no-store")
		// The page brings its own style and drawing, and needs nothing else.
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		_, _ = page.WriteTo(w)
	})
}

func (a *App) sweepStatus(r *http.Request, caller pim.Caller) (sweep.Status, error) {
	if err := a.mayRead(r.Context(), caller); err != nil {
		return sweep.Status{}, err
	}
	if a.Sweeper == nil {
		return sweep.Status{}, errNoSweeper
	}
	return a.Sweeper.Status(r.Context(), r.PathValue("id"))
}

func sweepLocation(id string) string { return Prefix + "sweeps/" + id }
