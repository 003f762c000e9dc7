package simtenant

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// requestsKept is how long ARM can still be asked about a request.
const requestsKept = 45 * 24 * time.Hour

// serveRequests serves role{Assignment,Eligibility}ScheduleRequests.
func serveRequests(k Kind) func(*Tenant, *armCall) *answer {
	return func(t *Tenant, c *armCall) *answer {
		switch verb := strings.ToLower(c.name(1)); {
		case len(c.names) == 0 && c.method == http.MethodGet:
			return t.listRequests(c, k)
		case len(c.names) == 1 && c.method == http.MethodGet:
			return t.getRequest(c, k)
		case len(c.names) == 1 && c.method == http.MethodPut:
			return t.putRequest(c, k)
		case len(c.names) == 2 && c.method == http.MethodPost && verb == "cancel":
			return t.cancelRequest(c, k)
		case len(c.names) == 2 && c.method == http.MethodPost && verb == "validate":
			return t.validateRequest(c, k)
		}
		return notAllowed(c)
	}
}

func (t *Tenant) putRequest(c *armCall, k Kind) *answer {
	if !isGUID(c.name(0)) {
		return armError(badRequest("The request name '" + c.name(0) + "' is not a GUID."))
	}
	a, err := t.decodeRequest(c, k)
	if err != nil {
		return armError(err)
	}
	if err := t.maySubmit(a); err != nil {
		return armError(err)
	}
	if t.requestByID(PlaneAzure, k, a.id) != nil {
		return armError(&refusal{t.opt.RequestExistsStatus, "RoleAssignmentRequestExists",
			"A role assignment request with Id: " + a.id + " already exists"})
	}
	r, err := t.submit(a)
	if err != nil {
		return armError(err)
	}
	return reply(http.StatusCreated, t.renderRequest(r))
}

// validateRequest checks a request as the caller and stores nothing.
func (t *Tenant) validateRequest(c *armCall, k Kind) *answer {
	if !isGUID(c.name(0)) {
		return armError(badRequest("The request name '" + c.name(0) + "' is not a GUID."))
	}
	a, err := t.decodeRequest(c, k)
	if err != nil {
		return armError(err)
	}
	if err := t.maySubmit(a); err != nil {
		return armError(err)
	}
	a.dryRun = true
	r, err := t.submit(a)
	if err != nil {
		return armError(err)
	}
	return reply(http.StatusOK, t.renderRequest(r))
}

// maySubmit is ARM's front: an administrator needs the right to assign roles at
// the scope. A user needs nothing for his own request, except that ARM does not
// let him address a resource group that he cannot see below his eligibility.
func (t *Tenant) maySubmit(a ask) *refusal {
	if !a.action.self() {
		if !t.may(a.caller.oid, rightWriteAssignments, a.scope) {
			return forbidden(a.caller, rightWriteAssignments, a.scope)
		}
		return nil
	}
	if a.action == SelfActivate && t.tree[strings.ToLower(a.scope)].kind == "resourcegroup" &&
		!t.eligibleAt(a) && !t.may(a.caller.oid, rightReadGroups, a.scope) {
		return forbidden(a.caller, rightReadGroups, a.scope)
	}
	return nil
}

// eligibleAt reports whether the principal of a is eligible at just this scope.
func (t *Tenant) eligibleAt(a ask) bool {
	a.linked = ""
	return t.linkedEligibility(&a) != nil
}

// storedRequest finds a request that the call names at its scope, or nil.
func (t *Tenant) storedRequest(c *armCall, k Kind) *request {
	r := t.requestByID(PlaneAzure, k, c.name(0))
	if r == nil || !sameID(r.scope, c.at.id) || t.now().After(r.created.Add(requestsKept)) {
		return nil
	}
	return r
}

func (t *Tenant) getRequest(c *armCall, k Kind) *answer {
	r := t.storedRequest(c, k)
	if r == nil {
		return notFound(c)
	}
	if !t.mayRead(c.caller, r) {
		return armError(forbidden(c.caller, "Microsoft.Authorization/"+requestType(k)+"/read", c.at.id))
	}
	return reply(http.StatusOK, t.renderRequest(r))
}

// mayRead lets those read a request whom it concerns, and readers of its scope.
func (t *Tenant) mayRead(c caller, r *request) bool {
	return sameID(c.oid, r.principal) || sameID(c.oid, r.caller.oid) || t.awaits(c, r) ||
		t.may(c.oid, rightReadAssignments, r.scope)
}

// awaits reports whether a request waits for the caller's approval.
func (t *Tenant) awaits(c caller, r *request) bool {
	a := t.approvalByID(r.plane, r.approvalID)
	return a != nil && a.open() && t.mayDecide(a, c)
}

func (t *Tenant) cancelRequest(c *armCall, k Kind) *answer {
	r := t.storedRequest(c, k)
	if r == nil {
		return notFound(c)
	}
	if !sameID(c.caller.oid, r.caller.oid) && !t.may(c.caller.oid, rightWriteAssignments, r.scope) {
		return armError(forbidden(c.caller, "Microsoft.Authorization/"+requestType(k)+"/cancel/action", r.scope))
	}
	if err := t.cancel(r); err != nil {
		return armError(err)
	}
	return reply(http.StatusOK, nil)
}

func (t *Tenant) listRequests(c *armCall, k Kind) *answer {
	f, err := parseFilter(c.query.Get("$filter"), true)
	if err == nil {
		err = t.mayList(c, f)
	}
	if err != nil {
		return armError(err)
	}
	concerns := t.concerns(f, c.caller)
	var items []any
	for _, r := range slices.Backward(t.requests.of(concerns)) {
		if r.plane != PlaneAzure || r.kind != k || t.now().After(r.created.Add(requestsKept)) ||
			!t.covers(f, c.at.id, r.scope) ||
			f.role != "" && !sameID(f.role, r.role) ||
			f.asRequestor && !sameID(r.caller.oid, c.caller.oid) || f.asApprover && !t.awaits(c.caller, r) {
			continue
		}
		items = append(items, t.renderRequest(r))
	}
	return t.page(c, items)
}
