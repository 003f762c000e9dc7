package simtenant

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// graphRoute serves a path. A segment in braces stands for any text, so does what
// is in braces between single quotes.
type graphRoute struct {
	method, path string
	serve        func(t *Tenant, c *graphCall) *answer
}

const (
	get  = http.MethodGet
	post = http.MethodPost
)

// graphRoutes are the paths in service.
var graphRoutes = append(slices.Concat(pimRoutes(), policyRoutes, auditRoutes), []graphRoute{
	{post, "v1.0/$batch", (*Tenant).graphBatch},
	{post, "beta/$batch", (*Tenant).graphBatch},
	{get, "v1.0/directoryObjects/{id}", (*Tenant).graphObject},
	{post, "v1.0/directoryObjects/getByIds", (*Tenant).graphObjects},
	{post, "v1.0/directoryObjects/{id}/checkMemberGroups", (*Tenant).graphCheckObject},
	{get, "v1.0/users", listPrincipals(TypeUser)},
	{get, "v1.0/users/{id}", (*Tenant).graphUser},
	{get, "v1.0/groups", listPrincipals(TypeGroup)},
	{get, "v1.0/groups/{id}", getPrincipal(TypeGroup)},
	{get, "v1.0/groups/{id}/members", listHolders("member")},
	{get, "v1.0/groups/{id}/owners", listHolders("owner")},
	{get, "v1.0/servicePrincipals", listPrincipals(TypeServicePrincipal)},
	{get, "v1.0/servicePrincipals/{id}", getPrincipal(TypeServicePrincipal)},
	{get, "v1.0/servicePrincipals(appId='{appId}')", (*Tenant).graphApplication},
	{post, "v1.0/users/{id}/checkMemberGroups", checkMemberGroups(TypeUser)},
	{post, "v1.0/groups/{id}/checkMemberGroups", checkMemberGroups(TypeGroup)},
	{post, "v1.0/servicePrincipals/{id}/checkMemberGroups", checkMemberGroups(TypeServicePrincipal)},
	{get, "v1.0/users/{id}/transitiveMemberOf", listGroupsOf(TypeUser)},
	{get, "v1.0/groups/{id}/transitiveMemberOf", listGroupsOf(TypeGroup)},
	{get, "v1.0/servicePrincipals/{id}/transitiveMemberOf", listGroupsOf(TypeServicePrincipal)},
	{get, "v1.0/roleManagement/directory/roleDefinitions", (*Tenant).graphRoleDefinitions},
	{get, "v1.0/roleManagement/directory/roleDefinitions/{id}", (*Tenant).graphRoleDefinition},
}...)

// routeGraph finds the route of a call. Without one, known says whether the path
// serves other methods.
func routeGraph(method, path string) (route *graphRoute, args []string, known bool) {
	segments := strings.Split(strings.Trim(splitKeys(path), "/"), "/")
	for _, r := range graphRoutes {
		got, ok := matchRoute(strings.Split(r.path, "/"), segments)
		if !ok {
			continue
		}
		known = true
		if r.method == method {
			return &r, got, true
		}
	}
	return nil, nil, known
}

// parentheses hold an entity's key: the other way to write it after a slash.
var parentheses = regexp.MustCompile(`\('((?:[^']|'')*)'\)`)

func splitKeys(path string) string {
	return parentheses.ReplaceAllStringFunc(path, func(k string) string {
		return "/" + strings.ReplaceAll(parentheses.FindStringSubmatch(k)[1], "''", "'")
	})
}

// matchRoute compares without case, as the service does, and takes out what
// stands at the braces.
func matchRoute(pattern, segments []string) (args []string, ok bool) {
	if len(pattern) != len(segments) {
		return nil, false
	}
	for i, p := range pattern {
		s := strings.TrimPrefix(segments[i], "microsoft.graph.")
		head, rest, variable := strings.Cut(p, "{")
		if !variable {
			if !strings.EqualFold(p, s) {
				return nil, false
			}
			continue
		}
		_, tail, _ := strings.Cut(rest, "}")
		if len(s) <= len(head)+len(tail) || !strings.EqualFold(s[:len(head)], head) || !strings.EqualFold(s[len(s)-len(tail):], tail) {
			return nil, false
		}
		args = append(args, s[len(head):len(s)-len(tail)])
	}
	return args, true
}
