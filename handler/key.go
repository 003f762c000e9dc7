package handler

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
)

// KeySHA256 names the request header that tells an HTTP function which key the
// caller used: the SHA-256 of the function key in lower case hex. The header is
// absent if there was no key; what the caller himself sends under this name is
// deleted.
//
// The host has checked the key only if the function's authLevel asks for one. At
// any level the hash proves that the caller knows the key it belongs to.
const KeySHA256 = "X-Functions-Key-Sha256"

const keyHeader = "X-Functions-Key"

// urlHeaders hold the whole URL, key and all: App Service's front end adds the
// first two, gateways the third, browsers the last.
var urlHeaders = [...]string{"X-Original-Url", "X-Waws-Unencoded-Url", "X-Rewrite-Url", "Referer"}

// hideKey takes the function key out of r, which the host forwards as the caller
// sent it. The host looks for the key in the header first, then in the query,
// there in any letter case.
func hideKey(r *http.Request) {
	key := strings.Join(r.Header.Values(keyHeader), ", ")
	query, code := withoutCode(r.URL.RawQuery)
	if key == "" {
		key = code
	}
	r.Header.Del(keyHeader)
	for _, h := range urlHeaders {
		r.Header.Del(h)
	}
	r.URL.RawQuery = query
	r.RequestURI = r.URL.RequestURI()

	r.Header.Del(KeySHA256)
	if key != "" {
		sum := sha256.Sum256([]byte(key))
		r.Header.Set(KeySHA256, hex.EncodeToString(sum[:]))
	}
}

// withoutCode parts a raw query from its parameter code; the others keep their
// spelling. It does not parse the query as a whole, because a query that does
// not parse can hold a key as well.
func withoutCode(raw string) (query, code string) {
	var kept []string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if n, err := url.QueryUnescape(name); err != nil || !strings.EqualFold(n, "code") {
			kept = append(kept, part)
			continue
		}
		if v, err := url.QueryUnescape(value); err == nil && code == "" {
			code = v
		}
	}
	return strings.Join(kept, "&"), code
}
