package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// changes takes one change request or many (POST), or lists changes (GET).
func (a *App) changes(r *http.Request, caller pim.Caller) (answer, error) {
	if r.Method == http.MethodGet {
		return a.listChanges(r, caller)
	}
	b, err := body(r)
	if err != nil {
		return answer{}, err
	}
	dry, err := flag(r, "dryRun")
	if err != nil {
		return answer{}, err
	}
	if many, ok, err := bulk(b); err != nil {
		return answer{}, err
	} else if ok {
		return a.many(r.Context(), caller, many, dry)
	}
	var req pim.Request
	if err := req.UnmarshalJSON(b); err != nil {
		return answer{}, err
	}
	if dry {
		d, err := a.Engine.Plan(r.Context(), caller, req)
		return answer{status: http.StatusOK, body: d}, err
	}
	return a.one(r, caller, req)
}

func flag(r *http.Request, name string) (bool, error) {
	switch v := r.URL.Query().Get(name); strings.ToLower(v) {
	case "":
		return false, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, &pim.Error{Code: pim.CodeInvalid, Field: name, Detail: name + " is neither true nor false"}
}

// one starts a change and drives it for as long as a caller can be kept waiting.
func (a *App) one(r *http.Request, caller pim.Caller, req pim.Request) (answer, error) {
	ctx := r.Context()
	if key := r.Header.Get("Idempotency-Key"); req.ID == "" && key != "" {
		req.ID = key
		if err := req.Check(); err != nil {
			return answer{}, err
		}
	}
	c, err := a.Engine.Start(ctx, caller, req)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, httpBudget)
	defer cancel()
	until := time.Now().Add(httpBudget - lastStep)
	if strings.Contains(strings.ToLower(r.Header.Get("Prefer")), "respond-async") && a.Queues != nil {
		until = time.Time{}
	}
	if until.IsZero() && !c.Ended() {
		err = a.Engine.Queue(ctx, c)
	} else {
		c, err = a.Engine.Drive(ctx, caller, c.ID(), until)
	}
	if err != nil && c.ID() == "" {
		return answer{}, err
	}
	if err != nil {
		// The journal holds the change, and the resume timer carries it on.
		a.Log.WarnContext(ctx, "change is left to the resume timer", "change", c.ID(), "error", err)
	}
	return answerTo(c)
}

// answerTo is how a caller is told of a change: 201 done, 202 on its way, else why
// not.
func answerTo(c pim.Change) (answer, error) {
	switch c.State {
	case pim.Done:
		return answer{status: http.StatusCreated, location: location(c.ID()), body: c.Report()}, nil
	case pim.Refused, pim.Failed:
		return answer{}, problemError{problemOfChange(c)}
	}
	wait := max(1, int(time.Until(c.Due).Round(time.Second)/time.Second))
	return answer{status: http.StatusAccepted, location: location(c.ID()), after: strconv.Itoa(min(wait, 60)), body: c.Report()}, nil
}

// change tells how a change fares: to who asked for it, and to readers.
func (a *App) change(r *http.Request, caller pim.Caller) (answer, error) {
	id := r.PathValue("id")
	if err := pim.CheckID(id); err != nil {
		return answer{}, err
	}
	c, err := a.Engine.Ledger.Load(r.Context(), id)
	if err != nil {
		return answer{}, err
	}
	if c.Caller.String() != caller.String() {
		if err := a.mayRead(r.Context(), caller); err != nil {
			return answer{}, err
		}
	}
	return answer{status: http.StatusOK, body: c.Report()}, nil
}

// listChanges lists the journal: all of it to readers, and to others what they have
// asked for themselves.
func (a *App) listChanges(r *http.Request, caller pim.Caller) (answer, error) {
	q := r.URL.Query()
	f := pim.Filter{After: q.Get("next"), Principal: q.Get("principal")}
	if f.After != "" {
		if err := pim.CheckID(f.After); err != nil {
			return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: "next", Detail: "next is not one that an earlier page named"}
		}
	}
	if f.Principal != "" {
		id, err := pim.ParsePrincipal(f.Principal)
		if err != nil {
			return answer{}, err
		}
		f.Principal = id
	}
	if s := pim.State(q.Get("status")); s != "" {
		if !s.Known() {
			return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: "status", Detail: "status is none that a change can have"}
		}
		f.States = []pim.State{s}
	}
	limit, err := limitOf(r)
	if err != nil {
		return answer{}, err
	}
	all := a.mayRead(r.Context(), caller) == nil
	out := list[pim.Report]{Value: []pim.Report{}}
	for c, err := range a.readable(r.Context(), a.Engine.Ledger.List(r.Context(), f)) {
		if err != nil {
			return answer{}, err
		}
		if !all && c.Caller.String() != caller.String() {
			continue
		}
		if len(out.Value) == limit {
			out.Next = out.Value[limit-1].ID
			break
		}
		out.Value = append(out.Value, c.Report())
	}
	return answer{status: http.StatusOK, body: out}, nil
}

// readable leaves out, and logs, entries of the journal that cannot be read: one of
// them must not hide all the others.
func (a *App) readable(ctx context.Context, changes iter.Seq2[pim.Change, error]) iter.Seq2[pim.Change, error] {
	return func(yield func(pim.Change, error) bool) {
		for c, err := range changes {
			if err != nil && c.ID() != "" {
				a.Log.ErrorContext(ctx, "an entry of the journal cannot be read", "change", c.ID(), "error", err)
				continue
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

// mayRead lets readers pass, as the rules name them.
func (a *App) mayRead(ctx context.Context, caller pim.Caller) error {
	return a.Engine.Holds(ctx, pim.Readers, caller)
}

// bulk tells whether b holds many change requests, and cuts them apart.
func bulk(b []byte) ([]json.RawMessage, bool, error) {
	b = bytes.TrimSpace(b)
	var many []json.RawMessage
	switch {
	case len(b) > 0 && b[0] == '[':
		if err := pim.DecodeStrict(b, &many); err != nil {
			return nil, true, err
		}
	default:
		var probe map[string]json.RawMessage
		if json.Unmarshal(b, &probe) != nil || probe["changes"] == nil {
			return nil, false, nil
		}
		var doc struct {
			Changes []json.RawMessage `json:"changes"`
		}
		if err := pim.DecodeStrict(b, &doc); err != nil {
			return nil, true, err
		}
		many = doc.Changes
	}
	if len(many) == 0 || len(many) > maxBulk {
		return nil, true, &pim.Error{Code: pim.CodeInvalid, Field: "changes", Detail: "a bulk request holds 1 to " + strconv.Itoa(maxBulk) + " changes"}
	}
	return many, true, nil
}
