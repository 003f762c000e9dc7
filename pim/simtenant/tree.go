package simtenant

import "strings"

// node is a place in the hierarchy of Azure scopes.
type node struct {
	id     string // canonical: one leading slash, letter case as created
	name   string // display name
	kind   string // managementgroup, subscription, resourcegroup, resource
	parent string // lower-case id; empty for the tenant root
}

// tree is the hierarchy of scopes, by lower-case id.
type tree map[string]*node

const managementGroups = "/providers/Microsoft.Management/managementGroups/"

func newTree(tenantID string) tree {
	tr := tree{"/": {id: "/", name: "Tenant root", kind: "tenant"}}
	root := managementGroups + tenantID
	tr[strings.ToLower(root)] = &node{id: root, name: "Tenant Root Group", kind: "managementgroup", parent: "/"}
	return tr
}

// contains reports whether outer is inner or a scope above it.
func (tr tree) contains(outer, inner string) bool {
	outer = strings.ToLower(outer)
	for at := strings.ToLower(inner); at != ""; {
		if at == outer {
			return true
		}
		n := tr[at]
		if n == nil {
			return false
		}
		at = n.parent
	}
	return false
}

// AddManagementGroup seeds a management group below another, "" for the root's,
// and returns its scope.
func (t *Tenant) AddManagementGroup(name, parent string) string {
	if parent == "" {
		parent = t.opt.TenantID
	}
	return t.addNode(&node{id: managementGroups + name, name: name, kind: "managementgroup", parent: managementGroups + parent})
}

// AddSubscription seeds a subscription in a management group, "" for the root's,
// and returns its scope. An empty id is derived from the name.
func (t *Tenant) AddSubscription(id, name, group string) string {
	if id == "" {
		t.mu.Lock()
		id = t.namedID("subscription", name)
		t.mu.Unlock()
	}
	if group == "" {
		group = t.opt.TenantID
	}
	return t.addNode(&node{id: "/subscriptions/" + id, name: name, kind: "subscription", parent: managementGroups + lastSegment(group)})
}

// AddResourceGroup seeds a resource group in a subscription, given by its scope,
// and returns its scope.
func (t *Tenant) AddResourceGroup(subscription, name string) string {
	return t.addNode(&node{id: subscription + "/resourceGroups/" + name, name: name, kind: "resourcegroup", parent: subscription})
}

// AddResource seeds a resource in a resource group, given by its scope, with a
// type such as Microsoft.KeyVault/vaults, and returns its scope.
func (t *Tenant) AddResource(group, kind, name string) string {
	return t.addNode(&node{id: group + "/providers/" + kind + "/" + name, name: name, kind: "resource", parent: group})
}

func (t *Tenant) addNode(n *node) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.parent = strings.ToLower(n.parent)
	if t.tree[n.parent] == nil {
		panic("simtenant: there is no scope " + n.parent)
	}
	t.tree[strings.ToLower(n.id)] = n
	return n.id
}

// mustScope is the canonical form of a scope that a test names.
func (t *Tenant) mustScope(scope string) string {
	n := t.tree[strings.ToLower(scope)]
	if n == nil {
		panic("simtenant: there is no scope " + scope)
	}
	return n.id
}
