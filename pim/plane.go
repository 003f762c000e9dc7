package pim

// Plane is one of the three PIM services.
type Plane string

const (
	// Azure is Azure Resource Manager: role definitions at management groups,
	// subscriptions, resource groups and resources.
	Azure Plane = "azure"
	// Directory is Microsoft Graph /roleManagement/directory: Entra roles, at
	// the whole directory or an administrative unit.
	Directory Plane = "directory"
	// Group is Microsoft Graph /identityGovernance/privilegedAccess/group:
	// membership or ownership of a group.
	Group Plane = "group"
)

// Planes lists every plane.
func Planes() []Plane { return []Plane{Azure, Directory, Group} }

// ParsePlane reads a plane's name. Empty means Azure, the plane of the first
// callers, who had no such field.
func ParsePlane(s string) (Plane, error) {
	switch p := Plane(s); p {
	case Azure, Directory, Group:
		return p, nil
	case "":
		return Azure, nil
	}
	return "", invalid("plane", "plane %q is not azure, directory or group", s)
}
