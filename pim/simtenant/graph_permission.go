package simtenant

import (
	"slices"
	"strings"
)

// The permissions that let an object of a type be read. Directory.Read.All is in
// each of them.
var (
	readDirectory = []string{"Directory.Read.All", "Directory.ReadWrite.All"}
	readUsers     = slices.Concat([]string{"User.Read.All", "User.ReadWrite.All"}, readDirectory)
	readMembers   = slices.Concat([]string{"GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"}, readDirectory)
	readApps      = slices.Concat([]string{"Application.Read.All", "Application.ReadWrite.All"}, readDirectory)
)

// mayRead reports whether the token lets the caller read objects of a type.
func (c caller) mayRead(kind PrincipalType) bool {
	switch kind {
	case TypeGroup:
		return c.allowed(readMembers...)
	case TypeServicePrincipal:
		return c.allowed(readApps...)
	}
	return c.allowed(readUsers...)
}

// isSelf reports whether p is the user who calls and who may read himself.
func (c caller) isSelf(p *principal) bool {
	return !c.appOnly && sameID(c.oid, p.id) && c.allowed("User.Read")
}

// graphTypes are the types of directory objects as Graph writes them.
var graphTypes = map[PrincipalType]string{
	TypeUser: "user", TypeGroup: "group", TypeServicePrincipal: "servicePrincipal",
}

// graphCollection is the path and the context of a type's entities.
func graphCollection(kind PrincipalType) string { return graphTypes[kind] + "s" }

// odataType is the type of an object where objects of several types can stand.
func odataType(kind PrincipalType) string { return "#microsoft.graph." + graphTypes[kind] }

// ofType reads a type's name in any letter case.
func ofType(name string) (PrincipalType, bool) {
	for kind, n := range graphTypes {
		if strings.EqualFold(n, name) {
			return kind, true
		}
	}
	return "", false
}
