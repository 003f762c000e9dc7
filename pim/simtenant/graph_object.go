package simtenant

import (
	"net/http"
	"strings"
	"time"
)

// wholeSeconds writes a date as the directory does, which keeps no fractions.
func wholeSeconds(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// entity answers one object.
func (c *graphCall) entity(context string, properties map[string]any) *answer {
	properties["@odata.context"] = c.metadata(context + "/$entity")
	return reply(http.StatusOK, properties)
}

// graphObject reads an object whose type the caller does not know: the one
// permission for all types is asked for.
func (t *Tenant) graphObject(c *graphCall) *answer {
	if !c.caller.allowed(readDirectory...) {
		return graphError(errDenied)
	}
	p, err := t.objectByID(c.args[0])
	if err != nil {
		return graphError(err)
	}
	return c.entity("directoryObjects", p.anyOf(c.caller, c.query.Get("$select")))
}

func (t *Tenant) objectByID(id string) (*principal, *refusal) {
	if !isGUID(id) {
		return nil, badGraphRequest("Invalid object identifier '" + id + "'.")
	}
	p := t.principal(id)
	if p == nil {
		return nil, noObject(id)
	}
	return p, nil
}

// maxIDs is how many ids getByIds takes.
const maxIDs = 1000

// graphObjects answers those of the ids that exist, in one page.
func (t *Tenant) graphObjects(c *graphCall) *answer {
	if !c.caller.allowed(readDirectory...) {
		return graphError(errDenied)
	}
	var body struct {
		IDs   []string `json:"ids"`
		Types []string `json:"types"`
	}
	if c.decode(&body) != nil || len(body.IDs) == 0 {
		return graphError(badGraphRequest("The request body has no ids."))
	}
	if len(body.IDs) > maxIDs {
		return graphError(badGraphRequest("The maximum number of ids is 1000."))
	}
	kinds := map[PrincipalType]bool{}
	for _, name := range body.Types {
		kind, known := ofType(name)
		if !known && !strings.EqualFold(name, "directoryObject") {
			return graphError(badGraphRequest("Invalid value specified for property 'types'."))
		}
		if known {
			kinds[kind] = true
		} else {
			clear(kinds)
			break
		}
	}
	found := []any{}
	for _, id := range body.IDs {
		if !isGUID(id) {
			return graphError(badGraphRequest("Invalid GUID:" + id))
		}
		if p := t.principal(id); p != nil && (len(kinds) == 0 || kinds[p.kind]) {
			found = append(found, p.anyOf(c.caller, ""))
		}
	}
	return reply(http.StatusOK, map[string]any{"@odata.context": c.metadata("directoryObjects"), "value": found})
}
