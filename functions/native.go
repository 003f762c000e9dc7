package functions

import (
	"encoding/base64"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// nativeMark parts plane and approval id of PIM's own. No change id holds it.
const nativeMark = "~"

// nativeID is an approval of PIM's own as it stands in a URL: its id may be a path.
func nativeID(p pim.Plane, id string) string {
	return string(p) + nativeMark + base64.RawURLEncoding.EncodeToString([]byte(id))
}

func parseNative(s string) (pim.Plane, string, bool) {
	plane, coded, ok := strings.Cut(s, nativeMark)
	if !ok {
		return "", "", false
	}
	p, err := pim.ParsePlane(plane)
	id, codedErr := base64.RawURLEncoding.DecodeString(coded)
	if err != nil || codedErr != nil || plane == "" {
		return "", "", false
	}
	return p, string(id), true
}
