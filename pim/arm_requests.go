package pim

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	armPIM   = "2020-10-01" // every PIM type
	armRoles = "2022-04-01" // role definitions and plain role assignments
)

// armRequest is a schedule request on the wire. Requests and answers share it.
type armRequest struct {
	ID         string          `json:"id,omitempty"`
	Name       string          `json:"name,omitempty"`
	Properties armRequestProps `json:"properties"`
}

type armRequestProps struct {
	Principal        string       `json:"principalId"`
	RoleDefinition   string       `json:"roleDefinitionId"`
	Type             string       `json:"requestType"`
	Justification    string       `json:"justification,omitempty"`
	Ticket           *armTicket   `json:"ticketInfo,omitempty"`
	Schedule         *armSchedule `json:"scheduleInfo,omitempty"`
	Linked           string       `json:"linkedRoleEligibilityScheduleId,omitempty"`
	TargetAssignment string       `json:"targetRoleAssignmentScheduleId,omitempty"`
	TargetEligible   string       `json:"targetRoleEligibilityScheduleId,omitempty"`
	Condition        string       `json:"condition,omitempty"`
	ConditionVersion string       `json:"conditionVersion,omitempty"`

	Scope     string    `json:"scope,omitempty"`
	Status    Status    `json:"status,omitempty"`
	Approval  string    `json:"approvalId,omitempty"`
	Requestor string    `json:"requestorId,omitempty"`
	Created   time.Time `json:"createdOn,omitzero"`
}

type armTicket struct {
	Number string `json:"ticketNumber,omitempty"`
	System string `json:"ticketSystem,omitempty"`
}

type armSchedule struct {
	Start      *time.Time    `json:"startDateTime,omitempty"`
	Expiration armExpiration `json:"expiration"`
}

type armExpiration struct {
	Type     string     `json:"type"`
	Duration string     `json:"duration,omitempty"`
	End      *time.Time `json:"endDateTime,omitempty"`
}

// armPath is the path of a type of Microsoft.Authorization at a scope.
func armPath(s Scope, rest string) string {
	return strings.TrimSuffix(s.String(), "/") + "/providers/Microsoft.Authorization/" + rest
}

func armKind(k Kind) string {
	if k == Eligibility {
		return "roleEligibilitySchedule"
	}
	return "roleAssignmentSchedule"
}

func armVersion(v string) url.Values { return url.Values{"api-version": {v}} }

// armRoleID is the full id under which ARM takes a role: of the subscription where
// the scope lies in one, else of the tenant. A bare GUID is refused.
func armRoleID(s Scope, r Role) string {
	home := ""
	if sub := s.Subscription(); sub != "" {
		home = "/subscriptions/" + sub
	}
	return home + "/providers/Microsoft.Authorization/roleDefinitions/" + r.ID
}

// lastSegment is the part of an id that says what it is: the rest may come in
// another spelling than it was sent.
func lastSegment(id string) string { return strings.ToLower(id[strings.LastIndexByte(id, '/')+1:]) }

func encodeARM(r ScheduleRequest) armRequest {
	p := armRequestProps{
		Principal: r.Access.Principal, RoleDefinition: armRoleID(r.Access.Scope, r.Access.Role), Type: string(r.Type),
		Justification: r.Justification, Linked: r.Linked,
	}
	if r.Ticket != (Ticket{}) {
		p.Ticket = &armTicket{r.Ticket.Number, r.Ticket.System}
	}
	if !r.Type.removes() {
		p.Schedule = &armSchedule{r.Window.Start, r.Window.expiration()}
	}
	if r.Condition != "" {
		p.Condition, p.ConditionVersion = r.Condition, "2.0"
	}
	if r.Kind == Eligibility {
		p.TargetEligible = r.Target
	} else {
		p.TargetAssignment = r.Target
	}
	return armRequest{Properties: p}
}

// expiration says when the window ends, in the one form that names it.
func (w Window) expiration() armExpiration {
	switch {
	case w.End != nil:
		return armExpiration{Type: "AfterDateTime", End: w.End}
	case w.Permanent:
		return armExpiration{Type: "NoExpiration"}
	}
	return armExpiration{Type: "AfterDuration", Duration: w.Duration.String()}
}

