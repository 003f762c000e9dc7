package sweep

import (
	"crypto/sha256"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

func lower(s string) string { return strings.ToLower(s) }

// key is a scope in the one spelling that compares equal, across planes.
func key(s pim.Scope) string { return string(s.Plane()) + ":" + s.Key() }

// id is a name of fixed size for something that is remembered in great numbers.
type id [16]byte

func idOf(parts ...string) id {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return id(sum[:16])
}

// accessID names an eligibility or assignment.
func accessID(k pim.Kind, a pim.Access) id {
	return idOf(string(k), key(a.Scope), a.Role.ID, a.Principal)
}

// roleUse names that a principal has a role on a plane, wherever.
func roleUse(p pim.Plane, role, principal string) id { return idOf(string(p), role, principal) }
