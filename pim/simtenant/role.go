package simtenant

import (
	"slices"
	"strings"
	"time"
)

// roleDefinition is an Azure role.
type roleDefinition struct {
	id, name, description string
	custom                bool
	actions, notActions   []string
	dataActions           []string
	assignable            []string
	known                 time.Time // to PIM
}

// Role is a custom Azure role to seed.
type Role struct {
	// ID is the role's GUID; empty means one derived from Name.
	ID, Name, Description string
	Actions, NotActions   []string
	// Scopes are where it can be assigned.
	Scopes []string
	// FreshFor is how long PIM does not know the role yet (RoleNotFound).
	FreshFor time.Duration
}

// AddRole seeds a custom role and returns its GUID.
func (t *Tenant) AddRole(r Role) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.ID == "" {
		r.ID = t.namedID("role", r.Name)
	}
	t.roles[strings.ToLower(r.ID)] = &roleDefinition{
		id: strings.ToLower(r.ID), name: r.Name, description: r.Description, custom: true,
		actions: r.Actions, notActions: r.NotActions, assignable: r.Scopes,
		known: t.now().Add(r.FreshFor),
	}
	return strings.ToLower(r.ID)
}

// kind is the type of the role as ARM writes it.
func (r *roleDefinition) kind() string {
	if r.custom {
		return "CustomRole"
	}
	return "BuiltInRole"
}

// allows reports whether the role holds a right, such as
// Microsoft.Authorization/roleAssignments/write.
func (r *roleDefinition) allows(action string) bool {
	covers := func(pattern string) bool { return matchAction(strings.ToLower(pattern), strings.ToLower(action)) }
	return slices.ContainsFunc(r.actions, covers) && !slices.ContainsFunc(r.notActions, covers)
}

// matchAction matches an action against a pattern whose stars stand for any text.
func matchAction(pattern, action string) bool {
	head, tail, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == action
	}
	if !strings.HasPrefix(action, head) {
		return false
	}
	for rest := action[len(head):]; ; rest = rest[1:] {
		if matchAction(tail, rest) {
			return true
		}
		if rest == "" {
			return false
		}
	}
}

// assignableAt reports whether the role can be assigned at a scope.
func (t *Tenant) assignableAt(r *roleDefinition, scope string) bool {
	return slices.ContainsFunc(r.assignable, func(s string) bool { return t.tree.contains(s, scope) })
}

// roleByName finds a role by its exact name, case aside, or nil.
func (t *Tenant) roleByName(name string) *roleDefinition {
	for _, r := range t.roles {
		if sameID(r.name, name) {
			return r
		}
	}
	return nil
}

// mustRole is the GUID of a role that a test names.
func (t *Tenant) mustRole(role string) string {
	if r := t.roles[strings.ToLower(lastSegment(role))]; r != nil {
		return r.id
	}
	if r := t.roleByName(role); r != nil {
		return r.id
	}
	panic("simtenant: there is no role " + role)
}
