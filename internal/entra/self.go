package entra

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/azurepim/azure-pim/pim"
)

// Self is the object id of the identity that cred signs in as, read from a token for
// scope. The token is our own, straight from the sign-in service, so nothing needs
// to be verified. Entra calls access tokens opaque: one that cannot be read is an
// error, and then a setting has to say who we are.
func Self(ctx context.Context, cred azcore.TokenCredential, scope string) (string, error) {
	t, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return "", fmt.Errorf("entra.Self: %w", err)
	}
	parts := strings.Split(t.Token, ".")
	var claims struct {
		ObjectID string `json:"oid"`
	}
	if len(parts) == 3 {
		if b, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(b, &claims) // what it does not hold stays empty
		}
	}
	id, err := pim.ParsePrincipal(claims.ObjectID)
	if err != nil {
		return "", fmt.Errorf("entra.Self: the identity's token does not tell its object id")
	}
	return id, nil
}