func decodeARM(k Kind, a armRequest) (ScheduleRequest, error) {
	p := a.Properties
	scope, err := armScope(p.Scope, a.ID)
	if err != nil {
		return ScheduleRequest{}, err
	}
	r := ScheduleRequest{
		Kind: k, Type: RequestType(p.Type), Name: strings.ToLower(a.Name), Justification: p.Justification, Linked: p.Linked,
		Access: Access{Scope: scope, Role: Role{ID: lastSegment(p.RoleDefinition)}, Principal: strings.ToLower(p.Principal)},
		Target: p.TargetAssignment + p.TargetEligible, Condition: p.Condition,
		Status: p.Status, Approval: p.Approval, Requestor: strings.ToLower(p.Requestor), Created: p.Created,
	}
	if p.Ticket != nil {
		r.Ticket = Ticket{p.Ticket.Number, p.Ticket.System}
	}
	if s := p.Schedule; s != nil {
		r.Window = Window{Start: s.Start, End: s.Expiration.End, Permanent: strings.EqualFold(s.Expiration.Type, "NoExpiration")}
		if d, err := ParseDuration(s.Expiration.Duration); err == nil {
			r.Window.Duration = d // a form that we would not send is none
		}
	}
	return r, nil
}

// armScope reads the scope of an answer: its own field, or where that is missing
// the part of the id before the provider.
func armScope(scope, id string) (Scope, error) {
	if scope == "" {
		const mark = "/providers/microsoft.authorization/"
		at := strings.LastIndex(strings.ToLower(id), mark)
		if at < 0 {
			return Scope{}, &Error{Code: CodeInternal, Detail: "the service's answer names no scope"}
		}
		scope = id[:at]
	}
	if scope == "" {
		scope = "/"
	}
	s, err := ParseScope(Azure, "/"+strings.TrimPrefix(scope, "/"))
	if err != nil {
		return Scope{}, &Error{Code: CodeInternal, Detail: "the service's answer names a scope that is none", Err: &oddScope{scope, err}}
	}
	return s, nil
}

func (c *Client) submitARM(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	return c.armRequest(ctx, r, call{
		op: "Client.Submit", method: http.MethodPut, body: encodeARM(r), want: []int{http.StatusCreated},
		path: armPath(r.Access.Scope, armKind(r.Kind)+"Requests/"+r.Name),
	})
}

func (c *Client) validateARM(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	return c.armRequest(ctx, r, call{
		op: "Client.Validate", method: http.MethodPost, body: encodeARM(r), want: []int{http.StatusOK},
		path: armPath(r.Access.Scope, armKind(r.Kind)+"Requests/"+r.Name+"/validate"),
	})
}

func (c *Client) findARM(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	return c.armRequest(ctx, r, call{
		op: "Client.Find", method: http.MethodGet, want: []int{http.StatusOK},
		path: armPath(r.Access.Scope, armKind(r.Kind)+"Requests/"+r.Name),
	})
}

func (c *Client) armRequest(ctx context.Context, r ScheduleRequest, in call) (ScheduleRequest, error) {
	var out armRequest
	in.query, in.out = armVersion(armPIM), &out
	if err := c.armCall(ctx, in); err != nil {
		return r, err
	}
	got, err := decodeARM(r.Kind, out)
	return got, at(in.op, err)
}

func (c *Client) cancelARM(ctx context.Context, r ScheduleRequest) error {
	return c.armCall(ctx, call{
		op: "Client.CancelRequest", method: http.MethodPost, query: armVersion(armPIM), want: []int{http.StatusOK},
		path: armPath(r.Access.Scope, armKind(r.Kind)+"Requests/"+r.Name+"/cancel"),
	})
}

func (c *Client) requestsARM(ctx context.Context, k Kind, q Query) iter.Seq2[ScheduleRequest, error] {
	const op = "Client.Requests"
	items := armList[armRequest](ctx, c, call{op: op, path: armPath(q.Scope, armKind(k)+"Requests"), query: armFilter(q)})
	return each(items, func(a armRequest) (ScheduleRequest, bool, error) {
		r, err := decodeARM(k, a)
		if q.leavesOut(err) {
			return r, false, nil
		}
		return r, err == nil && q.holds(r.Access), at(op, err)
	})
}

// armFilter is the query of a list. The role is not asked for: the filter for it is
// undocumented on these lists, so [Query.holds] narrows what comes back.
func armFilter(q Query) url.Values {
	var parts []string
	switch {
	case q.Principal != "" && q.Groups:
		parts = append(parts, "assignedTo('"+q.Principal+"')")
	case q.Principal != "":
		parts = append(parts, "principalId eq '"+q.Principal+"'")
	}
	if q.Exact {
		parts = append(parts, "atScope()")
	}
	v := armVersion(armPIM)
	if len(parts) > 0 {
		v.Set("$filter", strings.Join(parts, " and "))
	}
	return v
}

// holds narrows to the role, which is compared by its GUID.
func (q Query) holds(a Access) bool { return q.Role.ID == "" || q.Role.ID == a.Role.ID }
