package simtenant

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The audiences of the services.
const (
	AudienceARM   = "https://management.azure.com"
	AudienceGraph = "https://graph.microsoft.com"

	audienceARMCore = "https://management.core.windows.net"
	graphAppID      = "00000003-0000-0000-c000-000000000000"
)

// publicClient is the application through which people sign in if no other is named.
const publicClient = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

// tokenLife is how long a token is good; Entra's last 60 to 90 minutes.
const tokenLife = 70 * time.Minute

// Claim changes the claims of a token that is about to be signed.
type Claim func(*grant)

// grant is what a token is to say.
type grant struct {
	subject  *principal
	audience string
	client   string // appid
	mfa      bool
	acrs     []string
	scopes   []string
	life     time.Duration
	extra    map[string]any
}

// WithMFA makes the token prove a second factor.
func WithMFA() Claim { return func(g *grant) { g.mfa = true } }

// WithContext makes the token prove authentication contexts, such as c1.
func WithContext(ids ...string) Claim { return func(g *grant) { g.acrs = append(g.acrs, ids...) } }

// WithScopes gives a user's token delegated permissions.
func WithScopes(scopes ...string) Claim {
	return func(g *grant) { g.scopes = append(g.scopes, scopes...) }
}

// WithClient makes appID the application that the token was issued to.
func WithClient(appID string) Claim { return func(g *grant) { g.client = appID } }

// WithLife makes the token expire after d; a negative d has it expired already.
func WithLife(d time.Duration) Claim { return func(g *grant) { g.life = d } }

// WithClaim sets any claim, or removes it if value is nil: for tokens that a
// verifier must refuse.
func WithClaim(name string, value any) Claim {
	return func(g *grant) { g.extra[name] = value }
}

// UserToken signs a token of a principal for an audience, as the sign-in service
// would issue it. A service principal gets an application's token.
func (t *Tenant) UserToken(principal, audience string, claims ...Claim) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.principal(principal)
	if p == nil {
		panic("simtenant: there is no principal " + principal)
	}
	return t.sign(t.newGrant(p, audience, claims...))
}

func (t *Tenant) newGrant(p *principal, audience string, claims ...Claim) *grant {
	g := &grant{subject: p, audience: audience, client: publicClient, life: tokenLife, extra: map[string]any{}}
	if p.kind == TypeServicePrincipal {
		g.client = p.appID
	}
	for _, c := range claims {
		c(g)
	}
	return g
}

// expiry is when a token issued now ends.
func (t *Tenant) expiry(g *grant) time.Time { return t.callerTime().Add(g.life) }

func (t *Tenant) sign(g *grant) string {
	now := t.callerTime()
	p := g.subject
	c := jwt.MapClaims{
		"aud": g.audience, "iss": t.issuerV1(), "tid": t.opt.TenantID, "oid": p.id, "sub": p.id,
		// Entra dates tokens five minutes back, for clocks that are late.
		"iat": now.Add(-5 * time.Minute).Unix(), "nbf": now.Add(-5 * time.Minute).Unix(),
		"exp": t.expiry(g).Unix(), "appid": g.client, "ver": "1.0", "uti": t.newID(),
	}
	if p.kind == TypeServicePrincipal {
		c["idtyp"], c["appidacr"] = "app", "2"
		if isGraph(g.audience) && len(p.appRoles) > 0 {
			c["roles"] = p.appRoles
		}
	} else {
		c["idtyp"], c["upn"], c["name"] = "user", p.upn, p.name
		c["amr"] = []string{"pwd"}
		if g.mfa {
			c["amr"] = []string{"pwd", "mfa"}
		}
		if len(g.acrs) > 0 {
			c["acrs"] = g.acrs
		}
		if !isGraph(g.audience) && len(g.scopes) == 0 {
			g.scopes = []string{"user_impersonation"}
		}
		c["scp"] = strings.Join(g.scopes, " ")
	}
	maps.Copy(c, g.extra)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	k := t.signingKey()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
	token.Header["kid"], token.Header["x5t"] = k.id, k.id
	signed, err := token.SignedString(k.private)
	if err != nil {
		panic("simtenant: " + err.Error())
	}
	return signed
}

func isGraph(audience string) bool {
	return slices.Contains([]string{AudienceGraph, graphAppID}, strings.TrimSuffix(audience, "/"))
}

func isARM(audience string) bool {
	return slices.Contains([]string{AudienceARM, audienceARMCore}, strings.TrimSuffix(audience, "/"))
}
