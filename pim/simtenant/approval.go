package simtenant

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The states of an approval stage and the results of a review.
const (
	stageInProgress = "InProgress"
	stageCompleted  = "Completed"
	stageExpired    = "Expired"

	reviewNone    = "NotReviewed"
	reviewApprove = "Approve"
	reviewDeny    = "Deny"
)

// approval is the one stage that a request for approval has in practice.
type approval struct {
	id string
	// stageName is what the stage calls itself; its id carries the approval's.
	stageName     string
	request       *request
	number        int // in the order of making
	setting       Approval
	deadline      time.Time
	status        string
	result        string
	justification string
	reviewer      string
	reviewed      time.Time
}

func (a *approval) open() bool { return a.status == stageInProgress }

// approvalBook keeps approvals in the order in which they were made.
type approvalBook struct {
	all  []*approval
	byID map[scheduleKey]*approval
}

func newApprovalBook() approvalBook { return approvalBook{byID: map[scheduleKey]*approval{}} }

func (b *approvalBook) add(a *approval) {
	b.all = append(b.all, a)
	a.number = len(b.all)
	b.byID[scheduleKey{plane: a.request.plane, id: strings.ToLower(a.id)}] = a
}

// openApproval asks the approvers of the policy. On Graph the approval has the
// id of the request.
func (t *Tenant) openApproval(r *request) {
	p := t.policy(r.plane, r.scope, r.role)
	a := &approval{id: r.id, stageName: t.newID(), request: r, setting: p.Approval, status: stageInProgress, result: reviewNone}
	if r.plane == PlaneAzure {
		a.id = t.newID()
	}
	r.status = statusPendingApproval
	a.deadline = r.created.Add(time.Duration(p.Approval.TimeOutDays) * 24 * time.Hour)
	r.approvalID = a.id
	t.approvals.add(a)
	t.await(a.deadline, a)
}

// closeApproval ends the approval of a request that is withdrawn.
func (t *Tenant) closeApproval(r *request) {
	if a := t.approvalByID(r.plane, r.approvalID); a != nil && a.open() {
		a.status = stageExpired
	}
}

// approvalByID finds an approval of a plane, or nil.
func (t *Tenant) approvalByID(p Plane, id string) *approval {
	return t.approvals.byID[scheduleKey{plane: p, id: strings.ToLower(id)}]
}

// mayDecide reports whether a person is among the approvers. Nobody approves his
// own request, and no application approves anything.
func (t *Tenant) mayDecide(a *approval, c caller) bool {
	if c.appOnly || sameID(c.oid, a.request.principal) {
		return false
	}
	if len(a.setting.Approvers) == 0 {
		return !a.setting.byManager() && t.defaultApprover(a.request, c.oid)
	}
	groups := t.groupsOf(c.oid)
	return slices.ContainsFunc(a.setting.Approvers, func(id string) bool {
		return sameID(id, c.oid) || groups[strings.ToLower(id)]
	})
}

// decide approves or denies. result is read in any letter case.
func (t *Tenant) decide(a *approval, c caller, result, justification string) *refusal {
	if !t.mayDecide(a, c) {
		return &refusal{http.StatusForbidden, "Forbidden", "The requestor is not an approver of this request."}
	}
	if !a.open() {
		return &refusal{http.StatusConflict, "Conflict", "The request has already been decided."}
	}
	approve := strings.EqualFold(result, reviewApprove)
	if !approve && !strings.EqualFold(result, reviewDeny) {
		return refuse("InvalidRequest", "The review result must be Approve or Deny.")
	}
	if a.setting.JustificationRequired && strings.TrimSpace(justification) == "" {
		return refuse("InvalidRequest", "A justification is required for the decision.")
	}
	a.status, a.justification, a.reviewer, a.reviewed = stageCompleted, justification, c.oid, t.now()
	if !approve {
		a.result, a.request.status, a.request.completed = reviewDeny, statusDenied, a.reviewed
		t.noteBy(c, a.request, "denied")
		return nil
	}
	a.result = reviewApprove
	t.noteBy(c, a.request, "approved")
	t.carryOut(a.request)
	t.noteFate(a.request)
	return nil
}
