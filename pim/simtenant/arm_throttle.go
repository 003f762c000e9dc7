package simtenant

import (
	"net/http"
	"strconv"
	"time"
)

// globalFactor is how much wider the limit of a whole subscription is than that
// of one caller.
const globalFactor = 15

// throttleARM counts a call against the buckets of its caller and says what is
// left, as headers.
func (t *Tenant) throttleARM(c *call, at *node) (left map[string]string, wait time.Duration) {
	operation, l := "reads", readLimit
	switch c.method {
	case http.MethodGet, http.MethodHead:
	case http.MethodDelete:
		operation, l = "deletes", writeLimit
	default:
		operation, l = "writes", writeLimit
	}
	who, subscription := c.caller.oid, subscriptionOf(at.id)
	if subscription == "" {
		n, wait := t.take("tenant/"+who+operation, l, 1)
		return map[string]string{"x-ms-ratelimit-remaining-tenant-" + operation: strconv.Itoa(n)}, wait
	}
	n, wait := t.take(subscription+who+operation, l, 1)
	if wait > 0 {
		return nil, wait
	}
	all, wait := t.take(subscription+operation, limit{l.size * globalFactor, l.refill * globalFactor}, 1)
	return map[string]string{
		"x-ms-ratelimit-remaining-subscription-" + operation:        strconv.Itoa(n),
		"x-ms-ratelimit-remaining-subscription-global-" + operation: strconv.Itoa(all),
	}, wait
}
