package handler

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// mostSent is what the host sends at most: 100 MB.
	mostSent = 100 << 20
	// drainFor is how long a body may take that nobody is going to read.
	drainFor = 30 * time.Second
)

// readBody reads r's body to its end, or to the bound, and sets r.Body to what
// was read with the error that ended it. The function never reads from the
// connection, for there is no end to a read that the function is left in. What
// is over the bound is read too and forgotten, see [drain].
func (e endpoint) readBody(w http.ResponseWriter, r *http.Request, until time.Time) {
	if r.Body == http.NoBody {
		return
	}
	// An error means that w is no connection and has no deadlines.
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(until)
	b, err := io.ReadAll(io.LimitReader(r.Body, e.maxBody+1))
	tooLong := int64(len(b)) > e.maxBody
	if tooLong && err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(r.Body, mostSent))
	}
	if err == nil {
		// Else it stays, for net/http would wait for the rest before it answers.
		_ = c.SetReadDeadline(time.Time{})
	}
	if tooLong {
		b, err = b[:e.maxBody], &http.MaxBytesError{Limit: e.maxBody}
	}
	r.Body = readBefore{bytes.NewReader(b), err}
}

// drain reads r's body for an answer that does not depend on it: if we answered
// before the host has sent everything, it would tell the caller an empty 500.
func drain(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(drainFor))
	if _, err := io.Copy(io.Discard, io.LimitReader(r.Body, mostSent)); err == nil {
		_ = c.SetReadDeadline(time.Time{})
	}
}

// readBefore is a body that was read to its end, which err tells; nil is io.EOF.
type readBefore struct {
	r   *bytes.Reader
	err error
}

func (b readBefore) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if errors.Is(err, io.EOF) && b.err != nil {
		err = b.err
	}
	return n, err
}

func (b readBefore) Close() error { return nil }
