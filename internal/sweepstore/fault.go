package sweepstore

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/azurepim/azure-pim/pim"
)

// fault is an error of the blob client as ours.
func fault(op string, err error) error {
	answer, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return &pim.Error{Op: op, Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the store of plans could not be reached in time", Err: err}
	}
	e := &pim.Error{
		Op: op, Code: pim.CodeInternal, PIMCode: answer.ErrorCode, Detail: "the store of plans refused the call",
		// The SDK's own text is a dozen lines with the body.
		Err: fmt.Errorf("%d %s", answer.StatusCode, answer.ErrorCode),
	}
	switch status := answer.StatusCode; {
	case bloberror.HasCode(err, bloberror.ContainerNotFound, bloberror.ContainerBeingDeleted):
		// Not CodeNotFound: a store that is not there says nothing about a plan.
		e.Detail = "the store's container does not exist"
	case bloberror.HasCode(err, bloberror.BlobAlreadyExists), status == http.StatusPreconditionFailed:
		e.Code, e.Detail = pim.CodeConflict, "another version of the document is there"
	case status == http.StatusNotFound:
		e.Code, e.Detail = pim.CodeNotFound, "there is no such document"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Code, e.Detail = pim.CodeDenied, "the store of plans does not let this identity in"
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		e.Code, e.Retry, e.Detail = pim.CodeBusy, pim.RetryLater, "the store of plans asks to come back later"
	}
	return e
}
