package simtenant

import (
	"net/http"
	"slices"
	"strings"
)

// claimsARM reports whether a call is for Azure Resource Manager.
func claimsARM(c *call) bool {
	p := strings.ToLower(c.path)
	return strings.HasPrefix(p, "/subscriptions") || strings.HasPrefix(p, "/providers/") || p == "/batch"
}

// armCall is a call to Azure Resource Manager whose path was understood.
type armCall struct {
	*call
	armPath
	at *node // the scope
}

// armRoute serves one type of resource.
type armRoute struct {
	versions []string
	serve    func(t *Tenant, c *armCall) *answer
}

// The api-versions by type; ARM answers 400 to any other.
var (
	pimVersions      = []string{"2020-10-01", "2020-10-01-preview"}
	requestVersions  = []string{"2020-10-01", "2020-10-01-preview", "2022-04-01-preview"}
	rbacVersions     = []string{"2022-04-01"}
	approvalVersions = []string{"2021-01-01-preview"}
	resourceVersions = []string{"2022-12-01", "2022-09-01", "2021-04-01", "2021-01-01", "2020-01-01"}
	groupVersions    = []string{"2023-04-01", "2021-04-01", "2020-05-01", "2020-02-01"}
)

// armRoutes are the types of Microsoft.Authorization in lower case, then the
// lists of the hierarchy.
var armRoutes = map[string]armRoute{
	"roleassignmentschedulerequests":   {requestVersions, serveRequests(Assignment)},
	"roleeligibilityschedulerequests":  {requestVersions, serveRequests(Eligibility)},
	"roleassignmentschedules":          {pimVersions, serveSchedules(Assignment, "Schedules")},
	"roleeligibilityschedules":         {pimVersions, serveSchedules(Eligibility, "Schedules")},
	"roleassignmentscheduleinstances":  {pimVersions, serveSchedules(Assignment, "ScheduleInstances")},
	"roleeligibilityscheduleinstances": {pimVersions, serveSchedules(Eligibility, "ScheduleInstances")},
	"eligiblechildresources":           {pimVersions, (*Tenant).serveChildren},
	"rolemanagementpolicies":           {pimVersions, (*Tenant).servePolicies},
	"rolemanagementpolicyassignments":  {pimVersions, (*Tenant).servePolicyAssignments},
	"roledefinitions":                  {rbacVersions, (*Tenant).serveRoles},
	"roleassignments":                  {rbacVersions, (*Tenant).serveRoleAssignments},
	"denyassignments":                  {rbacVersions, (*Tenant).serveDenyAssignments},
	"roleassignmentapprovals":          {approvalVersions, (*Tenant).serveApprovals},
	"/subscriptions":                   {resourceVersions, (*Tenant).serveSubscriptions},
	"/resourcegroups":                  {resourceVersions, (*Tenant).serveResourceGroups},
	"/descendants":                     {groupVersions, (*Tenant).serveDescendants},
}

func (t *Tenant) serveARM(c *call) *answer {
	a := t.answerARM(c)
	a.header.Set("x-ms-request-id", t.newID())
	if c.header.Get("x-ms-correlation-request-id") != "" {
		a.header.Set("x-ms-correlation-request-id", c.header.Get("x-ms-correlation-request-id"))
	} else {
		a.header.Set("x-ms-correlation-request-id", t.newID())
	}
	return a
}

// answerARM is what ARM's front does before a resource provider sees a call.
func (t *Tenant) answerARM(c *call) *answer {
	var refused *refusal
	if c.caller, refused = t.authenticate(c.header, isARM); refused != nil {
		a := armError(refused)
		a.header.Set("WWW-Authenticate", `Bearer authorization_uri="`+t.login()+"/"+t.opt.TenantID+`", error="invalid_token", error_description="`+refused.message+`"`)
		return a
	}
	if sameID(c.path, "/batch") {
		return t.serveBatch(c)
	}
	path, route, ok := routeARM(c.path)
	if !ok {
		return armError(&refusal{http.StatusNotFound, "InvalidResourceType", "The resource type could not be found for the path '" + c.path + "'."})
	}
	if refused := checkVersion(c.query.Get("api-version"), route.versions, path.kind); refused != nil {
		return armError(refused)
	}
	at, refused := t.resolveScope(path.scope)
	if refused != nil {
		return armError(refused)
	}
	left, wait := t.throttleARM(c, at)
	if wait > 0 {
		a := armError(&refusal{http.StatusTooManyRequests, "TooManyRequests", "The request is being throttled as the limit has been reached for the operation type."})
		return a.after(wait)
	}
	if refused := t.mandatoryMFA(c); refused != nil {
		return armError(refused)
	}
	a := route.serve(t, &armCall{c, path, at})
	for name, n := range left {
		a.header.Set(name, n)
	}
	return a
}

func checkVersion(version string, known []string, kind string) *refusal {
	switch {
	case version == "":
		return refuse("MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	case !slices.Contains(known, version):
		return refuse("InvalidApiVersionParameter", "The api-version '"+version+"' is invalid for '"+kind+"'. The supported versions are '"+strings.Join(known, ",")+"'.")
	}
	return nil
}

// mandatoryMFA refuses what users write without a second factor, where Azure's
// programme is in force. Applications are exempt.
func (t *Tenant) mandatoryMFA(c *call) *refusal {
	if !t.opt.MandatoryMFA || c.method == http.MethodGet || c.caller.appOnly || c.caller.mfa {
		return nil
	}
	return &refusal{http.StatusForbidden, "RequestDisallowedByAzure", "Resource was disallowed by Azure: users must use MFA for Create operation."}
}

func armError(r *refusal) *answer {
	return reply(r.status, errorBody(r.code, r.message))
}

// forbidden is ARM's 403 for a right that the caller does not hold.
func forbidden(c caller, action, scope string) *refusal {
	return &refusal{http.StatusForbidden, "AuthorizationFailed", "The client '" + c.appID + "' with object id '" + c.oid +
		"' does not have authorization to perform action '" + action + "' over scope '" + scope +
		"' or the scope is invalid. If access was recently granted, please refresh your credentials."}
}

// notFound is the 404 of a resource that is asked for by name.
func notFound(c *armCall) *answer {
	return armError(&refusal{http.StatusNotFound, "ResourceNotFound", "The resource '" + c.path + "' could not be found."})
}

func notAllowed(c *armCall) *answer {
	return armError(&refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "The method " + c.method + " is not supported on '" + c.path + "'."})
}
