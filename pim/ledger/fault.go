package ledger

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/azurepim/azure-pim/pim"
)

// fault is an error of the table client about the change id as ours.
func fault(id string, err error) error {
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return unanswered(err)
	}
	code := aztables.TableErrorCode(answer.ErrorCode)
	// The SDK's own text is a dozen lines with the body.
	below := fmt.Errorf("%d %s request %s", answer.StatusCode, code, requestID(answer.RawResponse))
	e := &pim.Error{PIMCode: answer.ErrorCode, Err: below}
	switch status := answer.StatusCode; {
	case code == aztables.TableNotFound:
		// Not CodeNotFound: a ledger that is not there says nothing about a change.
		e.Code, e.Detail = pim.CodeInternal, "the ledger's table does not exist"
	case status == http.StatusNotFound:
		return notFound(id)
	case code == aztables.EntityAlreadyExists, status == http.StatusPreconditionFailed:
		return conflict(id)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		// People mend it while the message waits: it says nothing about the request.
		e.Code, e.Retry, e.Detail = pim.CodeDenied, pim.RetryLater, "the ledger does not let this identity in"
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500, code == aztables.TableBeingDeleted:
		e.Code, e.Retry, e.Detail = pim.CodeBusy, pim.RetryLater, "the ledger asks to come back later"
		if e.RetryAfter = retryAfter(answer.RawResponse); e.RetryAfter > 0 {
			e.Retry = pim.RetryAfter
		}
	default:
		e.Code, e.Detail = pim.CodeInternal, "the ledger refused the call"
	}
	return e
}

// unanswered is the error of a call that had no answer: it may have been executed.
func unanswered(err error) error {
	return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the ledger could not be reached in time", Err: err}
}

// gone reports whether the table has no such change.
func gone(err error) bool { return pim.CodeOf(err) == pim.CodeNotFound }

// retryAfter is how long the service asks to be left alone, zero if it does not say.
func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	v := resp.Header.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

func requestID(resp *http.Response) string {
	if resp == nil || resp.Header.Get("x-ms-request-id") == "" {
		return "unknown"
	}
	return resp.Header.Get("x-ms-request-id")
}
