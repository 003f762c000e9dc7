package pim

import "github.com/google/uuid"

// parseGUID returns s in lower case if it is a GUID as Azure writes one: 36
// characters, no braces, no urn prefix, both of which [uuid.Parse] would take.
func parseGUID(s string) (string, bool) {
	if len(s) != 36 {
		return "", false
	}
	u, err := uuid.Parse(s)
	if err != nil {
		return "", false
	}
	return u.String(), true
}

// ParsePrincipal reads the Entra object id of a user, group or service principal.
func ParsePrincipal(s string) (string, error) {
	id, ok := parseGUID(s)
	if !ok {
		return "", invalid("principalId", "principalId %q is not an object id (a GUID)", clip(s))
	}
	return id, nil
}

// clip shortens what a caller sent, so that an error cannot carry a megabyte.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
