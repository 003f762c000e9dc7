package pim

import (
	"context"
	"iter"
	"slices"
	"strings"
	"time"
)

// graphInstance is an eligibility or assignment in force, on either plane of Graph.
// What was made outside PIM has an opaque schedule id and no dates.
type graphInstance struct {
	graphAccess
	ID                 string         `json:"id"`
	Start              *time.Time     `json:"startDateTime"`
	End                *time.Time     `json:"endDateTime"`
	Member             string         `json:"memberType"`
	AssignmentType     string         `json:"assignmentType"`
	RoleEligible       string         `json:"roleEligibilityScheduleId"`
	RoleAssignment     string         `json:"roleAssignmentScheduleId"`
	GroupEligible      string         `json:"eligibilityScheduleId"`
	GroupAssignment    string         `json:"assignmentScheduleId"`
	ExpandedPrincipal  graphPrincipal `json:"principal"`
	ExpandedDefinition struct {
		Name string `json:"displayName"`
	} `json:"roleDefinition"`
}

func (c *Client) instancesGraph(ctx context.Context, k Kind, q Query) iter.Seq2[Instance, error] {
	op := "Client.Assignments"
	if k == Eligibility {
		op = "Client.Eligibilities"
	}
	own := c.listGraph(ctx, op, k, q)
	if !q.Groups || q.Principal == "" || q.Scope == (Scope{}) {
		return own
	}
	return func(yield func(Instance, error) bool) {
		for i, err := range own {
			if !yield(i, err) || err != nil {
				return
			}
		}
		for i, err := range c.groupsGraph(ctx, op, k, q) {
			if !yield(i, err) || err != nil {
				return
			}
		}
	}
}

// groupsGraph yields what the groups of q's principal hold. Graph has no filter for
// it: what all groups hold is listed, and it is asked which of them the principal is in.
func (c *Client) groupsGraph(ctx context.Context, op string, k Kind, q Query) iter.Seq2[Instance, error] {
	principal := q.Principal
	q.Principal = ""
	return func(yield func(Instance, error) bool) {
		if k == Assignment && q.Plane == Group && q.Role.ID == "member" {
			// PIM lists every member, and there may be thousands.
			in, err := c.MemberOf(ctx, principal, []string{q.Scope.String()})
			if err != nil {
				yield(Instance{}, at(op, err))
				return
			}
			if len(in) == 0 {
				return
			}
		}
		var held []Instance
		var holders []string
		for i, err := range c.listGraph(ctx, op, k, q) {
			if err != nil {
				yield(Instance{}, err)
				return
			}
			if strings.EqualFold(i.PrincipalType, TypeGroup) {
				held = append(held, i)
				holders = append(holders, i.Principal)
			}
		}
		slices.Sort(holders)
		in, err := c.MemberOf(ctx, principal, slices.Compact(holders))
		if err != nil {
			yield(Instance{}, at(op, err))
			return
		}
		for _, i := range held {
			i.Member = ByGroup
			if slices.Contains(in, i.Principal) && !yield(i, nil) {
				return
			}
		}
	}
}

func (c *Client) listGraph(ctx context.Context, op string, k Kind, q Query) iter.Seq2[Instance, error] {
	query, err := graphFilter(q)
	if err != nil {
		return failed[Instance](at(op, err))
	}
	// The names cost a unit of the quota and spare a look-up for each item. A
	// group's own name is not asked for: the expansion fails for some callers.
	expand := "principal"
	if q.Plane == Directory {
		expand = "principal,roleDefinition"
	}
	query.Set("$expand", expand)
	items := graphList[graphInstance](ctx, c, call{op: op, path: graphPath(q.Plane, k, "ScheduleInstances"), query: query})
	return each(items, func(g graphInstance) (Instance, bool, error) {
		i, ok := g.instance(q.Plane, k)
		if !ok && q.Odd != nil {
			q.Odd(g.ID)
		}
		reaches := !q.Exact || q.Plane != Directory || i.Scope.Contains(q.Scope)
		return i, ok && reaches && q.holds(i.Access), nil
	})
}

func (g graphInstance) instance(p Plane, k Kind) (Instance, bool) {
	a, ok := g.access(p)
	if a.Role.Name = g.ExpandedDefinition.Name; p == Group {
		a.Role.Name = a.Role.ID
	}
	return Instance{
		Kind: k, Plane: p, Access: a, ID: g.ID,
		PrincipalType: g.ExpandedPrincipal.kind(), PrincipalName: g.ExpandedPrincipal.Name,
		Start: noTime(g.Start), End: noTime(g.End), Member: memberOf(g.Member),
		Activated: strings.EqualFold(g.AssignmentType, "Activated"),
		Schedule:  g.RoleEligible + g.RoleAssignment + g.GroupEligible + g.GroupAssignment,
	}, ok
}
