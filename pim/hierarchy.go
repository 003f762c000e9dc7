package pim

import (
	"context"
	"iter"
	"net/http"
	"strings"
)

// ManagementGroups yields the management groups below s, at any depth, and not s
// itself. At the tenant root there is no such listing: name the root group.
func (c *Client) ManagementGroups(ctx context.Context, s Scope) iter.Seq2[Place, error] {
	const op = "Client.ManagementGroups"
	if s.Level() != LevelManagementGroup {
		return failed[Place](at(op, invalid("scope", "scope %q is not a management group", clip(s.String()))))
	}
	type descendant struct {
		ID         string `json:"id"`
		Type       string `json:"type"`
		Properties struct {
			Name string `json:"displayName"`
		} `json:"properties"`
	}
	items := armList[descendant](ctx, c, call{op: op, path: s.String() + "/descendants", query: armVersion(armManagement)})
	return each(items, func(i descendant) (Place, bool, error) {
		if !strings.EqualFold(i.Type, "Microsoft.Management/managementGroups") {
			return Place{}, false, nil
		}
		return place(op, i.ID, i.Properties.Name)
	})
}

// HomeTenant returns the id of the directory that the subscription of s trusts. For
// one that is delegated to us (Azure Lighthouse) it is another than our own, and who
// holds roles there cannot be looked up here.
func (c *Client) HomeTenant(ctx context.Context, s Scope) (string, error) {
	const op = "Client.HomeTenant"
	sub := s.Subscription()
	if sub == "" {
		return "", at(op, invalid("scope", "scope %q does not lie in a subscription", clip(s.String())))
	}
	var out struct {
		Tenant string `json:"tenantId"`
	}
	err := c.armCall(ctx, call{op: op, method: http.MethodGet, path: "/subscriptions/" + sub,
		query: armVersion(armSubscriptions), want: []int{http.StatusOK}, out: &out})
	return strings.ToLower(out.Tenant), err
}
