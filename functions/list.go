package functions

import (
	"net/http"
	"strconv"

	"github.com/azurepim/azure-pim/pim"
)

// list is a page of anything. Next, given back as ?next=, leads to the page behind.
type list[T any] struct {
	Value []T    `json:"value"`
	Next  string `json:"next,omitempty"`
}

const (
	defaultLimit = 100
	maxLimit     = 1000
)

func limitOf(r *http.Request) (int, error) {
	v := r.URL.Query().Get("limit")
	if v == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		return 0, &pim.Error{Code: pim.CodeInvalid, Field: "limit", Detail: "limit is not a number from 1 to " + strconv.Itoa(maxLimit)}
	}
	return n, nil
}
