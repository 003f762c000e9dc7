package sweep

import (
	"context"
	"slices"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// guard is what no plan and no hash can remove.
type guard struct {
	pim.Guard
	principals []string
	roles      roleList
	ids        map[string]bool // of those roles, as far as they could be resolved
}

func (s *Sweeper) guard(ctx context.Context, r *Rules) guard {
	g := guard{Guard: s.Engine.Guard, principals: r.protect.principals, roles: r.protect.roles, ids: map[string]bool{}}
	for _, scope := range r.watch {
		for _, text := range g.roles {
			if role, err := s.Client.Role(ctx, scope, text); err == nil {
				g.ids[role.ID] = true
			}
		}
	}
	return g
}

// forbids says why p is never removed; empty if nothing speaks against it. Every
// removal passes here when it is proposed and again when it is applied.
func (g guard) forbids(p Proposal) string {
	has := func(ids []string, id string) bool {
		return slices.ContainsFunc(ids, func(i string) bool { return strings.EqualFold(i, id) })
	}
	scope, err := pim.ParseScope(p.Plane, p.Scope)
	switch {
	case err != nil:
		return "the scope cannot be read"
	case g.Stopped:
		return "everything is stopped by setting"
	case p.Member != "" && p.Member != pim.Direct:
		return "it comes from elsewhere: it is ended at its origin"
	case has(g.Identity, p.Principal):
		return "protected: the app's own identity"
	case has(g.AdminGroups, p.Principal) || scope.Level() == pim.LevelGroup && has(g.AdminGroups, scope.String()):
		return "protected: a group that administers the app"
	case has(g.Protected, p.Principal) || has(g.principals, p.Principal):
		return "protected: the principal"
	case scope.Level() == pim.LevelGroup && (has(g.Protected, scope.String()) || has(g.principals, scope.String())):
		return "protected: the group"
	case g.Ours(scope):
		return "protected: the app's own resource group"
	case g.protects(p.Role):
		return "protected: the role"
	}
	return ""
}

// protects takes a role whose name nobody told for one that is protected by name.
func (g guard) protects(r pim.Role) bool {
	if g.ids[r.ID] || g.roles.has(r) {
		return true
	}
	return r.Name == "" && slices.ContainsFunc(g.roles, func(text string) bool {
		_, err := pim.ParsePrincipal(text)
		return err != nil
	})
}

// has reports whether the list names r.
func (l roleList) has(r pim.Role) bool {
	return slices.ContainsFunc(l, func(text string) bool {
		return strings.EqualFold(text, r.ID) || r.Name != "" && strings.EqualFold(text, r.Name)
	})
}

// watches reports whether the list, or no list at all, has r.
func (l roleList) watches(r pim.Role) bool { return len(l) == 0 || l.has(r) }
