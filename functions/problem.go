package functions

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/pim"
)

// status is the one place where a pim.Code becomes an HTTP status.
var status = map[pim.Code]int{
	pim.CodeInvalid:         http.StatusBadRequest,
	pim.CodeUnauthenticated: http.StatusUnauthorized,
	pim.CodeStepUp:          http.StatusUnauthorized,
	pim.CodeRefused:         http.StatusForbidden,
	pim.CodeUnmet:           http.StatusUnprocessableEntity,
	pim.CodeNotFound:        http.StatusNotFound,
	pim.CodeConflict:        http.StatusConflict,
	codeTooLarge:            http.StatusRequestEntityTooLarge,
	pim.CodeBusy:            http.StatusServiceUnavailable,
	pim.CodeDenied:          http.StatusBadGateway, // our identity's fault, not the caller's
	pim.CodeRejected:        http.StatusUnprocessableEntity,
	pim.CodeInternal:        http.StatusInternalServerError,
}

// codeTooLarge is the one failure that only an HTTP body can have.
const codeTooLarge pim.Code = "tooLarge"

// title says in words what a code says in one.
var title = map[pim.Code]string{
	pim.CodeInvalid:         "The request is not well formed",
	pim.CodeUnauthenticated: "The caller is not known",
	pim.CodeStepUp:          "The user must sign in again",
	pim.CodeRefused:         "No rule allows this",
	pim.CodeUnmet:           "The request does not meet what is asked for",
	pim.CodeNotFound:        "It does not exist",
	pim.CodeConflict:        "It clashes with what stands",
	codeTooLarge:            "The body is too large",
	pim.CodeBusy:            "The service asks to come back later",
	pim.CodeDenied:          "The app's own identity lacks a permission",
	pim.CodeRejected:        "The service refused it",
	pim.CodeInternal:        "Something went wrong here",
}

// Problem is an RFC 9457 problem document.
type Problem struct {
	Type     string       `json:"type"`
	Title    string       `json:"title"`
	Status   int          `json:"status"`
	Detail   string       `json:"detail,omitempty"`
	Instance string       `json:"instance,omitempty"` // the change, where there is one
	Code     pim.Code     `json:"code"`
	Field    string       `json:"field,omitempty"`
	Reasons  []pim.Reason `json:"reasons,omitempty"` // every unmet reason
	PIMCode  string       `json:"pimCode,omitempty"`
	Remedy   string       `json:"remedy,omitempty"`
	Trace    string       `json:"trace,omitempty"` // by which the log finds it

	claims string
	after  time.Duration
}

// problemOf is what a caller may know of err. The text of an error that is not ours
// stays in the log.
func problemOf(err error) Problem {
	e, ok := errors.AsType[*pim.Error](err)
	if !ok {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return newProblem(codeTooLarge)
		}
		return newProblem(pim.CodeInternal)
	}
	p := newProblem(pim.CodeOf(err))
	p.Detail, p.Field, p.Reasons, p.PIMCode, p.Remedy = e.Detail, e.Field, e.Unmet, e.PIMCode, e.Remedy
	p.claims, p.after = e.Claims, e.RetryAfter
	return p
}

func newProblem(c pim.Code) Problem {
	s, ok := status[c]
	if !ok {
		c, s = pim.CodeInternal, http.StatusInternalServerError
	}
	return Problem{Type: "urn:azure-pim:problem:" + string(c), Title: title[c], Status: s, Code: c}
}

// problemOfChange is the problem of a change that was refused or failed.
func problemOfChange(c pim.Change) Problem {
	f := c.Fault
	if f == nil {
		f = &pim.Fault{Code: pim.CodeInternal}
	}
	p := newProblem(f.Code)
	p.Detail, p.Field, p.Reasons, p.PIMCode, p.Remedy, p.claims = f.Detail, f.Field, f.Reasons, f.PIMCode, f.Remedy, f.Claims
	p.Instance = location(c.ID())
	return p
}

// write sends the problem.
func (p Problem) write(w http.ResponseWriter, r *http.Request) {
	p.Trace = handler.InvocationID(r.Context())
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	switch {
	case p.claims != "":
		h.Set("WWW-Authenticate", `Bearer error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(p.claims))+`"`)
	case p.Status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	}
	if p.Code == pim.CodeBusy {
		h.Set("Retry-After", strconv.Itoa(max(1, int(p.after.Round(time.Second)/time.Second))))
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// location is where a change can be looked at.
func location(id string) string { return strings.TrimSuffix(Prefix, "/") + "/changes/" + id }
