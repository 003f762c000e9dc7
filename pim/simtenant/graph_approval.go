package simtenant

import (
	"net/http"
	"strings"
)

// approvalSet is the approvals of a plane of Graph. In beta a stage is called a step,
// and those of directory roles are served there alone.
type approvalSet struct {
	plane Plane
	path  string
	stage string // the name of the stages
}

var (
	roleApprovals  = approvalSet{PlaneDirectory, "beta/roleManagement/directory/roleAssignmentApprovals", "steps"}
	groupApprovals = approvalSet{PlaneGroup, "v1.0/identityGovernance/privilegedAccess/group/assignmentApprovals", "stages"}
	betaApprovals  = approvalSet{PlaneGroup, "beta/identityGovernance/privilegedAccess/group/assignmentApprovals", "steps"}
)

func (s approvalSet) routes() []graphRoute {
	return []graphRoute{
		{get, s.path + "/filterByCurrentUser(on='{on}')", s.own},
		{get, s.path + "/{id}", s.get},
		{get, s.path + "/{id}/" + s.stage, s.stages},
		{get, s.path + "/{id}/" + s.stage + "/{stageId}", s.getStage},
		{http.MethodPatch, s.path + "/{id}/" + s.stage + "/{stageId}", s.decide},
	}
}

func (s approvalSet) collection() collection { return collection{s.plane, Assignment} }

// own lists the approvals that the caller may decide, made necessary, or gains by.
func (s approvalSet) own(t *Tenant, c *graphCall) *answer {
	if !c.caller.allowed(s.collection().readers()...) {
		return graphError(notGranted(s.collection().readers()))
	}
	var mine func(a *approval) bool
	switch c.args[0] {
	case "approver":
		mine = func(a *approval) bool { return a.open() && t.mayDecide(a, c.caller) }
	case "target":
		mine = func(a *approval) bool { return sameID(a.request.principal, c.caller.oid) }
	case "createdBy":
		mine = func(a *approval) bool { return sameID(a.request.caller.oid, c.caller.oid) }
	default:
		return graphError(refuse("BadRequest", "The value '"+c.args[0]+"' of the parameter 'on' is not valid."))
	}
	expanded, err := c.expansions(s.stage)
	if err != nil {
		return graphError(err)
	}
	var items []map[string]any
	for _, a := range t.approvals.all {
		if a.request.plane == s.plane && mine(a) {
			items = append(items, s.render(t, c, a, len(expanded) > 0))
		}
	}
	blank := map[string]any{"id": nil}
	if s.unasked() {
		blank[s.stage] = nil
	}
	return t.graphItems(c, "Collection(approval)", blank, items)
}

// find reads the approval of a call. People alone are told of one: those whom it
// concerns, and readers of PIM.
func (s approvalSet) find(t *Tenant, c *graphCall, permissions []string) (*approval, *refusal) {
	if !c.caller.allowed(permissions...) {
		return nil, notGranted(permissions)
	}
	if c.caller.appOnly {
		return nil, errDenied
	}
	a := t.approvalByID(s.plane, c.args[0])
	if a == nil || len(c.args) > 1 && !sameID(c.args[1], a.stageName) {
		return nil, noSuch()
	}
	r := a.request
	concerned := t.mayDecide(a, c.caller) || sameID(r.principal, c.caller.oid) || sameID(r.caller.oid, c.caller.oid)
	if !concerned && !t.reads(c.caller, s.plane, r.scope) {
		return nil, errDenied
	}
	return a, nil
}

func (s approvalSet) get(t *Tenant, c *graphCall) *answer {
	a, err := s.find(t, c, s.collection().readers())
	if err != nil {
		return graphError(err)
	}
	expanded, err := c.expansions(s.stage)
	if err != nil {
		return graphError(err)
	}
	return c.one(s.context(), s.render(t, c, a, len(expanded) > 0))
}

func (s approvalSet) stages(t *Tenant, c *graphCall) *answer {
	a, err := s.find(t, c, s.collection().readers())
	if err != nil {
		return graphError(err)
	}
	stage := s.renderStage(t, c, a)
	return t.graphItems(c, s.context()+"('"+a.id+"')/"+s.stage, stage, []map[string]any{stage})
}

func (s approvalSet) getStage(t *Tenant, c *graphCall) *answer {
	a, err := s.find(t, c, s.collection().readers())
	if err != nil {
		return graphError(err)
	}
	return c.one(s.context()+"('"+a.id+"')/"+s.stage, s.renderStage(t, c, a))
}

// decide takes an approver's word.
func (s approvalSet) decide(t *Tenant, c *graphCall) *answer {
	a, err := s.find(t, c, s.collection().changers())
	if err != nil {
		return graphError(err)
	}
	var body struct {
		ReviewResult  string `json:"reviewResult"`
		Justification string `json:"justification"`
	}
	if c.decode(&body) != nil {
		return graphError(refuse("BadRequest", "Unable to read JSON request payload."))
	}
	if err := t.decide(a, c.caller, body.ReviewResult, body.Justification); err != nil {
		return graphError(err)
	}
	return reply(http.StatusNoContent, nil)
}

// context is the path without the version.
func (s approvalSet) context() string {
	_, path, _ := strings.Cut(s.path, "/")
	return path
}

// unasked reports whether an approval comes with its stages: the steps of beta do, the
// stages of v1.0 only if they are expanded.
func (s approvalSet) unasked() bool { return s.stage == "steps" }

// render is an approval.
func (s approvalSet) render(t *Tenant, c *graphCall, a *approval, expanded bool) map[string]any {
	m := map[string]any{"id": a.id}
	if expanded || s.unasked() {
		m[s.stage] = []any{s.renderStage(t, c, a)}
	}
	return m
}

func (s approvalSet) renderStage(t *Tenant, c *graphCall, a *approval) map[string]any {
	var reviewer any
	if p := t.principal(a.reviewer); p != nil {
		reviewer = map[string]any{"id": p.id, "displayName": p.name}
	}
	return map[string]any{
		"id": a.stageName, "displayName": nil, "status": a.status, "assignedToMe": t.mayDecide(a, c.caller),
		"reviewedBy": reviewer, "reviewedDateTime": stampOrNil(a.reviewed), "reviewResult": a.result, "justification": a.justification,
	}
}
