package simtenant

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The published limits: units of an application in a tenant of fewer than fifty
// users, its writes, and its calls of the audit log.
var (
	unitLimit       = limit{3500, 350}
	graphWriteLimit = limit{3000, 20}
	auditLimit      = limit{5, 0.5}
)

// unitCosts are the calls that cost other than one unit, by the end of the route.
var unitCosts = []struct {
	path string
	cost int
}{
	{"/checkMemberGroups", 4}, {"/members", 3}, {"/transitiveMembers", 5}, {"/getByIds", 3}, {"/users", 2},
}

// units is what a call costs: selecting saves, expanding costs, small pages save,
// nothing is free.
func units(path string, query url.Values) int {
	cost := 1
	for _, u := range unitCosts {
		if strings.HasSuffix(strings.ToLower(path), strings.ToLower(u.path)) {
			cost = u.cost
		}
	}
	if query.Get("$select") != "" {
		cost--
	}
	if query.Get("$expand") != "" {
		cost++
	}
	if top, err := strconv.Atoi(query.Get("$top")); err == nil && top < 20 {
		cost--
	}
	return max(cost, 1)
}

// warnFrom is the share of a limit from which answers tell how much is used.
const warnFrom = 0.8

// throttleGraph counts a call against the buckets of its application and adds to
// the answer what the service tells of them. A call beyond them is not carried out.
func (t *Tenant) throttleGraph(c *call, carryOut func() *answer) *answer {
	if strings.Contains(strings.ToLower(c.path), strings.ToLower(auditPath)) {
		if _, wait := t.take("graph audit "+c.caller.appID, auditLimit, 1); wait > 0 {
			return t.throttled(c, "Tenant_Application", "CallCountLimitExceeded", wait)
		}
		return carryOut()
	}
	cost := units(c.path, c.query)
	left, wait := t.take("graph units "+c.caller.appID, unitLimit, float64(cost))
	if wait > 0 {
		return t.throttled(c, "Tenant_Application/ReadWrite", "ResourceUnitLimitExceeded", wait)
	}
	if c.method != http.MethodGet {
		if _, wait := t.take("graph writes "+c.caller.appID, graphWriteLimit, 1); wait > 0 {
			return t.throttled(c, "Tenant_Application/Write", "WriteLimitExceeded", wait)
		}
	}
	a := carryOut()
	a.header.Set("x-ms-resource-unit", strconv.Itoa(cost))
	if used := 1 - float64(left)/unitLimit.size; used >= warnFrom {
		a.header.Set("x-ms-throttle-limit-percentage", strconv.FormatFloat(used, 'f', 2, 64))
	}
	return a
}

func (t *Tenant) throttled(c *call, scope, why string, wait time.Duration) *answer {
	a := graphError(&refusal{http.StatusTooManyRequests, "TooManyRequests", "Too many requests have been made. Please try again later."}).after(wait)
	a.header.Set("x-ms-throttle-scope", scope+"/"+c.caller.appID+"/"+t.opt.TenantID)
	a.header.Set("x-ms-throttle-information", why)
	return a
}
