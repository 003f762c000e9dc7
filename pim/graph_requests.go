package pim

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strings"
)

func encodeGraph(r ScheduleRequest) graphRequest {
	g := graphRequest{
		Action: lowerFirst(string(r.Type)), Principal: r.Access.Principal, Justification: marked(r.Justification, r.Mark),
	}
	if r.Access.Plane() == Group {
		g.Group, g.Access = r.Access.Scope.String(), r.Access.Role.ID
	} else {
		g.DirectoryScope, g.RoleDefinition = r.Access.Scope.String(), r.Access.Role.ID
	}
	if r.Ticket != (Ticket{}) {
		g.Ticket = &armTicket{r.Ticket.Number, r.Ticket.System}
	}
	if !r.Type.removes() {
		e := r.Window.expiration()
		e.Type = lowerFirst(e.Type)
		g.Schedule = &armSchedule{r.Window.Start, e}
	}
	// An assignment has no target yet, and for a removal the service looks for it:
	// the id of a schedule may have changed since it was read.
	switch r.Type {
	case AdminUpdate, AdminExtend, AdminRenew, SelfExtend, SelfRenew:
		g.Target = r.Target
	}
	return g
}

// decodeGraph is false for a request that concerns what cannot be named here.
func decodeGraph(p Plane, k Kind, g graphRequest) (ScheduleRequest, bool) {
	a, ok := graphAccess{g.Principal, g.RoleDefinition, g.DirectoryScope, g.Group, g.Access}.access(p)
	r := ScheduleRequest{
		Kind: k, Type: typeOf(g.Action), Name: strings.ToLower(g.ID), Access: a, Target: g.Target,
		Status: g.Status, Approval: g.Approval, Created: g.Created,
	}
	r.Justification, r.Mark = unmarked(g.Justification)
	if g.By != nil {
		r.Requestor = strings.ToLower(g.By.User.ID)
		if r.Requestor == "" {
			r.Requestor = strings.ToLower(g.By.Application.ID)
		}
	}
	if g.Ticket != nil {
		r.Ticket = Ticket{g.Ticket.Number, g.Ticket.System}
	}
	if s := g.Schedule; s != nil {
		r.Window = Window{Start: noTime(s.Start), End: noTime(s.Expiration.End), Permanent: strings.EqualFold(s.Expiration.Type, "noExpiration")}
		if d, err := ParseDuration(s.Expiration.Duration); err == nil {
			r.Window.Duration = d // a form that we would not send is none
		}
	}
	return r, ok
}

func (c *Client) submitGraph(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	got, err := c.postGraph(ctx, "Client.Submit", r, encodeGraph(r))
	if r.Access.Plane() == Group {
		// The first request brings a group under PIM, and its policies change.
		for _, role := range builtIn[Group] {
			c.policies.forget(policyKey(r.Access.Scope, role))
		}
	}
	return got, err
}

func (c *Client) validateGraph(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	g := encodeGraph(r)
	g.ValidationOnly = true
	return c.postGraph(ctx, "Client.Validate", r, g)
}

func (c *Client) postGraph(ctx context.Context, op string, r ScheduleRequest, body graphRequest) (ScheduleRequest, error) {
	var out graphRequest
	err := c.graphCall(ctx, call{
		op: op, method: http.MethodPost, path: graphPath(r.Access.Plane(), r.Kind, "ScheduleRequests"), body: body,
		want: []int{http.StatusCreated, http.StatusOK}, out: &out,
	})
	if err != nil {
		return r, err
	}
	return answeredGraph(op, r, out)
}

// answeredGraph is r with what the service says of it.
func answeredGraph(op string, r ScheduleRequest, out graphRequest) (ScheduleRequest, error) {
	got, ok := decodeGraph(r.Access.Plane(), r.Kind, out)
	if !ok {
		return r, at(op, unreadable("the scope of the answer", nil))
	}
	got.Access.Role.Name = r.Access.Role.Name
	return got, nil
}

// findGraph asks by the name that the service gave, or lists the requests for the
// same access and looks for the mark. Several of one mark cannot be ours: Submit is
// asked again only when none was found. The newest is taken then.
func (c *Client) findGraph(ctx context.Context, r ScheduleRequest) (ScheduleRequest, error) {
	const op = "Client.Find"
	if name, ok := parseGUID(r.Name); ok {
		var out graphRequest
		err := c.graphCall(ctx, call{
			op: op, method: http.MethodGet, path: graphPath(r.Access.Plane(), r.Kind, "ScheduleRequests/"+name),
			want: []int{http.StatusOK}, out: &out,
		})
		if err != nil {
			return r, err
		}
		return answeredGraph(op, r, out)
	}
	var found ScheduleRequest
	if r.Mark != "" {
		a := r.Access
		for got, err := range c.requestsGraph(ctx, r.Kind, Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}) {
			if err != nil {
				return r, at(op, err)
			}
			if got.Mark == r.Mark && got.Type == r.Type && got.Access.Same(a) && !got.Created.Before(found.Created) {
				found = got
			}
		}
	}
	if found.Name == "" {
		return r, &Error{Op: op, Code: CodeNotFound, Detail: "PIM knows no such request"}
	}
	found.Access.Role.Name = r.Access.Role.Name
	return found, nil
}

func (c *Client) cancelGraph(ctx context.Context, r ScheduleRequest) error {
	const op = "Client.CancelRequest"
	name, ok := parseGUID(r.Name)
	if !ok {
		found, err := c.findGraph(ctx, r)
		if err != nil {
			return err
		}
		name = found.Name
	}
	return c.graphCall(ctx, call{
		op: op, method: http.MethodPost, path: graphPath(r.Access.Plane(), r.Kind, "ScheduleRequests/"+name+"/cancel"),
		want: []int{http.StatusNoContent},
	})
}

func (c *Client) requestsGraph(ctx context.Context, k Kind, q Query) iter.Seq2[ScheduleRequest, error] {
	const op = "Client.Requests"
	filter, err := graphFilter(q)
	if err != nil {
		return failed[ScheduleRequest](at(op, err))
	}
	items := graphList[graphRequest](ctx, c, call{op: op, path: graphPath(q.Plane, k, "ScheduleRequests"), query: filter})
	return each(items, func(g graphRequest) (ScheduleRequest, bool, error) {
		r, ok := decodeGraph(q.Plane, k, g)
		return r, ok && q.holds(r.Access), nil
	})
}

// graphFilter is the query of a list: comparisons joined by and, the one form that
// every list takes. The whole directory is no narrowing, nor is a scope below it where
// what is inherited counts. A group's lists are refused without a group or a principal.
func graphFilter(q Query) (url.Values, error) {
	var parts []string
	equal := func(field, value string) {
		if value != "" {
			parts = append(parts, field+" eq '"+strings.ReplaceAll(value, "'", "''")+"'")
		}
	}
	switch q.Plane {
	case Group:
		equal("groupId", q.Scope.String())
		equal("principalId", q.Principal)
		if len(parts) == 0 {
			return nil, invalid("scope", "PIM lists a group plane by group or by principal: name one")
		}
	case Directory:
		equal("principalId", q.Principal)
		equal("roleDefinitionId", q.Role.ID)
		if q.Scope.Level() != LevelDirectory && !q.Exact {
			equal("directoryScopeId", q.Scope.String())
		}
	default:
		return nil, badPlane(q.Plane)
	}
	v := url.Values{}
	if len(parts) > 0 {
		v.Set("$filter", strings.Join(parts, " and "))
	}
	return v, nil
}

// failed is a list that yields err alone.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		yield(zero, err)
	}
}
