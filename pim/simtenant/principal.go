package simtenant

import (
	"strings"
	"time"
)

// PrincipalType is the kind of a principal, as ARM writes it.
type PrincipalType string

// The principal types that can hold a role.
const (
	TypeUser             PrincipalType = "User"
	TypeGroup            PrincipalType = "Group"
	TypeServicePrincipal PrincipalType = "ServicePrincipal"
)

// User is a person to seed.
type User struct {
	// ID is the object id; empty means one derived from Name.
	ID string
	// Name is the display name. UPN and Mail are derived from it if empty.
	Name, UPN, Mail string
	Disabled, Guest bool
	// FreshFor is how long PIM does not know the user yet (SubjectNotFound).
	FreshFor time.Duration
	// MFA, Contexts: what the user's sign-in can prove when a claims challenge asks.
	MFA      bool
	Contexts []string
}

// Group is a group to seed. Members may be groups.
type Group struct {
	ID, Name        string
	Members, Owners []string
	// RoleAssignable groups can hold directory roles.
	RoleAssignable bool
	// Dynamic and OnPremises groups cannot be brought under PIM.
	Dynamic, OnPremises bool
	FreshFor            time.Duration
}

// ServicePrincipal is an application or a managed identity to seed.
type ServicePrincipal struct {
	ID, Name string
	// AppID is the client id; empty means one derived from Name.
	AppID string
	// Secret is the client secret; empty means that it has none.
	Secret string
	// ManagedIdentity makes it available at the identity endpoint.
	ManagedIdentity bool
	// AppRoles are the Microsoft Graph application permissions granted to it.
	AppRoles []string
	// Scopes are the Microsoft Graph delegated permissions consented to it.
	Scopes []string
	// Federated are the object ids of managed identities whose tokens serve it as
	// client assertions.
	Federated []string
	FreshFor  time.Duration
}

type principal struct {
	id, name, upn, mail string
	kind                PrincipalType
	disabled, guest     bool
	deleted             bool
	created, known      time.Time // in the directory, and to PIM
	mfa                 bool
	contexts            []string

	members, owners                     []string
	dynamic, onPremises, roleAssignable bool

	appID, secret    string
	managed          bool
	federated        []string // object ids of identities that may act as it
	appRoles, scopes []string
}

// AddUser seeds a user and returns the object id.
func (t *Tenant) AddUser(u User) string {
	local := strings.ToLower(strings.ReplaceAll(u.Name, " ", "."))
	if u.UPN == "" {
		u.UPN = local + "@contoso.example"
		if u.Guest {
			u.UPN = local + "_fabrikam.example#EXT#@contoso.example"
		}
	}
	if u.Mail == "" {
		u.Mail = local + "@contoso.example"
	}
	return t.add(u.ID, u.FreshFor, &principal{kind: TypeUser, name: u.Name, upn: u.UPN, mail: u.Mail,
		disabled: u.Disabled, guest: u.Guest, mfa: u.MFA, contexts: u.Contexts})
}

// AddGroup seeds a group and returns the object id.
func (t *Tenant) AddGroup(g Group) string {
	return t.add(g.ID, g.FreshFor, &principal{kind: TypeGroup, name: g.Name, members: g.Members, owners: g.Owners,
		dynamic: g.Dynamic, onPremises: g.OnPremises, roleAssignable: g.RoleAssignable})
}

// AddServicePrincipal seeds an application and returns the object id of its
// service principal, which is not its client id.
func (t *Tenant) AddServicePrincipal(s ServicePrincipal) string {
	return t.add(s.ID, s.FreshFor, &principal{kind: TypeServicePrincipal, name: s.Name, appID: s.AppID,
		secret: s.Secret, managed: s.ManagedIdentity, appRoles: s.AppRoles,
		scopes: s.Scopes, federated: s.Federated})
}

func (t *Tenant) add(id string, fresh time.Duration, p *principal) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id == "" {
		id = t.namedID(string(p.kind), p.name)
	}
	if p.kind == TypeServicePrincipal && p.appID == "" {
		p.appID = t.namedID("app", p.name)
	}
	p.id = strings.ToLower(id)
	p.created = t.now()
	p.known = p.created.Add(fresh)
	t.principals[p.id] = p
	return p.id
}

// Delete removes a principal from the directory; what it held stays behind as
// unknown identities do.
func (t *Tenant) Delete(id string) { t.change(id, func(p *principal) { p.deleted = true }) }

// Disable bars a user or an application from signing in.
func (t *Tenant) Disable(id string) { t.change(id, func(p *principal) { p.disabled = true }) }

// AddMember puts a principal into a group outside PIM.
func (t *Tenant) AddMember(group, member string) {
	t.change(group, func(p *principal) { p.members = append(p.members, strings.ToLower(member)) })
}

// GrantAppRole gives an application Microsoft Graph application permissions;
// they are in the tokens issued from now on.
func (t *Tenant) GrantAppRole(id string, roles ...string) {
	t.change(id, func(p *principal) { p.appRoles = append(p.appRoles, roles...) })
}

func (t *Tenant) change(id string, f func(*principal)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.principals[strings.ToLower(id)]
	if p == nil {
		panic("simtenant: there is no principal " + id)
	}
	f(p)
}

// principal finds a principal that exists in the directory, or nil.
func (t *Tenant) principal(id string) *principal {
	p := t.principals[strings.ToLower(id)]
	if p == nil || p.deleted {
		return nil
	}
	return p
}

// application finds a service principal by client id, or nil.
func (t *Tenant) application(appID string) *principal {
	for _, p := range t.principals {
		if !p.deleted && p.appID != "" && strings.EqualFold(p.appID, appID) {
			return p
		}
	}
	return nil
}

// groupsOf is the set of groups that a principal is in: directly, through other
// groups, and by memberships that PIM has in force.
func (t *Tenant) groupsOf(id string) map[string]bool {
	in := map[string]bool{}
	queue := []string{strings.ToLower(id)}
	for len(queue) > 0 {
		member := queue[0]
		queue = queue[1:]
		for _, g := range t.principals {
			if g.kind == TypeGroup && !g.deleted && !in[g.id] && t.isMember(g, member) {
				in[g.id] = true
				queue = append(queue, g.id)
			}
		}
	}
	return in
}

func (t *Tenant) isMember(g *principal, id string) bool {
	for _, m := range g.members {
		if strings.EqualFold(m, id) {
			return true
		}
	}
	return t.holds(place{PlaneGroup, Assignment, g.id, "member", id})
}
