package simtenant

import (
	"net/http"
	"strings"
)

// serveApprovals serves roleAssignmentApprovals and their stages, at the tenant
// root or at the scope of the request.
func (t *Tenant) serveApprovals(c *armCall) *answer {
	if len(c.names) == 0 && c.method == http.MethodGet {
		return t.listApprovals(c)
	}
	a := t.approvalByID(PlaneAzure, c.name(0))
	if a == nil || !t.tree.contains(c.at.id, a.request.scope) || len(c.names) > 1 && !sameID(c.name(1), "stages") {
		return notFound(c)
	}
	if !t.mayDecide(a, c.caller) && !t.mayRead(c.caller, a.request) {
		return armError(forbidden(c.caller, "Microsoft.Authorization/roleAssignmentApprovals/read", c.at.id))
	}
	stage := t.renderStage(c, a)
	switch {
	case len(c.names) == 1 && c.method == http.MethodGet:
		return reply(http.StatusOK, t.renderApproval(c, a))
	case len(c.names) == 2 && c.method == http.MethodGet:
		return t.page(c, []any{stage})
	case len(c.names) == 3 && !sameID(c.name(2), a.id):
		return notFound(c) // the name of a stage is not what its id ends in
	case len(c.names) == 3 && c.method == http.MethodGet:
		return reply(http.StatusOK, stage)
	case len(c.names) == 3 && (c.method == http.MethodPut || c.method == http.MethodPatch):
		return t.decideStage(c, a)
	}
	return notAllowed(c)
}

func (t *Tenant) listApprovals(c *armCall) *answer {
	text := c.query.Get("$filter")
	var mine func(*approval) bool
	switch text {
	case "asApprover()":
		mine = func(a *approval) bool { return a.open() && t.mayDecide(a, c.caller) }
	case "asCreatedBy()":
		mine = func(a *approval) bool { return sameID(a.request.caller.oid, c.caller.oid) }
	case "asTarget()":
		mine = func(a *approval) bool { return sameID(a.request.principal, c.caller.oid) }
	default:
		return armError(invalidFilter(text))
	}
	var items []any
	for _, a := range t.approvals.all {
		if a.request.plane == PlaneAzure && t.tree.contains(c.at.id, a.request.scope) && mine(a) {
			items = append(items, t.renderApproval(c, a))
		}
	}
	return t.page(c, items)
}

// decideStage takes the review, wrapped in properties as the examples do. In a
// batch the answer has been seen to be 204.
func (t *Tenant) decideStage(c *armCall, a *approval) *answer {
	var body struct {
		Properties *struct {
			ReviewResult  string `json:"reviewResult"`
			Justification string `json:"justification"`
		} `json:"properties"`
	}
	if err := c.decode(&body); err != nil {
		return armError(err)
	}
	if body.Properties == nil {
		return armError(refuse("InvalidRequestContent", "The request content was invalid: the member 'properties' is missing."))
	}
	if err := t.decide(a, c.caller, body.Properties.ReviewResult, body.Properties.Justification); err != nil {
		return armError(err)
	}
	if c.inBatch {
		return reply(http.StatusNoContent, nil)
	}
	return reply(http.StatusOK, t.renderStage(c, a))
}

func (t *Tenant) renderApproval(c *armCall, a *approval) any {
	return map[string]any{
		"id": armID(c.at.id, "roleAssignmentApprovals", a.id), "name": a.id,
		"type":       "Microsoft.Authorization/roleAssignmentApprovals",
		"properties": map[string]any{"stages": []any{t.renderStage(c, a)}},
	}
}

func (t *Tenant) renderStage(c *armCall, a *approval) any {
	var reviewer any
	if p := t.principal(a.reviewer); p != nil {
		reviewer = map[string]any{
			"principalId": p.id, "principalType": strings.ToLower(string(p.kind)), "principalName": p.name,
			"userPrincipalName": p.upn,
		}
	}
	return map[string]any{
		"id":   armID(c.at.id, "roleAssignmentApprovals", a.id) + "/stages/" + a.id,
		"name": a.stageName, "type": "Microsoft.Authorization/roleAssignmentApprovals/stages",
		"properties": map[string]any{
			"displayName": "Approval stage", "status": a.status, "assignedToMe": t.mayDecide(a, c.caller),
			"reviewedBy": reviewer, "reviewedDateTime": stampOrNil(a.reviewed), "reviewResult": a.result,
			"justification": a.justification,
		},
	}
}
