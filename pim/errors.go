package pim

import (
	"errors"
	"fmt"
	"time"
)

// Code says what kind of error it is. Codes are stable: callers switch on them,
// and HTTP answers carry them.
type Code string

const (
	CodeInvalid         Code = "invalid"         // the request is wrong in itself; Field says where
	CodeUnauthenticated Code = "unauthenticated" // nobody can be told from what came with the request
	CodeStepUp          Code = "stepUp"          // the user must sign in again; Claims says with what
	CodeRefused         Code = "refused"         // no rule allows it; Unmet says why
	CodeUnmet           Code = "unmet"           // it would be allowed if the request were different; Unmet says how
	CodeNotFound        Code = "notFound"        // the principal, role, scope or change does not exist
	CodeConflict        Code = "conflict"        // it clashes with what stands
	CodeBusy            Code = "busy"            // the service asks us to come back later; RetryAfter says when
	CodeDenied          Code = "denied"          // the service does not let our own identity do it
	CodeRejected        Code = "rejected"        // the service refused it for good; PIMCode says why
	CodeInternal        Code = "internal"        // anything unknown, and unknown means no
)

// Retry says whether asking again can help.
type Retry string

const (
	RetryNever Retry = "never" // not without another request
	RetryAfter Retry = "after" // the same request, after RetryAfter
	RetryLater Retry = "later" // the same request, once something else has changed, such as replication
	StepUp     Retry = "stepUp"
)

// Error is what every function of this package returns. Its text is for the log;
// callers see Code, Field, Unmet and Remedy. It never holds a token, a claim's
// value or a justification.
type Error struct {
	Op         string        // the operation, such as "Client.Submit"
	Code       Code          // zero is read as internal
	Field      string        // the field of the request at fault, if one is
	Detail     string        // one line for the caller; empty if the Code says it all
	Unmet      []Reason      // why a Decision was no
	PIMCode    string        // the service's own code, such as RoleAssignmentExists
	Rules      []string      // the policy rules that PIM says failed, such as ExpirationRule
	Retry      Retry         // zero is never
	RetryAfter time.Duration // how long to wait; zero if the service did not say
	Claims     string        // the claims challenge to pass to the user's client
	Remedy     string        // what a person can do about it, in words
	Err        error         // what lies below, for the log
}

func (e *Error) Error() string {
	s := string(e.code())
	if e.PIMCode != "" {
		s += " (" + e.PIMCode + ")"
	}
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	for _, r := range e.Unmet {
		s += "; " + string(r.Code)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) code() Code {
	if e.Code == "" {
		return CodeInternal
	}
	return e.Code
}

// Unwrap returns the error below.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of err: internal for an error that is not ours, empty for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.code()
	}
	return CodeInternal
}

// RetryOf says whether asking again can help, and after how long at the least.
// An unknown error can be tried again: it says nothing about the request.
func RetryOf(err error) (Retry, time.Duration) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok, e.Retry == "" && e.code() == CodeInternal:
		return RetryLater, 0
	case e.Retry == "":
		return RetryNever, 0
	}
	return e.Retry, e.RetryAfter
}

// invalid is the error of a request that is wrong in itself.
func invalid(field, format string, args ...any) error {
	return &Error{Code: CodeInvalid, Field: field, Detail: fmt.Sprintf(format, args...)}
}

// at puts the operation's name on err, once.
func at(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Op == "" {
			named := *e
			named.Op = op
			return &named
		}
		return err
	}
	return &Error{Op: op, Code: CodeInternal, Err: err}
}

// faultOf is what a caller may know of err.
func faultOf(err error) *Fault {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return &Fault{Code: CodeInternal}
	}
	return &Fault{Code: e.code(), Field: e.Field, PIMCode: e.PIMCode, Detail: e.Detail, Remedy: e.Remedy, Reasons: e.Unmet, Claims: e.Claims}
}
