package simtenant

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// listHolders serves the members or the owners of a group, those whom PIM has put
// there for a time among them.
func listHolders(role string) func(*Tenant, *graphCall) *answer {
	return func(t *Tenant, c *graphCall) *answer {
		if !c.caller.mayRead(TypeGroup) {
			return graphError(errDenied)
		}
		g, err := t.objectByID(c.args[0])
		if err == nil && g.kind != TypeGroup {
			err = noObject(c.args[0])
		}
		if err != nil {
			return graphError(err)
		}
		items := []any{}
		for _, id := range t.holders(g, role) {
			if p := t.principal(id); p != nil {
				items = append(items, p.anyOf(c.caller, c.query.Get("$select")))
			}
		}
		return t.graphPage(c, "directoryObjects", items)
	}
}

// holders are the ids of a group's members or owners.
func (t *Tenant) holders(g *principal, role string) []string {
	in := map[string]bool{}
	lasting := g.members
	if role == "owner" {
		lasting = g.owners
	}
	for _, id := range lasting {
		in[strings.ToLower(id)] = true
	}
	now := t.now()
	for _, s := range t.schedules.byHome[home{PlaneGroup, g.id}] {
		if s.kind == Assignment && s.role == role && s.inForce(now) {
			in[strings.ToLower(s.principal)] = true
		}
	}
	return slices.Sorted(maps.Keys(in))
}

// listGroupsOf serves the groups that an object is in, through others too.
func listGroupsOf(kind PrincipalType) func(*Tenant, *graphCall) *answer {
	return func(t *Tenant, c *graphCall) *answer {
		p, err := t.memberObject(c, kind)
		if err != nil {
			return graphError(err)
		}
		items := []any{}
		for _, id := range slices.Sorted(maps.Keys(t.groupsOf(p.id))) {
			items = append(items, t.principals[id].anyOf(c.caller, c.query.Get("$select")))
		}
		return t.graphPage(c, "directoryObjects", items)
	}
}

// memberObject finds the object whose groups the caller asks about, and may.
func (t *Tenant) memberObject(c *graphCall, kind PrincipalType) (*principal, *refusal) {
	p, err := t.objectByID(c.args[0])
	if kind == TypeUser {
		if p, err = t.user(c.args[0]), nil; p == nil {
			err = noObject(c.args[0])
		}
	}
	if err == nil && p.kind != kind {
		p, err = nil, noObject(c.args[0])
	}
	self := p != nil && c.caller.isSelf(p)
	if !self && (!c.caller.mayRead(kind) || !c.caller.mayRead(TypeGroup)) {
		return nil, errDenied
	}
	return p, err
}

// maxGroups is how many groups one check takes.
const maxGroups = 20

// checkMemberGroups answers those of the groups asked about that an object of a
// type is in, directly or through others.
func checkMemberGroups(kind PrincipalType) func(*Tenant, *graphCall) *answer {
	return func(t *Tenant, c *graphCall) *answer {
		p, err := t.memberObject(c, kind)
		if err != nil {
			return graphError(err)
		}
		return t.checkGroups(c, p)
	}
}

// graphCheckObject is the same for an object whose type the caller does not know.
func (t *Tenant) graphCheckObject(c *graphCall) *answer {
	if !c.caller.allowed(readDirectory...) {
		return graphError(errDenied)
	}
	p, err := t.objectByID(c.args[0])
	if err != nil {
		return graphError(err)
	}
	return t.checkGroups(c, p)
}

func (t *Tenant) checkGroups(c *graphCall, p *principal) *answer {
	var body struct {
		GroupIDs []string `json:"groupIds"`
	}
	if c.decode(&body) != nil || len(body.GroupIDs) == 0 {
		return graphError(badGraphRequest("The request body has no groupIds."))
	}
	if len(body.GroupIDs) > maxGroups {
		return graphError(badGraphRequest("Too many elements specified for property 'groupIds'. Maximum allowed is 20."))
	}
	in, of := []string{}, t.groupsOf(p.id)
	for _, id := range body.GroupIDs {
		if !isGUID(id) {
			return graphError(badGraphRequest("Invalid GUID:" + id))
		}
		if id = strings.ToLower(id); of[id] && !slices.Contains(in, id) {
			in = append(in, id)
		}
	}
	return reply(http.StatusOK, map[string]any{"@odata.context": c.metadata("Collection(Edm.String)"), "value": in})
}
