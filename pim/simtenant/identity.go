package simtenant

import (
	"net/http"
	"strconv"
)

const identityPath = "/msi/token"

// claimsIdentity reports whether a call is for the App Service identity endpoint
// (IDENTITY_ENDPOINT).
func claimsIdentity(c *call) bool { return c.path == identityPath }

// serveIdentity issues tokens of managed identities as the endpoint of App
// Service and Functions does, api-version 2019-08-01.
func (t *Tenant) serveIdentity(c *call) *answer {
	if c.method != http.MethodGet {
		return identityError(http.StatusMethodNotAllowed, "Method not allowed.")
	}
	if c.header.Get("X-IDENTITY-HEADER") != t.opt.IdentityHeader {
		return identityError(http.StatusUnauthorized, "The X-IDENTITY-HEADER is missing or wrong.")
	}
	if v := c.query.Get("api-version"); v != "2019-08-01" {
		return identityError(http.StatusBadRequest, "The api-version '"+v+"' is not supported.")
	}
	resource := c.query.Get("resource")
	if resource == "" {
		return identityError(http.StatusBadRequest, "The parameter resource is missing.")
	}
	p := t.managedIdentity(c)
	if p == nil {
		return identityError(http.StatusBadRequest, "No managed identity was found for the specified ID.")
	}
	g := t.newGrant(p, resource, WithLife(24*tokenLife))
	c.caller.oid = p.id
	return reply(http.StatusOK, map[string]any{
		"access_token": t.sign(g), "expires_on": strconv.FormatInt(t.expiry(g).Unix(), 10),
		"resource": resource, "token_type": "Bearer", "client_id": p.appID,
	})
}

// managedIdentity is the identity asked for: by client id, object id, or the only one.
func (t *Tenant) managedIdentity(c *call) *principal {
	client, object := c.query.Get("client_id"), c.query.Get("principal_id")
	if object == "" {
		object = c.query.Get("object_id")
	}
	var found *principal
	for _, p := range t.identities {
		if t.principals[p.id] != p || p.deleted || p.disabled ||
			client != "" && !sameID(client, p.appID) || object != "" && !sameID(object, p.id) {
			continue
		}
		if found != nil {
			return nil // two, and none was named
		}
		found = p
	}
	return found
}

func identityError(status int, message string) *answer {
	return reply(status, map[string]any{"statusCode": status, "message": message})
}
