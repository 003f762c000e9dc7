package simtenant

import (
	"net/http"
	"strings"
)

// armPath is the path of a call: scope, type, and what follows the type.
type armPath struct {
	scope string
	kind  string   // as written by the caller
	names []string // name, sub type, sub name
}

const authorization = "/providers/microsoft.authorization/"

// routeARM cuts a path. A scope is any number of segments, so the cut is at the
// last provider.
func routeARM(path string) (armPath, armRoute, bool) {
	lower := strings.ToLower(path)
	if i := strings.LastIndex(lower, authorization); i >= 0 {
		segments := strings.Split(path[i+len(authorization):], "/")
		p := armPath{scope: path[:i], kind: segments[0], names: segments[1:]}
		route, ok := armRoutes[strings.ToLower(p.kind)]
		return p, route, ok
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	is := func(i int, name string) bool { return i < len(segments) && sameID(segments[i], name) }
	switch {
	case len(segments) <= 2 && is(0, "subscriptions"):
		return armPath{kind: "subscriptions", names: segments[1:]}, armRoutes["/subscriptions"], true
	case len(segments) == 3 && is(0, "subscriptions") && is(2, "resourceGroups"):
		return armPath{scope: "/subscriptions/" + segments[1], kind: "resourceGroups"}, armRoutes["/resourcegroups"], true
	case len(segments) == 5 && is(0, "providers") && is(2, "managementGroups") && (is(4, "descendants") || is(4, "subscriptions")):
		return armPath{scope: managementGroups + segments[3], kind: segments[4]}, armRoutes["/descendants"], true
	}
	return armPath{}, armRoute{}, false
}

// name is the n-th segment after the type, or empty.
func (p armPath) name(n int) string {
	if n < len(p.names) {
		return p.names[n]
	}
	return ""
}

const subscriptionProvider = "/providers/microsoft.subscription"

// resolveScope finds the scope of a path. Microsoft's examples write a
// subscription below its provider; ids come back without it.
func (t *Tenant) resolveScope(path string) (*node, *refusal) {
	lower := strings.TrimPrefix(strings.ToLower(path), subscriptionProvider)
	if lower == "" {
		return t.tree["/"], nil
	}
	if n := t.tree[lower]; n != nil {
		return n, nil
	}
	segments := strings.Split(lower, "/")
	missing := func(code, what string) (*node, *refusal) {
		return nil, &refusal{http.StatusNotFound, code, what + " could not be found."}
	}
	if len(segments) > 2 && segments[1] == "subscriptions" {
		subscription := strings.Join(segments[:3], "/")
		switch {
		case !isGUID(segments[2]):
			return nil, refuse("InvalidSubscriptionId", "The provided subscription identifier '"+segments[2]+"' is malformed or invalid.")
		case t.tree[subscription] == nil:
			return missing("SubscriptionNotFound", "The subscription '"+segments[2]+"'")
		case len(segments) > 4 && segments[3] == "resourcegroups" && t.tree[strings.Join(segments[:5], "/")] == nil:
			return missing("ResourceGroupNotFound", "Resource group '"+segments[4]+"'")
		}
	}
	return missing("ResourceNotFound", "The resource '"+path+"'")
}

// armID is the id of something of Microsoft.Authorization at a scope.
func armID(scope, kind, name string) string {
	if scope == "/" {
		scope = ""
	}
	return scope + "/providers/Microsoft.Authorization/" + kind + "/" + name
}

// subscriptionOf is the subscription's part of a scope, or empty above it.
func subscriptionOf(scope string) string {
	segments := strings.Split(scope, "/")
	if len(segments) < 3 || !sameID(segments[1], "subscriptions") {
		return ""
	}
	return strings.Join(segments[:3], "/")
}

// roleID is the id of a role as answers at a scope write it.
func roleID(scope, role string) string { return armID(subscriptionOf(scope), "roleDefinitions", role) }
