package pim

import (
	"strings"
	"unicode"
)

// Level says what kind of thing a Scope names.
type Level string

const (
	LevelTenant             Level = "tenant"
	LevelManagementGroup    Level = "managementGroup"
	LevelSubscription       Level = "subscription"
	LevelResourceGroup      Level = "resourceGroup"
	LevelResource           Level = "resource"
	LevelDirectory          Level = "directory"
	LevelAdministrativeUnit Level = "administrativeUnit"
	LevelObject             Level = "object" // a single app registration or service principal
	LevelGroup              Level = "group"
)

// Scope is where a role is held. Its zero value is no scope at all. Two Scopes
// name the same place exactly when their Keys are equal.
type Scope struct {
	plane Plane
	level Level
	path  string
}

// ParseScope reads a scope of plane p. It fails for anything that could mean
// another place once it stands in a URL: "..", "?", "%", an empty segment, a
// GUID of the wrong shape.
func ParseScope(p Plane, s string) (Scope, error) {
	if s == "" {
		return Scope{}, invalid("scope", "scope is missing")
	}
	var level Level
	var path string
	var err error
	switch p {
	case Azure:
		level, path, err = parseAzureScope(s)
	case Directory:
		level, path, err = parseDirectoryScope(s)
	case Group:
		id, ok := parseGUID(s)
		if !ok {
			err = invalid("scope", "scope %q is not the object id of a group", clip(s))
		}
		level, path = LevelGroup, id
	default:
		err = invalid("plane", "plane %q is not azure, directory or group", string(p))
	}
	if err != nil {
		return Scope{}, err
	}
	return Scope{plane: p, level: level, path: path}, nil
}

func parseAzureScope(s string) (Level, string, error) {
	if s == "/" {
		return LevelTenant, "/", nil
	}
	seg, err := segments(s)
	if err != nil {
		return "", "", err
	}
	switch {
	case fold(seg, 0, "providers") && fold(seg, 1, "Microsoft.Management") && fold(seg, 2, "managementGroups") && len(seg) == 4:
		return LevelManagementGroup, "/providers/Microsoft.Management/managementGroups/" + seg[3], nil
	case !fold(seg, 0, "subscriptions") || len(seg) < 2:
		return "", "", invalid("scope", "scope %q is not a management group, subscription, resource group or resource", clip(s))
	}
	sub, ok := parseGUID(seg[1])
	if !ok {
		return "", "", invalid("scope", "scope %q names the subscription %q, which is not a GUID", clip(s), clip(seg[1]))
	}
	path := "/subscriptions/" + sub
	rest := seg[2:]
	if len(rest) == 0 {
		return LevelSubscription, path, nil
	}
	if fold(rest, 0, "resourceGroups") && len(rest) >= 2 {
		path += "/resourceGroups/" + rest[1]
		if rest = rest[2:]; len(rest) == 0 {
			return LevelResourceGroup, path, nil
		}
	}
	// A resource: providers/namespace/type/name, then any number of type/name.
	if fold(rest, 0, "providers") && len(rest) >= 4 && len(rest)%2 == 0 && strings.Contains(rest[1], ".") {
		return LevelResource, path + "/providers/" + strings.Join(rest[1:], "/"), nil
	}
	return "", "", invalid("scope", "scope %q does not end at a resource group or a resource", clip(s))
}

func parseDirectoryScope(s string) (Level, string, error) {
	if s == "/" {
		return LevelDirectory, "/", nil
	}
	seg, err := segments(s)
	if err != nil {
		return "", "", err
	}
	if fold(seg, 0, "administrativeUnits") && len(seg) == 2 {
		if id, ok := parseGUID(seg[1]); ok {
			return LevelAdministrativeUnit, "/administrativeUnits/" + id, nil
		}
	}
	if len(seg) == 1 {
		if id, ok := parseGUID(seg[0]); ok {
			return LevelObject, "/" + id, nil
		}
	}
	return "", "", invalid("scope", "scope %q is not /, /administrativeUnits/{id} or /{object id}", clip(s))
}

// segments cuts a path after its leading slash and refuses whatever a URL parser,
// a proxy or a path join might read differently from us.
func segments(s string) ([]string, error) {
	if s[0] != '/' {
		return nil, invalid("scope", "scope %q does not begin with a slash", clip(s))
	}
	seg := strings.Split(s[1:], "/")
	for _, p := range seg {
		if p == "" {
			return nil, invalid("scope", "scope %q has an empty segment", clip(s))
		}
		if p == "." || p == ".." || len(p) > 260 || strings.HasSuffix(p, ".") || strings.ContainsFunc(p, outsideName) {
			return nil, invalid("scope", "scope %q has the bad segment %q", clip(s), clip(p))
		}
	}
	return seg, nil
}

// outsideName reports whether r cannot stand in the name of a subscription,
// resource group or resource: letters, digits and - _ . ( ) can.
func outsideName(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.()", r)
}

func fold(seg []string, i int, want string) bool {
	return i < len(seg) && lower(seg[i]) == lower(want)
}

// lower folds ASCII alone, as Azure compares names. Folding more would take a name
// with the Kelvin sign for one with a k, and one scope for another.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// widest is one letter for all that any service could take for the same: what becomes
// the same in capitals or in small letters. That is all that folds together in Unicode,
// and more, such as the two Turkish letters i.
func widest(r rune) rune { return unicode.ToUpper(unicode.ToLower(r)) }

// String is the scope as Azure writes it, in the caller's letter case where names
// are free.
func (s Scope) String() string { return s.path }

// Key is the scope in the one spelling that compares equal for equal scopes.
func (s Scope) Key() string { return lower(s.path) }

// Plane is the service the scope belongs to.
func (s Scope) Plane() Plane { return s.plane }

// Level is the kind of thing the scope names; empty for the zero Scope.
func (s Scope) Level() Level { return s.level }

// Contains reports whether other is s or lies below it, segment by segment:
// /subscriptions/1 does not contain /subscriptions/12. A management group
// contains itself alone, since its path does not show what lies below it.
func (s Scope) Contains(other Scope) bool {
	if s.path == "" || other.path == "" || s.plane != other.plane {
		return false
	}
	return pathContains(s.Key(), other.Key())
}

// mayContain is Contains for what must not be missed. We do not know how Azure
// compares names with letters beyond ASCII, so a scope that is denied or guarded is
// itself in any letter case, where one that is allowed is itself in its own.
func (s Scope) mayContain(other Scope) bool {
	if s.path == "" || other.path == "" || s.plane != other.plane {
		return false
	}
	return pathContains(strings.Map(widest, s.path), strings.Map(widest, other.path))
}

func pathContains(a, b string) bool {
	return a == b || a == "/" || strings.HasPrefix(b, a+"/")
}

// Subscription is the GUID of the subscription the scope lies in, or empty.
func (s Scope) Subscription() string {
	rest, ok := strings.CutPrefix(s.path, "/subscriptions/")
	if !ok || s.plane != Azure {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// object is the object id of a scope that is a group or a single object.
func (s Scope) object() string { return strings.Trim(s.path, "/") }

// MarshalText writes the scope as [Scope.String] does.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.path), nil }
