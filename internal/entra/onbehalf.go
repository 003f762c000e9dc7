package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

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
// and the claims to sign in with. Where Entra does not trust the app, it has CodeDenied.
func (o OnBehalf) Credential(ctx context.Context, token string) (azcore.TokenCredential, error) {
	at, local := onLoopback(o.Options)
	// A stand-in is no authority that Entra's own discovery knows.
	options := &azidentity.OnBehalfOfCredentialOptions{ClientOptions: at, DisableInstanceDiscovery: local}
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
	return exchanged{cred}, nil
}

func (o OnBehalf) vouch(ctx context.Context) (string, error) {
	t, err := o.Identity.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{exchange + "/.default"}})
	return t.Token, err
}

// exchanged says of a token that Entra would not trade why, in a *pim.Error.
type exchanged struct{ azcore.TokenCredential }

func (c exchanged) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	// Entra then tells what it wants of the user, instead of only refusing.
	o.EnableCAE = true
	t, err := c.TokenCredential.GetToken(ctx, o)
	failed, ok := errors.AsType[*azidentity.AuthenticationFailedError](err)
	if !ok || failed.RawResponse == nil {
		return t, err
	}
	return t, refused(failed.RawResponse)
}

// refusal is the answer of Entra's token endpoint to what it does not grant.
type refusal struct {
	Code     string `json:"error"`
	Numbers  []int  `json:"error_codes"`
	SubError string `json:"suberror"`
	Claims   string `json:"claims"`
}

// refused sorts the answer by whose fault it is: the user's, ours or Entra's. Its
// text holds Entra's codes alone; the answer itself names people and quotes claims.
func refused(resp *http.Response) error {
	var no refusal
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(b, &no)
	}
	e := &pim.Error{Op: "OnBehalf.GetToken", Err: fmt.Errorf("the token endpoint answered %d %.40q %v", resp.StatusCode, no.Code, no.Numbers)}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError || err != nil:
		e.Code, e.Retry, e.Detail = pim.CodeBusy, pim.RetryLater, "Entra trades no tokens now"
	case no.Claims != "" || no.Code == "interaction_required":
		e.Code, e.Retry, e.Claims, e.Detail = pim.CodeStepUp, pim.StepUp, no.Claims, "the user must sign in again"
		e.Remedy = "sign in with the claims, and send the request with the new token"
	case no.SubError == "consent_required" || slices.Contains(no.Numbers, noConsent):
		e.Code, e.Detail = pim.CodeDenied, "nobody has consented that the app acts for users"
		e.Remedy = "have an administrator consent to the app registration's delegated permissions"
	case no.Code == "invalid_grant":
		e.Code, e.Detail = pim.CodeUnauthenticated, "the user's token cannot be traded"
	default: // invalid_client, unauthorized_client, invalid_scope and their like
		e.Code, e.Detail = pim.CodeDenied, "Entra does not let the app trade users' tokens"
		e.Remedy = "check the app registration's secret or federated credential"
	}
	return e
}

// noConsent is AADSTS65001, which comes without the suberror as well.
const noConsent = 65001
