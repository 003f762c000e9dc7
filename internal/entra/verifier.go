// Package entra knows who signed in: it verifies access tokens that Entra issued for
// this app, and trades a user's token for one that acts in the user's name.
package entra

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/golang-jwt/jwt/v5"
)

const (
	// leeway is what clocks may differ by.
	leeway = time.Minute
	// maxToken is far above what Entra issues, which overflows groups at 200.
	maxToken = 16 << 10

	verify = "Verifier.Verify"
)

// Verifier reads access tokens of one tenant that are meant for this app. It is safe
// for concurrent use.
type Verifier struct {
	Tenant   string   // directory id
	Audience []string // any of these
	Login    string   // sign-in endpoint, such as https://login.microsoftonline.com
	Client   *http.Client

	keys signingKeys
}

type claims struct {
	jwt.RegisteredClaims
	Tenant   string   `json:"tid"`
	ObjectID string   `json:"oid"`
	AppID    string   `json:"appid"` // version 1.0
	Party    string   `json:"azp"`   // version 2.0
	Type     string   `json:"idtyp"` // app for a token without a user
	Scopes   string   `json:"scp"`
	Roles    []string `json:"roles"`
	Groups   []string `json:"groups"`
	Methods  []string `json:"amr"`
}

// app reports whether the token is an application's own. It is marked where the app
// registration asks for the mark; without it, Entra makes it out to the service
// principal alone, which an ID token never is.
func (c claims) app() bool {
	return c.Type == "app" || c.Type == "" && c.Scopes == "" && c.Subject == c.ObjectID
}

// Verify returns who the token speaks for. Its error has CodeUnauthenticated for a
// token that is not to be believed, and CodeBusy where the tenant's keys cannot be
// had. Nothing of the token stands in either.
func (v *Verifier) Verify(ctx context.Context, token string) (pim.Caller, error) {
	no := func(why string, err error) (pim.Caller, error) {
		return pim.Caller{}, &pim.Error{Op: verify, Code: pim.CodeUnauthenticated, Detail: why, Err: err}
	}
	if len(token) > maxToken {
		return no("the token is too long", nil)
	}
	if len(v.Audience) == 0 {
		return no("tokens are not taken here", nil)
	}
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, v.key(ctx),
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(v.Audience...), jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway), jwt.WithIssuedAt())
	busy, unread := errors.AsType[*pim.Error](err)
	switch {
	case unread:
		return pim.Caller{}, busy
	case errors.Is(err, jwt.ErrTokenExpired):
		return no("the token has expired", nil)
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return no("the token is for another audience", nil)
	case err != nil:
		return no("the token is not to be believed", fault(err))
	case !v.issued(c.Issuer) || !strings.EqualFold(c.Tenant, v.Tenant):
		return no("the token is of another tenant", nil)
	case c.Scopes == "" && !c.app():
		return no("the token gives no access: it is of another kind", nil)
	}
	id, err := pim.ParsePrincipal(c.ObjectID)
	if err != nil {
		return no("the token names no object id", nil)
	}
	caller := pim.Caller{Kind: pim.CallerUser, ID: id, AppID: strings.ToLower(c.AppID + c.Party), Roles: c.Roles, Groups: c.Groups,
		MFA: slices.Contains(c.Methods, "mfa"), Token: token}
	// Taking an app for a user would let it be a self.
	if c.app() {
		caller.Kind, caller.Token = pim.CallerApp, ""
	}
	return caller, nil
}

// key reads the tenant's keys from where its metadata says they are; the address is
// the same in every cloud.
func (v *Verifier) key(ctx context.Context) jwt.Keyfunc {
	url := strings.TrimSuffix(v.Login, "/") + "/" + v.Tenant + "/discovery/v2.0/keys"
	return func(t *jwt.Token) (any, error) {
		return v.keys.key(t, func() (*keySet, error) { return readKeys(ctx, v.Client, url) })
	}
}

// issued reports whether the issuer is the tenant's: Entra writes it in one way for
// each version of its tokens.
func (v *Verifier) issued(iss string) bool {
	for _, want := range []string{
		strings.TrimSuffix(v.Login, "/") + "/" + v.Tenant + "/v2.0",
		"https://login.microsoftonline.com/" + v.Tenant + "/v2.0",
		"https://sts.windows.net/" + v.Tenant + "/",
	} {
		if strings.EqualFold(iss, want) {
			return true
		}
	}
	return false
}

// fault is what is wrong with a token, in words of ours: the library quotes pieces of
// it.
func fault(err error) error {
	for _, known := range []error{
		errUnknownKey, jwt.ErrTokenMalformed, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenUnverifiable,
		jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenRequiredClaimMissing,
	} {
		if errors.Is(err, known) {
			return known
		}
	}
	return nil
}
