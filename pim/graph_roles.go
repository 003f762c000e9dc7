package pim

import (
	"context"
	"iter"
	"net/url"
	"strings"
)

// graphRole is a directory role's definition.
type graphRole struct {
	ID          string   `json:"id"`
	Name        string   `json:"displayName"`
	Description string   `json:"description"`
	BuiltIn     bool     `json:"isBuiltIn"`
	Scopes      []string `json:"resourceScopes"`
}

// rolesGraph yields the directory's roles, built-in and custom, or those of one
// display name.
func (c *Client) rolesGraph(ctx context.Context, name string) iter.Seq2[RoleDefinition, error] {
	q := url.Values{}
	if name != "" {
		q.Set("$filter", "displayName eq '"+strings.ReplaceAll(name, "'", "''")+"'")
	}
	items := graphList[graphRole](ctx, c, call{op: "Client.Roles", path: "/v1.0/roleManagement/directory/roleDefinitions", query: q})
	return each(items, func(d graphRole) (RoleDefinition, bool, error) {
		return RoleDefinition{
			Role: Role{strings.ToLower(d.ID), d.Name}, Description: d.Description, Custom: !d.BuiltIn, AssignableScopes: d.Scopes,
		}, true, nil
	})
}
