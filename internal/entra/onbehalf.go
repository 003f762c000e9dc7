package entra

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/azurepim/azure-pim/pim"
)

// OnBehalf trades a user's token for one that acts in the user's name. The app
// proves itself by its secret, or where it has none by an assertion of the managed
// identity, for which the app registration holds a federated credential.
type OnBehalf struct {
	Tenant   string
	App      string // client id of the app registration
	Identity azcore.TokenCredential
	Secret   func(context.Context) (string, error) // nil: the identity vouches
	Options  azcore.ClientOptions
}

// exchange is the audience of an assertion that vouches for an app.
const exchange = "api://AzureADTokenExchange"

// Credential acts in the name of the user whose token this is. Where Entra wants
// more of the user than the token proves, its error is a *pim.Error with CodeStepUp
// and the claims to sign in with.
func (o OnBehalf) Credential(ctx context.Context, token string) (azcore.TokenCredential, error) {
	options := &azidentity.OnBehalfOfCredentialOptions{ClientOptions: o.Options}
	var cred azcore.TokenCredential
	var err error
	if o.Secret != nil {
		secret, secretErr := o.Secret(ctx)
		if secretErr != nil {
			return nil, &pim.Error{Op: "OnBehalf.Credential", Code: pim.CodeInternal, Detail: "the app's secret cannot be read", Err: secretErr}
		}
		cred, err = azidentity.NewOnBehalfOfCredentialWithSecret(o.Tenant, o.App, token, secret, options)
	} else {
		cred, err = azidentity.NewOnBehalfOfCredentialWithClientAssertions(o.Tenant, o.App, token, o.vouch, options)
	}
	if err != nil {
		return nil, &pim.Error{Op: "OnBehalf.Credential", Code: pim.CodeInternal, Detail: "On-Behalf-Of cannot be set up", Err: err}
	}
	return challenged{cred}, nil
}

func (o OnBehalf) vouch(ctx context.Context) (string, error) {
	t, err := o.Identity.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{exchange + "/.default"}})
	return t.Token, err
}

// challenged carries Entra's claims challenge out of the error that azidentity makes
// of it.
type challenged struct{ azcore.TokenCredential }

func (c challenged) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	// Entra then tells what it wants of the user, instead of only refusing.
	o.EnableCAE = true
	t, err := c.TokenCredential.GetToken(ctx, o)
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		return t, err
	}
	var answer struct {
		Code   string `json:"error"`
		Claims string `json:"claims"`
	}
	body, readErr := io.ReadAll(io.LimitReader(failed.RawResponse.Body, 64<<10))
	if readErr == nil && json.Unmarshal(body, &answer) == nil && (answer.Claims != "" || answer.Code == "interaction_required") {
		return t, &pim.Error{Op: "OnBehalf.GetToken", Code: pim.CodeStepUp, Retry: pim.StepUp, Claims: answer.Claims,
			Detail: "the user must sign in again", Remedy: "sign in with the claims, and send the request with the new token", Err: err}
	}
	return t, &pim.Error{Op: "OnBehalf.GetToken", Code: pim.CodeUnauthenticated, Detail: "the user's token cannot be traded", Err: err}
}
