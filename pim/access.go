package pim

// Access is who holds what, where: the identity of an eligibility or assignment.
// PIM's own ids of schedules change with every manipulation, so nothing is ever
// remembered by them.
type Access struct {
	Scope     Scope  `json:"scope"`
	Role      Role   `json:"role"`
	Principal string `json:"principalId"` // object id
}

// Plane is the service the access belongs to.
func (a Access) Plane() Plane { return a.Scope.Plane() }

// Same reports whether both name the same principal, role and scope.
func (a Access) Same(b Access) bool {
	return a.Principal == b.Principal && a.Role.ID == b.Role.ID && a.Plane() == b.Plane() && a.Scope.Key() == b.Scope.Key()
}
