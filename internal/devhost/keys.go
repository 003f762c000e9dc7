package devhost

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
)

// authLevel says which key a caller of an HTTP function must show.
type authLevel int

const (
	levelFunction authLevel = iota // what function.json means without authLevel
	levelAnonymous
	levelAdmin
)

func parseAuthLevel(text string) (authLevel, error) {
	switch strings.ToLower(text) {
	case "anonymous":
		return levelAnonymous, nil
	case "function", "":
		return levelFunction, nil
	case "admin":
		return levelAdmin, nil
	}
	return 0, fmt.Errorf("authLevel %q is none of anonymous, function, admin", text)
}

// Keys are the host's keys. An empty one is made up at the start.
type Keys struct {
	Function string // opens authLevel function
	Master   string // opens everything
}

func (k Keys) filled() Keys {
	return Keys{Function: cmp.Or(k.Function, newKey()), Master: cmp.Or(k.Master, newKey())}
}

func newKey() string {
	var b [40]byte
	rand.Read(b[:]) // never fails
	return base64.URLEncoding.EncodeToString(b[:])
}

// admit reports whether r shows a key for level: the header x-functions-key,
// else the query parameter code.
func (k Keys) admit(level authLevel, r *http.Request) bool {
	shown := cmp.Or(r.Header.Get("X-Functions-Key"), queryValue(r.URL.RawQuery, "code"))
	switch level {
	case levelAnonymous:
		return true
	case levelFunction:
		return same(shown, k.Function) || same(shown, k.Master)
	default:
		return same(shown, k.Master)
	}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
