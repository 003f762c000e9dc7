package simtenant

import (
	"strings"
	"time"
)

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
	for _, name := range []string{p.upn, p.appID} {
		if name = strings.ToLower(name); name != "" {
			t.aliases[name] = append(t.aliases[name], p)
		}
	}
	if p.managed {
		t.identities = append(t.identities, p)
	}
	t.memberOf, t.directory.changed = nil, true
	return p.id
}

// Delete removes a principal from the directory; what it held stays behind as
// unknown identities do.
func (t *Tenant) Delete(id string) { t.change(id, func(p *principal) { p.deleted = true }) }

// Disable bars a user or an application from signing in.
func (t *Tenant) Disable(id string) { t.change(id, func(p *principal) { p.disabled = true }) }

// Stall makes the requests for a principal pass the rules and then hang in
// Granted, as has been seen of principals that were not replicated everywhere.
func (t *Tenant) Stall(id string) { t.change(id, func(p *principal) { p.stalled = true }) }

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
	t.memberOf, t.directory.changed = nil, true
}
