package pim

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// armPermission is one set of rights of a role: actions, less notActions.
type armPermission struct {
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions"`
}

// powers are the rights whose holder can give roles, itself among others.
var powers = []string{
	"Microsoft.Authorization/roleAssignments/write",
	"Microsoft.Authorization/roleDefinitions/write",
	"Microsoft.Authorization/roleAssignmentScheduleRequests/write",
	"Microsoft.Authorization/roleEligibilityScheduleRequests/write",
	"Microsoft.Authorization/elevateAccess/action",
}

// power reports whether the role holds one of the powers.
func (d armRoleDefinition) power() bool {
	return slices.ContainsFunc(d.Properties.Permissions, func(p armPermission) bool {
		return slices.ContainsFunc(powers, func(action string) bool {
			covers := func(pattern string) bool { return matchesAction(strings.ToLower(pattern), strings.ToLower(action)) }
			return slices.ContainsFunc(p.Actions, covers) && !slices.ContainsFunc(p.NotActions, covers)
		})
	})
}

// matchesAction reports whether the pattern, in which a star stands for any text,
// matches the whole action.
func matchesAction(pattern, action string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	action, found := strings.CutPrefix(action, head)
	if !star || !found {
		return found && action == ""
	}
	for at := range len(action) + 1 {
		if matchesAction(rest, action[at:]) {
			return true
		}
	}
	return false
}

// power reports whether a role of Azure lets its holder give roles, by its definition.
// It is remembered for as long as PIM's own settings are.
func (c *Client) power(ctx context.Context, s Scope, r Role) (bool, error) {
	return c.powers.get(r.ID, func() (bool, error) {
		var d armRoleDefinition
		err := c.armCall(ctx, call{op: "Client.Roles", method: http.MethodGet, path: armPath(s, "roleDefinitions/"+r.ID),
			query: armVersion(armRoles), want: []int{http.StatusOK}, out: &d})
		return d.power(), err
	})
}

// escalates reports whether what is held can give its holder more.
func (c *Client) escalates(ctx context.Context, a Access) (bool, error) {
	if a.Plane() != Azure || a.Role.known(Azure) {
		return a.Role.Escalating(a.Plane()), nil
	}
	return c.power(ctx, a.Scope, a.Role)
}
