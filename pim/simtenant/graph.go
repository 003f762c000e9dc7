package simtenant

import (
	"net/http"
	"strings"
)

// claimsGraph reports whether a call is for Microsoft Graph.
func claimsGraph(c *call) bool {
	p := strings.ToLower(c.path)
	return strings.HasPrefix(p, "/v1.0/") || strings.HasPrefix(p, "/beta/")
}

// graphCall is a call to Microsoft Graph whose path was understood.
type graphCall struct {
	*call
	args     []string    // what stands at the places in braces of the route
	expanded []expansion // what $expand asks for, once it has been read
}

// serveGraph serves Microsoft Graph.
func (t *Tenant) serveGraph(c *call) *answer {
	id := t.newID()
	client := c.header.Get("client-request-id")
	if client == "" {
		client = id
	}
	a := t.answerGraph(c)
	a.header.Set("request-id", id)
	a.header.Set("client-request-id", client)
	if a.status >= http.StatusBadRequest {
		a.nameError(id, client, t.now())
	}
	return a
}

// answerGraph is what Graph's front does before a workload sees a call.
func (t *Tenant) answerGraph(c *call) *answer {
	var refused *refusal
	if c.caller, refused = t.authenticate(c.header, isGraph); refused != nil {
		refused.code = "InvalidAuthenticationToken" // of a missing token too
		a := graphError(refused)
		a.header.Set("WWW-Authenticate", `Bearer realm="", authorization_uri="`+t.login()+`/common/oauth2/authorize", client_id="`+graphAppID+`"`)
		return a
	}
	route, args, known := routeGraph(c.method, c.path)
	if route == nil && known {
		return graphError(&refusal{http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."})
	}
	if route == nil {
		return graphError(refuse("BadRequest", "Resource not found for the segment '"+lastSegment(c.path)+"'."))
	}
	if sameID(lastSegment(c.path), "$batch") {
		return t.graphBatch(&graphCall{call: c}) // its parts are counted, each by itself
	}
	return t.throttleGraph(c, func() *answer { return route.serve(t, &graphCall{call: c, args: args}) })
}
