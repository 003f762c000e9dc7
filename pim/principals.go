package pim

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// The types of a Principal.
const (
	TypeUser             = "user"
	TypeGroup            = "group"
	TypeServicePrincipal = "servicePrincipal" // of an application or a managed identity
)

// Principal is whoever can hold a role.
type Principal struct {
	ID             string `json:"id"`   // object id
	Type           string `json:"type"` // TypeUser and the others; another where it can hold no role
	Name           string `json:"name,omitempty"`
	UPN            string `json:"userPrincipalName,omitempty"`
	AppID          string `json:"appId,omitempty"` // of a service principal
	Enabled        bool   `json:"enabled"`         // a group always is; false if the directory does not say
	Dynamic        bool   `json:"dynamic,omitempty"`
	OnPremises     bool   `json:"onPremises,omitempty"`     // synchronised from there: PIM cannot manage such a group
	RoleAssignable bool   `json:"roleAssignable,omitempty"` // a group that can hold directory roles
}

const (
	userFields  = "id,userPrincipalName,displayName,accountEnabled"
	groupFields = "id,displayName,isAssignableToRole,groupTypes,onPremisesSyncEnabled"
	appFields   = "id,displayName,appId,accountEnabled"
)

// Principal finds the user, group or service principal of that object id. Its error
// has CodeNotFound only if the directory says that there is none: whoever may not
// look gets CodeDenied.
func (c *Client) Principal(ctx context.Context, id string) (Principal, error) {
	const op = "Client.Principal"
	id, err := ParsePrincipal(id)
	if err != nil {
		return Principal{}, at(op, err)
	}
	// Most are users, and of a user the general look-up does not tell whether the
	// account is enabled.
	p, err := c.object(ctx, op, "/v1.0/users/"+id, userFields, TypeUser)
	if CodeOf(err) != CodeNotFound {
		return p, err
	}
	return c.object(ctx, op, "/v1.0/directoryObjects/"+id, "", "")
}

// User finds a user by object id or user principal name.
func (c *Client) User(ctx context.Context, upnOrID string) (Principal, error) {
	const op = "Client.User"
	path := "/v1.0/users/"
	switch id, ok := parseGUID(upnOrID); {
	case ok:
		path += id
	case len(upnOrID) > 320 || !upn.MatchString(upnOrID):
		return Principal{}, at(op, invalid("user", "user %q is neither a user principal name nor an object id", clip(upnOrID)))
	case upnOrID[0] == '$':
		path = "/v1.0/users('" + strings.ReplaceAll(upnOrID, "'", "''") + "')"
	default:
		path += upnOrID
	}
	return c.object(ctx, op, path, userFields, TypeUser)
}

// upn is what Entra lets stand in a user principal name; #EXT# marks a guest.
var upn = regexp.MustCompile(`^[A-Za-z0-9'._!#^~$-]+@[A-Za-z0-9.-]+$`)

// GroupByName finds the one group of that display name. Names are not unique:
// several of one name are CodeConflict.
func (c *Client) GroupByName(ctx context.Context, name string) (Principal, error) {
	const op = "Client.GroupByName"
	var found []Principal
	for g, err := range graphList[graphPrincipal](ctx, c, call{op: op, path: "/v1.0/groups", query: url.Values{
		"$filter": {"displayName eq '" + strings.ReplaceAll(name, "'", "''") + "'"},
		"$select": {groupFields},
	}}) {
		if err != nil {
			return Principal{}, err
		}
		found = append(found, g.principal(TypeGroup))
	}
	switch len(found) {
	case 0:
		return Principal{}, &Error{Op: op, Code: CodeNotFound, Detail: "no group is named " + clip(name)}
	case 1:
		return found[0], nil
	}
	return Principal{}, &Error{Op: op, Code: CodeConflict, Detail: "several groups are named " + clip(name) + ": use the object id"}
}

// ServicePrincipal finds the service principal of an application id, which is not
// the object id that PIM wants.
func (c *Client) ServicePrincipal(ctx context.Context, appID string) (Principal, error) {
	const op = "Client.ServicePrincipal"
	id, ok := parseGUID(appID)
	if !ok {
		return Principal{}, at(op, invalid("appId", "appId %q is not a GUID", clip(appID)))
	}
	return c.object(ctx, op, "/v1.0/servicePrincipals(appId='"+id+"')", appFields, TypeServicePrincipal)
}

// object reads one directory object; an empty t is read from the answer.
func (c *Client) object(ctx context.Context, op, path, fields, t string) (Principal, error) {
	in := call{op: op, method: http.MethodGet, path: path, want: []int{http.StatusOK}}
	if fields != "" {
		in.query = url.Values{"$select": {fields}}
	}
	var g graphPrincipal
	in.out = &g
	if err := c.graphCall(ctx, in); err != nil {
		return Principal{}, absence(err)
	}
	if t == "" {
		t = lowerFirst(g.kind())
	}
	return g.principal(t), nil
}

// absence lets only the directory's own word for it stand as CodeNotFound: a 404
// from anything in between says nothing about the object.
func absence(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != CodeNotFound || e.PIMCode == "Request_ResourceNotFound" {
		return err
	}
	other := *e
	other.Code, other.Retry, other.Remedy = CodeInternal, RetryLater, ""
	return &other
}

// MemberOf returns those of groups that the principal is in, directly or through
// other groups.
func (c *Client) MemberOf(ctx context.Context, principal string, groups []string) ([]string, error) {
	const op = "Client.MemberOf"
	const most = 20 // of one call, by the reference
	id, err := ParsePrincipal(principal)
	if err != nil {
		return nil, at(op, err)
	}
	var in []string
	for chunk := range slices.Chunk(groups, most) {
		var out page[string]
		err := c.graphCall(ctx, call{
			op: op, method: http.MethodPost, path: "/v1.0/directoryObjects/" + id + "/checkMemberGroups",
			body: map[string][]string{"groupIds": chunk}, want: []int{http.StatusOK}, out: &out, reads: true,
		})
		if err != nil {
			return nil, absence(err)
		}
		in = append(in, out.Value...)
	}
	return in, nil
}

// Names returns the display names of the users, groups and service principals among
// ids. An id that the directory does not know is not in the answer.
func (c *Client) Names(ctx context.Context, ids []string) (map[string]string, error) {
	const op = "Client.Names"
	const most = 1000 // of one call, by the reference
	names := map[string]string{}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	for chunk := range slices.Chunk(ids, most) {
		var out page[graphPrincipal]
		err := c.graphCall(ctx, call{
			op: op, method: http.MethodPost, path: "/v1.0/directoryObjects/getByIds",
			body: map[string][]string{"ids": chunk, "types": {"user", "group", "servicePrincipal"}},
			want: []int{http.StatusOK}, out: &out, reads: true,
		})
		if err != nil {
			return nil, err
		}
		for _, g := range out.Value {
			names[strings.ToLower(g.ID)] = g.Name
		}
	}
	return names, nil
}
