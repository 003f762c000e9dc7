package pim

import (
	"context"
	"iter"
	"strings"
	"time"
)

// armInstance is a schedule instance on the wire, eligibility or assignment.
type armInstance struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Properties struct {
		Scope              string     `json:"scope"`
		Principal          string     `json:"principalId"`
		PrincipalType      string     `json:"principalType"`
		RoleDefinition     string     `json:"roleDefinitionId"`
		Start              *time.Time `json:"startDateTime"`
		End                *time.Time `json:"endDateTime"`
		Member             string     `json:"memberType"`
		AssignmentType     string     `json:"assignmentType"`
		EligibleSchedule   string     `json:"roleEligibilityScheduleId"`
		AssignmentSchedule string     `json:"roleAssignmentScheduleId"`
		Condition          string     `json:"condition"`
		Expanded           struct {
			Principal struct {
				Name string `json:"displayName"`
			} `json:"principal"`
			Role struct {
				Name string `json:"displayName"`
			} `json:"roleDefinition"`
			Scope struct {
				Name string `json:"displayName"`
			} `json:"scope"`
		} `json:"expandedProperties"`
	} `json:"properties"`
}

func (c *Client) instancesARM(ctx context.Context, k Kind, q Query) iter.Seq2[Instance, error] {
	op := "Client.Assignments"
	if k == Eligibility {
		op = "Client.Eligibilities"
	}
	items := armList[armInstance](ctx, c, call{op: op, path: armPath(q.Scope, armKind(k)+"Instances"), query: armFilter(q)})
	return each(items, func(a armInstance) (Instance, bool, error) {
		i, err := a.instance(k)
		if q.leavesOut(err) {
			return i, false, nil
		}
		return i, err == nil && q.holds(i.Access), at(op, err)
	})
}

func (a armInstance) instance(k Kind) (Instance, error) {
	p := a.Properties
	scope, err := armScope(p.Scope, a.ID)
	if err != nil {
		return Instance{}, err
	}
	return Instance{
		Kind: k, Plane: Azure, ID: a.ID,
		Access:        Access{Scope: scope, Role: Role{lastSegment(p.RoleDefinition), p.Expanded.Role.Name}, Principal: strings.ToLower(p.Principal)},
		PrincipalType: p.PrincipalType, Start: p.Start, End: p.End, Member: memberOf(p.Member),
		Activated: strings.EqualFold(p.AssignmentType, "Activated"),
		Schedule:  p.EligibleSchedule + p.AssignmentSchedule, Condition: p.Condition,
		PrincipalName: p.Expanded.Principal.Name, ScopeName: p.Expanded.Scope.Name,
	}, nil
}

// memberOf reads memberType, whose letter case differs between the services. What
// is unknown is taken for inherited: then nobody removes it here.
func memberOf(s string) Member {
	switch {
	case strings.EqualFold(s, string(Direct)):
		return Direct
	case strings.EqualFold(s, string(ByGroup)):
		return ByGroup
	}
	return Inherited
}
