package simtenant

import (
	"net/http"
	"strings"
)

// claimsARM reports whether a call is for Azure Resource Manager.
func claimsARM(c *call) bool {
	p := strings.ToLower(c.path)
	return strings.HasPrefix(p, "/subscriptions") || strings.HasPrefix(p, "/providers/") || p == "/batch"
}

func (t *Tenant) serveARM(c *call) *answer {
	var refused *refusal
	if c.caller, refused = t.authenticate(c.header, isARM); refused != nil {
		return t.armRefusal(c, refused)
	}
	return t.armRefusal(c, &refusal{http.StatusNotFound, "ResourceNotFound", "The resource was not found."})
}

func (t *Tenant) armRefusal(_ *call, r *refusal) *answer {
	return reply(r.status, errorBody(r.code, r.message))
}
