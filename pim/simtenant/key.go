package simtenant

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"sync"
)

// key signs tokens.
type key struct {
	id      string
	private *rsa.PrivateKey
}

// firstKey is shared by the tenants of a process, because making one takes longer
// than most tests. RotateKeys makes others.
var firstKey = sync.OnceValue(newKey)

func newKey() *key {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("simtenant: no signing key: " + err.Error())
	}
	sum := sha256.Sum256(private.N.Bytes())
	return &key{base64.RawURLEncoding.EncodeToString(sum[:20]), private}
}

// RotateKeys makes tokens be signed with a new key from now on. The old ones stay
// published, as Entra's do, so that tokens in flight are good to their end;
// retire withdraws them.
func (t *Tenant) RotateKeys(retire bool) {
	k := newKey()
	t.mu.Lock()
	defer t.mu.Unlock()
	if retire {
		t.keys = nil
	}
	t.keys = append(t.keys, k)
}

// signingKey is the newest key.
func (t *Tenant) signingKey() *key { return t.keys[len(t.keys)-1] }

// jwks is the document of the published keys.
func (t *Tenant) jwks() any {
	var keys []any
	for _, k := range t.keys {
		keys = append(keys, map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": k.id, "x5t": k.id,
			"n": base64.RawURLEncoding.EncodeToString(k.private.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.private.E)).Bytes()),
		})
	}
	return map[string]any{"keys": keys}
}
