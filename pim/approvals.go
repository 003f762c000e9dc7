package pim

import (
	"context"
	"iter"
	"strings"
	"time"
)

// WaitingApproval is an activation that waits for its approvers in PIM.
type WaitingApproval struct {
	ID    string `json:"id"` // GUID, unique within its plane
	Plane Plane  `json:"plane"`
	Access
	Request       string      `json:"requestId"`
	Type          RequestType `json:"type"`
	Requestor     string      `json:"requestor,omitempty"`
	Justification string      `json:"justification,omitempty"`
	Ticket        Ticket      `json:"ticket,omitzero"`
	Window        Window      `json:"window,omitzero"`
	Condition     string      `json:"condition,omitempty"`
	Created       time.Time   `json:"created,omitzero"`
}

// Approvals yields what waits on plane p for the one who is signed in. Approvers
// are people: an application sees an empty list.
func (c *Client) Approvals(ctx context.Context, p Plane) iter.Seq2[WaitingApproval, error] {
	const op = "Client.Approvals"
	var requests iter.Seq2[ScheduleRequest, error]
	switch p {
	case Azure:
		requests = c.approvalsARM(ctx, op)
	case Directory, Group:
		requests = c.approvalsGraph(ctx, op, p)
	default:
		return failed[WaitingApproval](at(op, badPlane(p)))
	}
	return each(requests, func(r ScheduleRequest) (WaitingApproval, bool, error) {
		// On Graph the approval has the request's own id, also where the field is null.
		id, ok := parseGUID(lastSegment(r.Approval))
		if !ok {
			id = r.Name
		}
		return WaitingApproval{
			ID: id, Plane: p, Access: r.Access, Request: r.Name, Type: r.Type, Requestor: r.Requestor,
			Justification: r.Justification, Ticket: r.Ticket, Window: r.Window, Condition: r.Condition, Created: r.Created,
		}, strings.EqualFold(string(r.Status), string(PendingApproval)), nil
	})
}

// DecideApproval approves or denies the approval of that id on plane p, in the name
// of the one who is signed in. PIM takes it from an approver only: an application,
// and whoever is not in the list, gets CodeDenied. What has been decided before is
// CodeConflict.
func (c *Client) DecideApproval(ctx context.Context, p Plane, id string, approve bool, justification string) error {
	const op = "Client.DecideApproval"
	guid, ok := parseGUID(id)
	if !ok {
		return at(op, invalid("id", "approval %q is not a GUID", clip(id)))
	}
	r := review{Result: "Deny", Justification: justification}
	if approve {
		r.Result = "Approve"
	}
	switch p {
	case Azure:
		return c.decideARM(ctx, op, guid, r)
	case Directory, Group:
		return c.decideGraph(ctx, op, p, guid, r)
	}
	return at(op, badPlane(p))
}

func badPlane(p Plane) error {
	return invalid("plane", "plane %q is not azure, directory or group", clip(string(p)))
}

// review is an approver's word, the same on all planes.
type review struct {
	Result        string `json:"reviewResult"`
	Justification string `json:"justification"`
}

// stage is one round of an approval; PIM has one.
type stage struct {
	ID     string `json:"id"`
	Mine   bool   `json:"assignedToMe"`
	Status string `json:"status"`
	Result string `json:"reviewResult"`
}

// openStage is the id of the stage that waits for the one who is signed in. It is
// the end of the stage's id: its name can be another.
func openStage(stages []stage) (string, error) {
	decided := false
	for _, s := range stages {
		waits := s.Result == "" || strings.EqualFold(s.Result, "NotReviewed")
		decided = decided || !waits
		if !s.Mine || !waits || strings.EqualFold(s.Status, "Completed") || strings.EqualFold(s.Status, "Expired") {
			continue
		}
		id, ok := parseGUID(lastSegment(s.ID))
		if !ok {
			return "", unreadable("the stage of an approval", nil)
		}
		return id, nil
	}
	if decided {
		return "", &Error{Code: CodeConflict, Detail: "the approval has been decided already"}
	}
	return "", &Error{Code: CodeDenied, Detail: "the approval does not wait for the one who is signed in"}
}
