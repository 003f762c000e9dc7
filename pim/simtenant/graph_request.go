package simtenant

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// canceledKept is how long Graph keeps a request that was withdrawn.
const canceledKept = 30 * 24 * time.Hour

var errRoleNotFound = &refusal{http.StatusNotFound, "RoleNotFound", "The role is not found."}

// postRequest takes a request. The server names it: the same body twice is two.
func (s collection) postRequest(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(s.writers()...) {
		return graphError(notGranted(s.writers()))
	}
	a, err := s.decodeRequest(t, c)
	if err == nil {
		err = s.mayAsk(t, a)
	}
	if err == nil && s.plane == PlaneGroup {
		err = t.prepareGroup(a)
	}
	if err != nil {
		return graphError(err)
	}
	r, err := t.submit(a)
	if err != nil {
		return graphError(s.dressed(t, err))
	}
	item := s.renderRequest(t, c, r)
	item["@odata.context"] = c.metadata(s.path(nounRequests) + "/$entity")
	return reply(http.StatusCreated, item)
}

// dressed gives a refusal of the core the looks that it was seen with: demands for
// an authentication context are wrapped at times, and a group speaks of members.
func (s collection) dressed(t *Tenant, r *refusal) *refusal {
	switch {
	case r.code == "RoleAssignmentRequestAcrsValidationFailed" && t.refusals%2 == 1:
		return wrapped(r)
	case r == errExists && s.plane == PlaneGroup && s.kind == Assignment:
		return refuse(r.code, "One or more added object references already exist for the following modified properties: 'members'.")
	}
	return r
}

// mayAsk checks that the caller may make a request: an application nothing in a
// user's name, a person for others only with a role.
func (s collection) mayAsk(t *Tenant, a ask) *refusal {
	switch {
	case !a.action.ends() && !a.caller.allowed(s.changers()...):
		return notGranted(s.changers())
	case a.action.self() && a.caller.appOnly:
		return errDenied
	case !a.action.self() && !t.manages(a.caller, a.plane, a.scope):
		return errDenied
	}
	return nil
}

// stored finds a request that is still kept, or nil.
func (s collection) stored(t *Tenant, id string) *request {
	r := t.requestByID(s.plane, s.kind, id)
	if r == nil || t.forgotten(r) {
		return nil
	}
	return r
}

func (t *Tenant) forgotten(r *request) bool {
	return r.status == statusCanceled && t.now().After(r.completed.Add(canceledKept))
}

func (s collection) getRequest(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(s.readers()...) {
		return graphError(notGranted(s.readers()))
	}
	r := s.stored(t, c.args[0])
	if r == nil {
		return graphError(noSuch())
	}
	own := sameID(c.caller.oid, r.principal) || sameID(c.caller.oid, r.caller.oid) || t.awaits(c.caller, r)
	if !own && !t.reads(c.caller, s.plane, r.scope) {
		return graphError(errDenied)
	}
	item, err := s.expandedRequest(t, c, r)
	if err != nil {
		return graphError(err)
	}
	return c.one(s.path(nounRequests), item)
}

// cancelRequest withdraws a request; who made it may, and whoever manages it.
func (s collection) cancelRequest(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(s.changers()...) {
		return graphError(notGranted(s.changers()))
	}
	r := s.stored(t, c.args[0])
	if r == nil {
		return graphError(noSuch())
	}
	if !sameID(c.caller.oid, r.caller.oid) && !t.manages(c.caller, s.plane, r.scope) {
		return graphError(errDenied)
	}
	if err := t.cancel(r); err != nil {
		return graphError(err)
	}
	return reply(http.StatusNoContent, nil)
}

// listRequests lists all requests. Reading alone does not entitle to it.
func (s collection) listRequests(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(s.writers()...) {
		return graphError(notGranted(s.writers()))
	}
	terms, err := s.listTerms(c, nounRequests, "targetScheduleId")
	if err != nil {
		return graphError(err)
	}
	if !t.reads(c.caller, s.plane, termValue(terms, "groupId")) {
		return graphError(errDenied)
	}
	return s.requests(t, c, s.path(nounRequests), terms, nil, func(*request) bool { return true })
}

// ownRequests lists what concerns the caller: as principal, as requestor, or as
// one who may approve. The last list alone takes a filter by status.
func (s collection) ownRequests(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(s.readers()...) {
		return graphError(notGranted(s.readers()))
	}
	terms, ok := parseComparisons(c.query.Get("$filter"), s.fields("targetScheduleId", "status")...)
	if !ok || c.args[0] != "approver" && termValue(terms, "status") != "" {
		return graphError(invalidFilter(c.query.Get("$filter")))
	}
	if err := s.checkOrder(c, nounRequests); err != nil {
		return graphError(err)
	}
	var mine circle
	concerns := func(*request) bool { return true }
	switch c.args[0] {
	case "principal":
		mine = t.withGroups(c.caller.oid)
	case "createdBy":
		concerns = func(r *request) bool { return sameID(r.caller.oid, c.caller.oid) }
	case "approver":
		concerns = func(r *request) bool {
			a := t.approvalByID(s.plane, r.approvalID)
			return a != nil && t.mayDecide(a, c.caller)
		}
	default:
		return graphError(refuse("BadRequest", "The value '"+c.args[0]+"' of the parameter 'on' is not valid."))
	}
	return s.requests(t, c, "Collection("+s.entity(nounRequests)+")", terms, mine, concerns)
}

func (s collection) requests(t *Tenant, c *graphCall, context string, terms []comparison, who circle, concerns func(*request) bool) *answer {
	if _, err := c.expansions(s.relations(nounRequests)...); err != nil {
		return graphError(err)
	}
	var items []map[string]any
	for _, r := range slices.Backward(t.requests.of(narrowed(who, terms))) {
		if r.plane != s.plane || r.kind != s.kind || t.forgotten(r) || !who.has(r.principal) || !concerns(r) || !keeps(terms, s.requestField(r)) {
			continue
		}
		item, err := s.expandedRequest(t, c, r)
		if err != nil {
			return graphError(err)
		}
		items = append(items, item)
	}
	if strings.EqualFold(c.query.Get("$orderby"), "createdDateTime asc") || c.query.Get("$orderby") == "createdDateTime" {
		slices.Reverse(items)
	}
	return t.graphItems(c, context, s.renderRequest(t, c, &request{}), items)
}
