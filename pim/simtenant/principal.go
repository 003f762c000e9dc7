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
	stalled             bool      // requests for it stay Granted
	mfa                 bool
	contexts            []string

	members, owners                     []string
	dynamic, onPremises, roleAssignable bool

	appID, secret    string
	managed          bool
	federated        []string // object ids of identities that may act as it
	appRoles, scopes []string
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
	return t.named(appID, TypeServicePrincipal)
}

// named finds a principal of a kind by the other name that such have, or nil.
func (t *Tenant) named(name string, kind PrincipalType) *principal {
	for _, p := range t.aliases[strings.ToLower(name)] {
		if p.kind == kind && !p.deleted && t.principals[p.id] == p {
			return p
		}
	}
	return nil
}
