package simtenant

import (
	"context"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// Credential is a credential of a principal: an application's own, or that of a
// person who is signed in with these claims. A claims challenge adds what the
// person can prove (User.MFA, User.Contexts).
func (t *Tenant) Credential(principal string, claims ...Claim) azcore.TokenCredential {
	return &credential{t, principal, claims}
}

type credential struct {
	tenant    *Tenant
	principal string
	claims    []Claim
}

// GetToken issues a token for the one scope asked.
func (c *credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if err := ctx.Err(); err != nil {
		return azcore.AccessToken{}, err
	}
	if len(o.Scopes) != 1 {
		return azcore.AccessToken{}, errors.New("simtenant: a token has one scope")
	}
	t := c.tenant
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.principal(c.principal)
	if p == nil || p.disabled {
		return azcore.AccessToken{}, errors.New("simtenant: the account does not exist or is disabled: AADSTS50057")
	}
	g := t.newGrant(p, strings.TrimSuffix(o.Scopes[0], "/.default"), c.claims...)
	if o.Claims != "" {
		if err := g.stepUp(o.Claims); err != nil {
			return azcore.AccessToken{}, err
		}
	}
	return azcore.AccessToken{Token: t.sign(g), ExpiresOn: t.expiry(g)}, nil
}
