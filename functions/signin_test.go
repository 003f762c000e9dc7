package functions_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/azurepim/azure-pim/internal/entra"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// frontID is the client id of the app registration that people sign in to.
const frontID = "33333333-3333-4333-8333-333333333333"

const frontSecret = "the app's own secret"

// nothing are the rules that allow nothing.
const nothing = "version: 1\nrules: []\n"

// newSignIn is newApp with people who come with their own tokens, wired as the
// handler is.
func newSignIn(t *testing.T, text string) *app {
	t.Helper()
	a := newApp(t, nothing)
	a.use(text)
	a.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "front", AppID: frontID, Secret: frontSecret, Scopes: []string{
		"RoleAssignmentSchedule.ReadWrite.Directory", "RoleEligibilitySchedule.Read.Directory",
		"PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup", "PrivilegedEligibilitySchedule.Read.AzureADGroup",
	}})
	v := &entra.Verifier{Tenant: a.tenant.ID(), Audience: []string{frontID, "api://" + frontID}, Login: "https://login.microsoftonline.com", Client: a.tenant.Client()}
	a.app.Callers.Verify = v.Verify
	o := entra.OnBehalf{Tenant: a.tenant.ID(), App: frontID, Options: azcore.ClientOptions{Transport: a.tenant.Transport()},
		Secret: func(context.Context) (string, error) { return frontSecret, nil }}
	a.app.Engine.As = func(ctx context.Context, token string) (*pim.Client, error) {
		cred, err := o.Credential(ctx, token)
		if err != nil {
			return nil, err
		}
		return pim.NewClient(cred, &pim.ClientOptions{ClientOptions: o.Options})
	}
	a.tenant.ForgetCalls()
	return a
}

// use puts other rules in force, with the ids of this tenant in them.
func (a *app) use(text string) {
	a.t.Helper()
	parsed, err := pim.ParseRules([]byte(a.ids(text)))
	require.NoError(a.t, err)
	source := func(context.Context) (*pim.Rules, error) { return parsed, nil }
	a.app.Engine.Rules, a.app.Callers.Rules = source, source
}

// ids writes object ids and scopes where text names them.
func (a *app) ids(text string) string {
	return strings.NewReplacer("ADA", a.ada, "BOB", a.bob, "CARL", a.carl, "APPROVERS", a.approvers, "SUB", a.sub, "APP", a.identity).Replace(text)
}

// token is a user's own, or an application's, for this app.
func (a *app) token(principal string, claims ...simtenant.Claim) string {
	return a.tenant.UserToken(principal, "api://"+frontID, claims...)
}

// as asks with a token alone.
func (a *app) as(token, method, path, body string) (status int, answer []byte, header http.Header) {
	a.t.Helper()
	rec := a.call(method, path, body, "x-functions-key", "", "Authorization", "Bearer "+token)
	return rec.Code, rec.Body.Bytes(), rec.Header()
}

// brokenRules are rules that cannot be read.
func brokenRules(context.Context) (*pim.Rules, error) {
	return nil, errors.New("the vault is closed")
}

// client acts as a principal of the tenant.
func (a *app) client(principal string) *pim.Client {
	a.t.Helper()
	c, err := pim.NewClient(a.tenant.Credential(principal), &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: a.tenant.Transport()}})
	require.NoError(a.t, err)
	return c
}
