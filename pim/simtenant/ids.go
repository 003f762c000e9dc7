package simtenant

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
)

// sameID compares two ids as the services do, without case.
func sameID(a, b string) bool { return strings.EqualFold(a, b) }

// isGUID reports whether s is a GUID in the form with hyphens, the only one that
// the services take.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	_, err := uuid.Parse(s)
	return err == nil
}

// lastSegment is what follows the last slash.
func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// opaqueID looks like the ids of directory instances, which are no GUIDs.
func (t *Tenant) opaqueID(k Kind) string {
	var b [30]byte
	for i := range b {
		b[i] = byte(t.random.Uint32())
	}
	id := base64.RawURLEncoding.EncodeToString(b[:]) + "-1"
	if k == Eligibility {
		id += "-e"
	}
	return id
}
