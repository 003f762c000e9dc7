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

// sign writes a token. Azure's own services take v1.0 tokens; an application that
// is addressed by its client id gets v2.0, whose claims have other names.
func (t *Tenant) sign(g *grant) string {
	p := g.subject
	c := t.standardClaims(g)
	if p.kind == TypeServicePrincipal {
		c["idtyp"] = "app"
		if isGraph(g.audience) && len(p.appRoles) > 0 {
			c["roles"] = p.appRoles
		}
	} else {
		userClaims(c, g)
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

// backdate is how far Entra dates tokens back, for clocks that are late.
const backdate = 5 * time.Minute

func (t *Tenant) standardClaims(g *grant) jwt.MapClaims {
	issued := t.callerTime().Add(-backdate).Unix()
	c := jwt.MapClaims{
		"aud": g.audience, "iss": t.issuerV1(), "tid": t.opt.TenantID, "oid": g.subject.id, "sub": g.subject.id,
		"iat": issued, "nbf": issued, "exp": t.expiry(g).Unix(), "appid": g.client, "ver": "1.0", "uti": t.newID(),
	}
	if isGUID(g.audience) && !isGraph(g.audience) {
		delete(c, "appid")
		c["iss"], c["ver"], c["azp"] = t.issuer(), "2.0", g.client
	}
	return c
}

func userClaims(c jwt.MapClaims, g *grant) {
	c["idtyp"], c["name"], c["amr"] = "user", g.subject.name, []string{"pwd"}
	if c["ver"] == "1.0" {
		c["upn"] = g.subject.upn
	} else {
		c["preferred_username"] = g.subject.upn
	}
	if g.mfa {
		c["amr"] = []string{"pwd", "mfa"}
	}
	if len(g.acrs) > 0 {
		c["acrs"] = g.acrs
	}
	scopes := g.scopes
	if !isGraph(g.audience) && len(scopes) == 0 {
		scopes = []string{"user_impersonation"}
	}
	c["scp"] = strings.Join(scopes, " ")
}

func isGraph(audience string) bool {
	return slices.Contains([]string{AudienceGraph, graphAppID}, strings.TrimSuffix(audience, "/"))
}

func isARM(audience string) bool {
	return slices.Contains([]string{AudienceARM, audienceARMCore}, strings.TrimSuffix(audience, "/"))
}
