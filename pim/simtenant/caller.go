package simtenant

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// caller is who makes a call, as the token proves it.
type caller struct {
	oid, appID, name string
	appOnly          bool
	mfa              bool
	acrs             []string
	scopes, roles    []string
}

// allowed reports whether the token carries one of the permissions: as an
// application's roles or as a user's delegated scopes.
func (c caller) allowed(permissions ...string) bool {
	have := c.scopes
	if c.appOnly {
		have = c.roles
	}
	return slices.ContainsFunc(permissions, func(p string) bool { return slices.Contains(have, p) })
}

// authenticate reads the bearer token of a call to a service.
func (t *Tenant) authenticate(h http.Header, accepts func(audience string) bool) (caller, *refusal) {
	raw, ok := strings.CutPrefix(h.Get("Authorization"), "Bearer ")
	if !ok || raw == "" {
		return caller{}, &refusal{http.StatusUnauthorized, "AuthenticationFailed",
			"Authentication failed. The 'Authorization' header is missing."}
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(raw, claims, t.verificationKey,
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithTimeFunc(t.callerTime), jwt.WithExpirationRequired())
	if errors.Is(err, jwt.ErrTokenExpired) {
		return caller{}, unauthorized("The access token has expired.")
	}
	if err != nil {
		return caller{}, unauthorized("The access token is invalid.")
	}
	if aud, err := claims.GetAudience(); err != nil || len(aud) != 1 || !accepts(aud[0]) {
		return caller{}, unauthorized("The access token has been obtained for the wrong audience or resource.")
	}
	if text(claims, "iss") != t.issuerV1() && text(claims, "iss") != t.issuer() || text(claims, "tid") != t.opt.TenantID {
		return caller{}, unauthorized("The access token is from the wrong issuer.")
	}
	p := t.principal(text(claims, "oid"))
	if p == nil || p.disabled {
		return caller{}, unauthorized("The access token is of an account that does not exist or is disabled.")
	}
	return caller{
		oid: p.id, appID: text(claims, "appid") + text(claims, "azp"), // v1.0 has one, v2.0 the other
		name: p.name, appOnly: text(claims, "idtyp") == "app",
		mfa: slices.Contains(texts(claims, "amr"), "mfa"), acrs: texts(claims, "acrs"),
		scopes: strings.Fields(text(claims, "scp")), roles: texts(claims, "roles"),
	}, nil
}

func unauthorized(message string) *refusal {
	return &refusal{http.StatusUnauthorized, "InvalidAuthenticationToken", message}
}

func (t *Tenant) verificationKey(token *jwt.Token) (any, error) {
	for _, k := range t.keys {
		if k.id == token.Header["kid"] {
			return &k.private.PublicKey, nil
		}
	}
	return nil, errors.New("the key is not published")
}

func text(c jwt.MapClaims, name string) string {
	s, _ := c[name].(string)
	return s
}

func texts(c jwt.MapClaims, name string) []string {
	var out []string
	list, _ := c[name].([]any)
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
