package pim

import (
	"slices"
	"strings"
)

// graphPrincipal is a directory object, with the fields of all that can hold a role.
type graphPrincipal struct {
	ODataType      string   `json:"@odata.type"`
	ID             string   `json:"id"`
	Name           string   `json:"displayName"`
	UPN            string   `json:"userPrincipalName"`
	AppID          string   `json:"appId"`
	Enabled        *bool    `json:"accountEnabled"`
	GroupTypes     []string `json:"groupTypes"`
	OnPremises     *bool    `json:"onPremisesSyncEnabled"`
	RoleAssignable *bool    `json:"isAssignableToRole"`
}

// kind is the object's type as ARM spells it: User, Group, ServicePrincipal. It is
// empty for an object that came without one.
func (g graphPrincipal) kind() string {
	name := g.ODataType[strings.LastIndexByte(g.ODataType, '.')+1:]
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// principal fills in what the object's type says of itself: a group has no account
// that could be disabled, anything else is enabled only if the directory says so.
func (g graphPrincipal) principal(t string) Principal {
	yes := func(b *bool) bool { return b != nil && *b }
	return Principal{
		ID: strings.ToLower(g.ID), Type: t, Name: g.Name, UPN: g.UPN, AppID: strings.ToLower(g.AppID),
		Enabled:        t == TypeGroup || yes(g.Enabled),
		Dynamic:        slices.ContainsFunc(g.GroupTypes, func(s string) bool { return strings.EqualFold(s, "DynamicMembership") }),
		OnPremises:     yes(g.OnPremises),
		RoleAssignable: yes(g.RoleAssignable),
	}
}
