package entra_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"crypto/rsa"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

func TestTokensOfBothVersionsNameTheirUser(t *testing.T) {
	d := newDirectory(t)
	for version, aud := range map[string]string{"1.0": audience, "2.0": appID} {
		token := d.UserToken(d.ada, aud, simtenant.WithClient("AAAAAAAA-0000-4000-8000-00000000000A"), simtenant.WithMFA(),
			simtenant.WithClaim("groups", []string{d.robot}), simtenant.WithClaim("roles", []string{"Helpdesk"}))
		require.Equal(t, pim.Caller{
			Kind: pim.CallerUser, ID: d.ada, AppID: "aaaaaaaa-0000-4000-8000-00000000000a", MFA: true,
			Groups: []string{d.robot}, Roles: []string{"Helpdesk"}, Token: token,
		}, d.believes(token), version)
	}
	require.False(t, d.believes(d.UserToken(d.ada, audience)).MFA, "a password is one factor")
	require.Equal(t, 1, d.reads())
}

func TestApplicationIsNeverTakenForAUser(t *testing.T) {
	d := newDirectory(t)
	for name, token := range map[string]string{
		"marked":            d.UserToken(d.robot, audience),
		"without the mark":  d.UserToken(d.robot, audience, simtenant.WithClaim("idtyp", nil)),
		"with scopes by it": d.UserToken(d.robot, audience, simtenant.WithClaim("scp", "user_impersonation")),
	} {
		who := d.believes(token)
		require.Equal(t, pim.CallerApp, who.Kind, name)
		require.Equal(t, d.robot, who.ID, name)
		require.Empty(t, who.Token, "%s: there is nobody to act on behalf of", name)
	}
}

// Who may not be believed, and how often the tenant was asked for keys on the way.
func TestTokensThatAreNotBelieved(t *testing.T) {
	d := newDirectory(t)
	good := d.UserToken(d.ada, audience)
	d.believes(good)
	stranger := newKey(t)
	public := d.published(t)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	parts := strings.Split(good, ".")
	claim := func(name string, value any) string {
		return d.UserToken(d.ada, audience, simtenant.WithClaim(name, value))
	}
	soon, past := time.Now().Add(10*time.Minute).Unix(), time.Now().Add(-2*time.Minute).Unix()

	for name, token := range map[string]string{
		"nothing":                          "",
		"no token":                         "hello",
		"two parts":                        parts[0] + "." + parts[1],
		"four parts":                       good + ".x",
		"no signature":                     parts[0] + "." + parts[1] + ".",
		"another's signature":              parts[0] + "." + parts[1] + "." + strings.Split(claim("uti", "x"), ".")[2],
		"other claims under the signature": parts[0] + "." + strings.Split(claim("oid", d.robot), ".")[1] + "." + parts[2],
		"a stranger's key":                 d.resign(good, jwt.SigningMethodRS256, stranger, nil),
		"a stranger's key in the header":   d.resign(good, jwt.SigningMethodRS256, stranger, map[string]any{"jwk": jwk(&stranger.PublicKey)}),
		"a stranger's key by address":      d.resign(good, jwt.SigningMethodRS256, stranger, map[string]any{"jku": "https://evil.example/keys", "x5u": "https://evil.example/x5u"}),
		"alg none":                         d.resign(good, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil),
		"HS256 with the public key":        d.resign(good, jwt.SigningMethodHS256, asPEM, nil),
		"HS256 with its bytes":             d.resign(good, jwt.SigningMethodHS256, public.N.Bytes(), nil),
		"PS256":                            d.resign(good, jwt.SigningMethodPS256, stranger, nil),
		"no kid":                           d.resign(good, jwt.SigningMethodRS256, stranger, map[string]any{"kid": nil}),
		"a kid that is a list":             d.resign(good, jwt.SigningMethodRS256, stranger, map[string]any{"kid": []string{"a"}}),
		"a kid that is a path":             d.resign(good, jwt.SigningMethodRS256, stranger, map[string]any{"kid": "../../../dev/null"}),
		"expired":                          d.UserToken(d.ada, audience, simtenant.WithLife(-2*time.Minute)),
		"without an end":                   claim("exp", nil),
		"with an end that is no time":      claim("exp", "evil"),
		"not valid yet":                    claim("nbf", soon),
		"issued in the future":             claim("iat", soon),
		"for Azure Resource Manager":       d.UserToken(d.ada, simtenant.AudienceARM),
		"for an app of like name":          d.UserToken(d.ada, audience+".evil.example"),
		"for nobody":                       claim("aud", nil),
		"of another tenant":                claim("tid", "00000000-0000-4000-8000-000000000001"),
		"of no tenant":                     claim("tid", nil),
		"of another issuer":                claim("iss", "https://sts.windows.net/00000000-0000-4000-8000-000000000001/"),
		"of a lookalike issuer":            claim("iss", "https://sts.windows.net/"+d.ID()+"/evil"),
		"of no issuer":                     claim("iss", nil),
		"without an object id":             claim("oid", nil),
		"with an object id that is none":   claim("oid", "evil' or 1 eq 1"),
		"roles that are no list":           claim("roles", 17),
		"an ID token of a user":            d.UserToken(d.ada, appID, simtenant.WithClaim("scp", nil), simtenant.WithClaim("idtyp", nil), simtenant.WithClaim("sub", "pairwise")),
		"of a user without permissions":    claim("scp", nil),
		"longer than any":                  claim("groups", []string{strings.Repeat("evil", 5000)}),
		"expired long before it is valid":  d.UserToken(d.ada, audience, simtenant.WithClaim("nbf", soon), simtenant.WithClaim("exp", past)),
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses(pim.CodeUnauthenticated, token)
		})
	}
	require.LessOrEqual(t, d.reads(), 2, "the keys were read once, and once more for a key that nobody knows")
	d.t = t
	d.believes(good)

	d.verifier.Audience = nil
	d.refuses(pim.CodeUnauthenticated, good)
}

