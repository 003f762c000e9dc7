package pim

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// approvalsGraph lists the requests that the one who is signed in may decide. This
// is the one list on Graph that takes a filter by status.
func (c *Client) approvalsGraph(ctx context.Context, op string, p Plane) iter.Seq2[ScheduleRequest, error] {
	items := graphList[graphRequest](ctx, c, call{
		op: op, path: graphPath(p, Assignment, "ScheduleRequests/filterByCurrentUser(on='approver')"),
		query: url.Values{"$filter": {"status eq '" + string(PendingApproval) + "'"}},
	})
	return each(items, func(g graphRequest) (ScheduleRequest, bool, error) {
		r, ok := decodeGraph(p, Assignment, g)
		return r, ok, nil
	})
}

// decideGraph reads the stages and decides the one that is open. Directory roles have
// their approvals under /beta alone, where a stage is a step and stands within the
// approval.
func (c *Client) decideGraph(ctx context.Context, op string, p Plane, id string, r review) error {
	stages := "/v1.0/identityGovernance/privilegedAccess/group/assignmentApprovals/" + id + "/stages"
	read := stages
	if p == Directory {
		read = "/beta/roleManagement/directory/roleAssignmentApprovals/" + id
		stages = read + "/steps"
	}
	var approval struct {
		Stages []stage `json:"value"`
		Steps  []stage `json:"steps"`
	}
	err := c.graphCall(ctx, call{op: op, method: http.MethodGet, path: read, want: []int{http.StatusOK}, out: &approval})
	if err != nil {
		return err
	}
	open, err := openStage(append(approval.Stages, approval.Steps...))
	if err != nil {
		return at(op, err)
	}
	return c.graphCall(ctx, call{
		op: op, method: http.MethodPatch, path: stages + "/" + open, body: r,
		want: []int{http.StatusNoContent, http.StatusOK},
	})
}
