// Package entra knows who signed in: it verifies access tokens that Entra issued for
// this app, and trades a user's token for one that acts in the user's name.
package entra

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/azurepim/azure-pim/pim"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const (
	// leeway is what clocks may differ by.
	leeway = time.Minute
	// maxToken is far above what Entra issues, which overflows groups at 200.
	maxToken = 16 << 10
)

// Verifier reads access tokens of one tenant that are meant for this app.
type Verifier struct {
	Tenant   string   // directory id
	Audience []string // any of these
	Login    string   // sign-in endpoint, such as https://login.microsoftonline.com
	Client   *http.Client

	mu   sync.Mutex
	keys keyfunc.Keyfunc
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

// Verify returns who the token speaks for. Its error has CodeUnauthenticated for a
// token that is not to be believed, and CodeBusy where the tenant's keys cannot be
// had. The token stands in neither.
func (v *Verifier) Verify(ctx context.Context, token string) (pim.Caller, error) {
	const op = "Verifier.Verify"
	no := func(why string, err error) (pim.Caller, error) {
		return pim.Caller{}, &pim.Error{Op: op, Code: pim.CodeUnauthenticated, Detail: why, Err: err}
	}
	if len(token) > maxToken {
		return no("the token is too long", nil)
	}
	if len(v.Audience) == 0 {
		return no("tokens are not taken here", nil)
	}
	keys, err := v.keySet()
	if err != nil {
		return pim.Caller{}, &pim.Error{Op: op, Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "the tenant's signing keys cannot be read", Err: err}
	}
	var c claims
	_, err = jwt.ParseWithClaims(token, &c, keys.KeyfuncCtx(ctx),
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(v.Audience...), jwt.WithExpirationRequired(),
		jwt.WithLeeway(leeway), jwt.WithIssuedAt())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return no("the token has expired", nil)
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return no("the token is for another audience", nil)
	case err != nil:
		return no("the token is not to be believed", errors.New(short(err.Error(), token)))
	case !v.issued(c.Issuer) || !strings.EqualFold(c.Tenant, v.Tenant):
		return no("the token is of another tenant", nil)
	}
	id, err := pim.ParsePrincipal(c.ObjectID)
	if err != nil {
		return no("the token names no object id", nil)
	}
	caller := pim.Caller{Kind: pim.CallerUser, ID: id, AppID: strings.ToLower(c.AppID + c.Party), Roles: c.Roles, Groups: c.Groups, Token: token}
	// A token without a user has no scopes, and is marked where the app asked for
	// the mark. Taking an app for a user would let it be a self.
	if c.Type == "app" || c.Scopes == "" {
		caller.Kind, caller.Token = pim.CallerApp, ""
	}
	for _, m := range c.Methods {
		caller.MFA = caller.MFA || m == "mfa"
	}
	return caller, nil
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

// keySet reads the tenant's signing keys when the first token comes, refreshes them
// every hour, and at once, though not oftener than every five minutes, for a key it
// does not know: that is how a rotation shows. Reading that failed is tried again
// with the next token.
func (v *Verifier) keySet() (keyfunc.Keyfunc, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys != nil {
		return v.keys, nil
	}
	failFirst := false
	url := strings.TrimSuffix(v.Login, "/") + "/" + v.Tenant + "/discovery/v2.0/keys"
	keys, err := keyfunc.NewDefaultOverrideCtx(context.Background(), []string{url}, keyfunc.Override{
		Client: v.Client, HTTPTimeout: 10 * time.Second, RefreshInterval: time.Hour, NoErrorReturnFirstHTTPReq: &failFirst,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(5*time.Minute), 1),
		// A token under an invented key must not keep its caller waiting for a turn.
		RateLimitWaitMax: time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("reading signing keys: %w", err)
	}
	v.keys = keys
	return keys, nil
}

// short takes the token out of a library's message.
func short(msg, token string) string {
	msg = strings.ReplaceAll(msg, token, "[token]")
	return msg[:min(len(msg), 200)]
}
