// Package auditlog keeps audit records: as lines on a stream, and in append blobs
// whose lines form a chain of hashes. Each is a [pim.Sink]: a record that it took is
// kept when Write returns, and a Write that fails keeps whoever decided from acting.
package auditlog

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/azurepim/azure-pim/pim"
)

// NewWriter returns a sink that writes each record to w as one line of JSON, in one
// call. The Functions host takes the lines of standard output into the log, where
// event == "audit" finds them.
func NewWriter(w io.Writer) pim.Sink { return &writer{w: w} }

type writer struct {
	mu sync.Mutex
	w  io.Writer
}

func (w *writer) Write(ctx context.Context, r pim.Record) error {
	const op = "Audit.Write"
	if err := ctx.Err(); err != nil {
		return unanswered(op, err)
	}
	b, err := json.Marshal(r)
	if err != nil {
		return &pim.Error{Op: op, Code: pim.CodeInternal, Detail: "the audit record cannot be written", Err: err}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.w.Write(append(b, '\n')); err != nil {
		return &pim.Error{Op: op, Code: pim.CodeInternal, Detail: "the audit log does not take the record", Err: err}
	}
	return nil
}

// All returns a sink that gives each record to every one of sinks, and fails if one
// of them does. Of no sinks it always fails: what nobody keeps is lost.
func All(sinks ...pim.Sink) pim.Sink { return all(sinks) }

type all []pim.Sink

func (a all) Write(ctx context.Context, r pim.Record) error {
	if len(a) == 0 {
		return &pim.Error{Op: "Audit.Write", Code: pim.CodeInternal, Detail: "there is no audit log"}
	}
	var errs []error
	for _, s := range a {
		errs = append(errs, s.Write(ctx, r))
	}
	return errors.Join(errs...)
}
