package pim

import (
	"context"
	"iter"
	"net/url"
	"strings"
)

// RoleDefinition is a role as its plane defines it.
type RoleDefinition struct {
	Role
	Description      string   `json:"description,omitempty"`
	Custom           bool     `json:"custom,omitempty"`
	AssignableScopes []string `json:"assignableScopes,omitempty"`
}

type armRoleDefinition struct {
	Name       string `json:"name"`
	Properties struct {
		RoleName         string          `json:"roleName"`
		Type             string          `json:"type"`
		Description      string          `json:"description"`
		AssignableScopes []string        `json:"assignableScopes"`
		Permissions      []armPermission `json:"permissions"`
	} `json:"properties"`
}

// Role finds the role that text names at s: a built-in name, a GUID or a full id
// without a call, any other name by a look-up that is remembered for an hour. Its
// error has CodeNotFound if there is none of that name.
func (c *Client) Role(ctx context.Context, s Scope, text string) (Role, error) {
	const op = "Client.Role"
	r, known, err := knownRole(s, text)
	if known || err != nil {
		return r, at(op, err)
	}
	// Custom names are unique in a tenant, so the scope need not be in the key; it
	// still decides which definitions can be seen.
	return c.roles.get(string(s.Plane())+"\x00"+s.Key()+"\x00"+strings.ToLower(text), func() (Role, error) {
		for d, err := range c.roleNamed(ctx, s, text) {
			if err != nil {
				return Role{}, at(op, err)
			}
			if strings.EqualFold(d.Name, text) {
				return d.Role, nil
			}
		}
		return Role{}, &Error{Op: op, Code: CodeNotFound, Field: "role", Detail: "no role named " + clip(text) + " at " + s.String()}
	})
}

func (c *Client) roleNamed(ctx context.Context, s Scope, name string) iter.Seq2[RoleDefinition, error] {
	if s.Plane() == Azure {
		return c.rolesARM(ctx, s, "roleName eq '"+strings.ReplaceAll(name, "'", "''")+"'")
	}
	return c.rolesGraph(ctx, name)
}

// Roles yields the role definitions that can be held at s.
func (c *Client) Roles(ctx context.Context, s Scope) iter.Seq2[RoleDefinition, error] {
	switch s.Plane() {
	case Azure:
		return c.rolesARM(ctx, s, "")
	case Directory:
		return c.rolesGraph(ctx, "")
	}
	return func(yield func(RoleDefinition, error) bool) {
		for _, r := range builtIn[Group] {
			if !yield(RoleDefinition{Role: r}, nil) {
				return
			}
		}
	}
}

func (c *Client) rolesARM(ctx context.Context, s Scope, filter string) iter.Seq2[RoleDefinition, error] {
	q := url.Values{"api-version": {armRoles}}
	if filter != "" {
		q.Set("$filter", filter)
	}
	items := armList[armRoleDefinition](ctx, c, call{op: "Client.Roles", path: armPath(s, "roleDefinitions"), query: q})
	return each(items, func(d armRoleDefinition) (RoleDefinition, bool, error) {
		p := d.Properties
		c.powers.put(strings.ToLower(d.Name), d.power()) // what has been read need not be read again
		return RoleDefinition{
			Role: Role{strings.ToLower(d.Name), p.RoleName}, Description: p.Description,
			Custom: strings.EqualFold(p.Type, "CustomRole"), AssignableScopes: p.AssignableScopes,
		}, true, nil
	})
}