func TestClocksMayDifferByAMinute(t *testing.T) {
	d := newDirectory(t)
	d.believes(d.UserToken(d.ada, audience, simtenant.WithLife(-30*time.Second)))
	d.believes(d.UserToken(d.ada, audience, simtenant.WithClaim("nbf", time.Now().Add(30*time.Second).Unix())))
}

// published is the key that the tenant signs with, read as anybody can.
func (d *directory) published(t *testing.T) *rsa.PublicKey {
	t.Helper()
	resp, err := d.newVerifier().Client.Get("https://login.microsoftonline.com/" + d.ID() + "/discovery/v2.0/keys")
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	d.ForgetCalls()
	var set struct{ Keys []struct{ N, E string } }
	require.NoError(t, json.Unmarshal(b, &set))
	require.Len(t, set.Keys, 1)
	n, err := base64.RawURLEncoding.DecodeString(set.Keys[0].N)
	require.NoError(t, err)
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
}

func jwk(k *rsa.PublicKey) map[string]any {
	return map[string]any{"kty": "RSA", "n": base64.RawURLEncoding.EncodeToString(k.N.Bytes()), "e": "AQAB"}
}

// Whoever invents keys neither keeps others waiting nor makes us ask for each.
func TestInventedKeysCostNothing(t *testing.T) {
	key := newKey(t)
	inTime(t, func(t *testing.T) {
		d := newDirectory(t)
		good := d.UserToken(d.ada, audience)
		d.believes(good)
		start := time.Now()
		for i := range 300 {
			d.refuses(pim.CodeUnauthenticated, d.resign(good, jwt.SigningMethodRS256, key, map[string]any{"kid": fmt.Sprint("invented-", i)}))
			d.believes(good)
			if i%100 == 99 {
				time.Sleep(time.Minute)
			}
		}
		require.Equal(t, 3*time.Minute, time.Since(start), "nobody waits")
		require.Equal(t, 1, d.reads(), "three minutes are less than five")
	})
}

func TestRotationShowsWithTheFirstTokenOfTheNewKey(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d := newDirectory(t)
		old := d.UserToken(d.ada, audience)
		d.believes(old)
		time.Sleep(20 * time.Minute)
		d.RotateKeys(false)
		d.believes(d.UserToken(d.ada, audience))
		d.believes(old)
		require.Equal(t, 2, d.reads())

		// A key that was withdrawn, say because it leaked, serves no longer than an hour.
		d.RotateKeys(true)
		time.Sleep(45 * time.Minute)
		d.believes(d.UserToken(d.ada, audience))
		d.refuses(pim.CodeUnauthenticated, old)
	})
}

func TestKeysThatCannotBeReadAreBusyAndRecover(t *testing.T) {
	for name, fault := range map[string]simtenant.Fault{
		"an error":   {Path: "/discovery/", Status: http.StatusServiceUnavailable, Times: 1000},
		"no answer":  {Path: "/discovery/", DropRequest: true, Times: 1000},
		"hung":       {Path: "/discovery/", Delay: time.Hour, Times: 1000},
		"no key set": {Path: "/discovery/", Status: http.StatusOK, Message: "<html>", Times: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				d := newDirectory(t)
				d.Inject(fault)
				token := d.UserToken(d.ada, audience)
				start := time.Now()
				for range 50 {
					d.refuses(pim.CodeBusy, token)
				}
				require.LessOrEqual(t, time.Since(start), 11*time.Second, "one waits for the keys, not each")
				require.LessOrEqual(t, d.reads(), 1)
				d.ClearFaults()
				time.Sleep(5 * time.Second)
				d.believes(token)
			})
		})
	}
}

func TestKnownKeysOutliveAnOutageOfADay(t *testing.T) {
	inTime(t, func(t *testing.T) {
		d := newDirectory(t)
		token := func() string { return d.UserToken(d.ada, audience) }
		d.believes(token())
		d.Inject(simtenant.Fault{Path: "/discovery/", Status: http.StatusServiceUnavailable, Times: 1 << 20})
		for range 23 {
			time.Sleep(time.Hour)
			d.believes(token())
		}
		time.Sleep(2 * time.Hour)
		d.refuses(pim.CodeBusy, token())
		d.ClearFaults()
		time.Sleep(time.Minute)
		d.believes(token())
	})
}

func FuzzVerify(f *testing.F) {
	tenant := simtenant.New(simtenant.Options{})
	ada := tenant.AddUser(simtenant.User{Name: "ada"})
	good := tenant.UserToken(ada, audience)
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", ".", "..", "...", parts[0] + "..", parts[0] + "." + parts[1] + ".", "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"eyJhbGciOiJSUzI1NiIsImtpZCI6bnVsbH0." + parts[1] + "." + parts[2], strings.Repeat("a", 17<<10),
	} {
		f.Add(seed)
	}
	d := &directory{Tenant: tenant}
	d.verifier = d.newVerifier()
	f.Fuzz(func(t *testing.T, token string) {
		who, err := d.verifier.Verify(t.Context(), token)
		if err == nil {
			// base64 leaves bits over in the last letter of each part.
			require.Equal(t, ada, who.ID)
			require.Equal(t, strings.Join(parts[:2], "."), token[:strings.LastIndexByte(token, '.')])
			return
		}
		require.Equal(t, pim.CodeUnauthenticated, pim.CodeOf(err))
		require.Empty(t, who)
	})
}
