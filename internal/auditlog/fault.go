package auditlog

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/azurepim/azure-pim/pim"
)

// fault is an error of the blob client as ours. None of them is kept apart from the
// others by who writes records, other than by whether to come back later.
func fault(op string, err error) error {
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return unanswered(op, err)
	}
	e := &pim.Error{
		Op: op, Code: pim.CodeInternal, PIMCode: answer.ErrorCode, Detail: "the audit log refused the call",
		// The SDK's own text is a dozen lines with the body.
		Err: fmt.Errorf("%d %s", answer.StatusCode, answer.ErrorCode),
	}
	switch status := answer.StatusCode; {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Code, e.Detail = pim.CodeDenied, "the audit log does not let this identity in"
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		e.Code, e.Retry, e.Detail = pim.CodeBusy, pim.RetryLater, "the audit log asks to come back later"
	}
	return e
}

// unanswered is the error of a call that had no answer: it may have been executed.
func unanswered(op string, err error) error {
	return &pim.Error{Op: op, Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the audit log could not be reached in time", Err: err}
}
