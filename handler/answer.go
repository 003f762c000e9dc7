package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
)

// complete is the whole answer to a queue or timer invocation. An empty 2xx, or
// null, never ends the invocation: a timer is dead until the host restarts, a
// message stays locked for ever (recorded: timer-answer-empty-200,
// servicebus-answer-empty-200).
const complete = `{"Outputs":{},"Logs":[],"ReturnValue":null}`

func writeComplete(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(complete))
}

// problem is an RFC 9457 document. Code is ours and stable.
type problem struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Code       string `json:"code"`
	Invocation string `json:"trace,omitempty"` // what the operator finds the log by
}

func writeProblem(ctx context.Context, w http.ResponseWriter, status int, code string) {
	b, _ := json.Marshal(problem{"about:blank", http.StatusText(status), status, code, InvocationID(ctx)})
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// answer keeps what a function writes until the invocation has ended. It belongs
// to the function's goroutine until that is done, and for ever if the function
// outstays its deadline, so a late write meets nobody.
type answer struct {
	header    http.Header
	written   http.Header // as it was at WriteHeader
	status    int
	body      bytes.Buffer
	abandoned atomic.Bool
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		// net/http panics too; here it fails the invocation alone.
		panic(fmt.Sprintf("invalid status %d", status))
	}
	if a.status != 0 || status < 200 { // the host drops 1xx
		return
	}
	a.status, a.written = status, a.header.Clone()
}

func (a *answer) Write(p []byte) (int, error) {
	if a.abandoned.Load() {
		return 0, http.ErrHandlerTimeout
	}
	a.WriteHeader(http.StatusOK)
	if !bodyAllowed(a.status) {
		return 0, http.ErrBodyNotAllowed
	}
	return a.body.Write(p)
}

// sendTo passes the answer on. Its length is the true one: a wrong one would
// break the connection, and the host then sends the request again.
func (a *answer) sendTo(w http.ResponseWriter, method string) {
	a.WriteHeader(http.StatusOK) // a function that wrote nothing
	h := w.Header()
	for name, values := range a.written {
		h[name] = values
	}
	h.Del("Transfer-Encoding")
	if method != http.MethodHead && bodyAllowed(a.status) {
		h.Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	w.WriteHeader(a.status)
	if method != http.MethodHead {
		_, _ = w.Write(a.body.Bytes())
	}
}

func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}
