package simtenant

import (
	"strings"
)

// directory is what Graph knows of the tenant beside its principals.
type directory struct {
	roles []*directoryRole
	units []*administrativeUnit
	// managed are the groups that were brought under PIM, by id; that is for ever.
	managed map[string]bool
	// changed tells that groups may have members or owners that PIM has not seen.
	changed bool
}

func newDirectory() directory {
	return directory{roles: builtInDirectoryRoles(), managed: map[string]bool{}}
}

// administrativeUnit is a part of the directory that roles can be limited to.
type administrativeUnit struct{ id, name string }

const unitScope = "/administrativeUnits/"

// AddAdministrativeUnit seeds an administrative unit and returns its scope,
// /administrativeUnits/{id}.
func (t *Tenant) AddAdministrativeUnit(name string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := &administrativeUnit{t.namedID("unit", name), name}
	t.directory.units = append(t.directory.units, u)
	return unitScope + u.id
}

// directoryScope finds what a directoryScopeId means for a role: the canonical
// scope. A role can be limited to an administrative unit or to an application
// only if it is made for that.
func (t *Tenant) directoryScope(scope string, r *directoryRole) (string, *refusal) {
	if scope == "/" {
		return scope, nil
	}
	if id, ok := cutFold(scope, unitScope); ok {
		for _, u := range t.directory.units {
			if sameID(u.id, id) && r.inUnits {
				return unitScope + u.id, nil
			}
		}
	} else if p := t.principal(strings.TrimPrefix(scope, "/")); p != nil && p.kind == TypeServicePrincipal && r.onApps {
		return "/" + p.id, nil
	}
	return "", badGraphRequest("The role '" + r.name + "' is not supported at the directory scope '" + scope + "'.")
}

// expandScope is the object that a scope stands for; the whole directory has none.
func (t *Tenant) expandScope(scope string) any {
	for _, u := range t.directory.units {
		if sameID(scope, unitScope+u.id) {
			return map[string]any{"@odata.type": "#microsoft.graph.administrativeUnit", "id": u.id, "displayName": u.name}
		}
	}
	return t.expandPrincipal(strings.TrimPrefix(scope, "/"))
}

func (t *Tenant) expandPrincipal(id string) any {
	p := t.principal(id)
	if p == nil {
		return nil
	}
	m := p.properties()
	m["@odata.type"] = odataType(p.kind)
	return m
}

// cutFold is strings.CutPrefix without regard to case.
func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
