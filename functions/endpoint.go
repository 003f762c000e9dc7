package functions

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/azurepim/azure-pim/pim"
)

// answer is what an endpoint says when it does not fail.
type answer struct {
	status   int
	location string
	after    string // Retry-After, in seconds
	body     any
}

// endpoint serves what fn answers to a known caller as JSON, or its error as a
// problem document. The error's text goes to the log alone.
func (a *App) endpoint(fn func(*http.Request, pim.Caller) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := a.Callers.Caller(r)
		var out answer
		if err == nil {
			out, err = fn(r, caller)
		}
		if err != nil {
			var p problemError
			if !errors.As(err, &p) {
				p.Problem = problemOf(err)
			}
			a.Log.WarnContext(r.Context(), "request not served", "caller", caller.String(), "code", p.Code, "error", err)
			p.write(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-store")
		if out.location != "" {
			h.Set("Location", out.location)
		}
		if out.after != "" {
			h.Set("Retry-After", out.after)
		}
		w.WriteHeader(out.status)
		_ = json.NewEncoder(w).Encode(out.body)
	})
}

// problemError lets an endpoint fail with a document of its own.
type problemError struct{ Problem }

func (p problemError) Error() string { return string(p.Code) + ": " + p.Detail }

// body reads the request's body whole. The handler bounds it.
func body(r *http.Request) ([]byte, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, large
		}
		return nil, &pim.Error{Op: "body", Code: pim.CodeInvalid, Detail: "the body did not arrive whole", Err: err}
	}
	return b, nil
}
