package entra_test

import (
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/azurepim/azure-pim/internal/entra"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

const (
	appID    = "33333333-3333-4333-8333-333333333333"
	audience = "api://" + appID
)

// directory is a tenant with people in it, and a verifier of its tokens.
type directory struct {
	*simtenant.Tenant
	t        *testing.T
	verifier *entra.Verifier

	ada, robot string // object ids of a user and of an application
}

func newDirectory(t *testing.T) *directory {
	d := &directory{Tenant: simtenant.New(simtenant.Options{}), t: t}
	d.ada = d.AddUser(simtenant.User{Name: "ada", MFA: true, Contexts: []string{"c1"}})
	d.robot = d.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot", ManagedIdentity: true})
	d.verifier = d.newVerifier()
	return d
}

func (d *directory) newVerifier() *entra.Verifier {
	return &entra.Verifier{Tenant: d.ID(), Audience: []string{audience, appID}, Login: "https://login.microsoftonline.com", Client: d.Client()}
}

// reads is how often the keys were asked for.
func (d *directory) reads() int { return d.Count(http.MethodGet, "/discovery/v2.0/keys") }

// refuses demands that the token is not believed, and that nothing of it is quoted.
func (d *directory) refuses(code pim.Code, token string) {
	d.t.Helper()
	who, err := d.verifier.Verify(d.t.Context(), token)
	require.Equal(d.t, code, pim.CodeOf(err), "%v", err)
	require.Empty(d.t, who)
	for _, part := range append(strings.Split(token, "."), d.ada, "evil") {
		if len(part) > 3 {
			require.NotContains(d.t, err.Error(), part)
		}
	}
}

// believes demands that the token speaks for somebody.
func (d *directory) believes(token string) pim.Caller {
	d.t.Helper()
	who, err := d.verifier.Verify(d.t.Context(), token)
	require.NoError(d.t, err)
	return who
}

// resign signs what good says anew, by whatever method and key, under any header.
func (d *directory) resign(good string, method jwt.SigningMethod, key any, header map[string]any) string {
	claims := jwt.MapClaims{}
	parsed, _, err := jwt.NewParser().ParseUnverified(good, claims)
	require.NoError(d.t, err)
	forged := jwt.NewWithClaims(method, claims)
	forged.Header["kid"] = parsed.Header["kid"]
	maps.Copy(forged.Header, header)
	out, err := forged.SignedString(key)
	require.NoError(d.t, err)
	return out
}

func newKey(t *testing.T) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	return k
}

// inTime runs f in virtual time.
func inTime(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }
