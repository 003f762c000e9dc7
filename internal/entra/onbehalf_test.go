package entra_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/azurepim/azure-pim/internal/entra"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

const secret = "s3cret"

// front registers the app that users sign in to.
func (d *directory) front(s simtenant.ServicePrincipal) entra.OnBehalf {
	s.Name, s.AppID = "front", appID
	d.AddServicePrincipal(s)
	return entra.OnBehalf{Tenant: d.ID(), App: appID, Identity: d.Credential(d.robot), Options: azcore.ClientOptions{Transport: d.Transport()}}
}

func given(text string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return text, nil }
}

// trade asks for a token for Azure Resource Manager in the name of token's user.
func (d *directory) trade(o entra.OnBehalf, token, claims string) (jwt.MapClaims, error) {
	d.t.Helper()
	cred, err := o.Credential(d.t.Context(), token)
	require.NoError(d.t, err)
	got, err := cred.GetToken(d.t.Context(), policy.TokenRequestOptions{Scopes: []string{simtenant.AudienceARM + "/.default"}, Claims: claims})
	if err != nil {
		return nil, err
	}
	c := jwt.MapClaims{}
	_, _, err = jwt.NewParser().ParseUnverified(got.Token, c)
	require.NoError(d.t, err)
	return c, nil
}

func TestTradedTokenActsAsTheUser(t *testing.T) {
	for _, way := range []string{"by secret", "by federated assertion"} {
		t.Run(way, func(t *testing.T) {
			d := newDirectory(t)
			o := d.front(simtenant.ServicePrincipal{Secret: secret, Federated: []string{d.robot}})
			if way == "by secret" {
				o.Identity, o.Secret = nil, given(secret)
			}
			got, err := d.trade(o, d.UserToken(d.ada, audience, simtenant.WithMFA()), "")
			require.NoError(t, err)
			require.Equal(t, d.ada, got["oid"])
			require.Equal(t, simtenant.AudienceARM, got["aud"])
			require.Equal(t, appID, got["appid"])
			require.Contains(t, got["amr"], "mfa", "what the sign-in proved goes along")
		})
	}
}

func TestChallengeComesBackWithItsClaims(t *testing.T) {
	d := newDirectory(t)
	o := d.front(simtenant.ServicePrincipal{Secret: secret})
	o.Secret = given(secret)
	const wanted = `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`
	_, err := d.trade(o, d.UserToken(d.ada, audience), wanted)
	own, ok := errors.AsType[*pim.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, pim.CodeStepUp, own.Code)
	require.Equal(t, pim.StepUp, own.Retry)
	require.Contains(t, own.Claims, `"acrs":{"essential":true,"value":"c1"}`)
	require.NotContains(t, err.Error(), "acrs", "claims go to the user's client, not into the log")

	_, err = d.trade(o, d.UserToken(d.ada, audience, simtenant.WithContext("c1")), wanted)
	require.NoError(t, err)
}

// Whose fault it is when a token is not traded.
func TestRefusedTradesNameTheFault(t *testing.T) {
	fault := func(status int) *simtenant.Fault {
		return &simtenant.Fault{Path: "/oauth2/v2.0/token", Status: status, Code: "temporarily_unavailable", Times: 100}
	}
	for _, tt := range []struct {
		name  string
		app   simtenant.ServicePrincipal
		token func(*directory) string
		tell  string // the secret that the app tells; empty vouches by its identity
		fault *simtenant.Fault
		want  pim.Code
	}{
		{name: "the user's token has expired", tell: secret, want: pim.CodeUnauthenticated,
			token: func(d *directory) string { return d.UserToken(d.ada, audience, simtenant.WithLife(-time.Minute)) }},
		{name: "the token is for another app", tell: secret, want: pim.CodeUnauthenticated,
			token: func(d *directory) string { return d.UserToken(d.ada, simtenant.AudienceARM) }},
		{name: "the token is an application's", tell: secret, want: pim.CodeUnauthenticated,
			token: func(d *directory) string { return d.UserToken(d.robot, audience) }},
		{name: "a wrong secret", tell: "guess", want: pim.CodeDenied},
		{name: "an identity that the app does not trust", want: pim.CodeDenied},
		{name: "Entra is down", tell: secret, fault: fault(http.StatusServiceUnavailable), want: pim.CodeBusy},
		{name: "Entra throttles", tell: secret, fault: fault(http.StatusTooManyRequests), want: pim.CodeBusy},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				d := newDirectory(t)
				o := d.front(simtenant.ServicePrincipal{Secret: secret})
				if tt.tell != "" {
					o.Secret = given(tt.tell)
				}
				token := d.UserToken(d.ada, audience)
				if tt.token != nil {
					token = tt.token(d)
				}
				if tt.fault != nil {
					d.Inject(*tt.fault)
				}
				_, err := d.trade(o, token, "")
				require.Equal(t, tt.want, pim.CodeOf(err), "%v", err)
				for _, quoted := range append(strings.Split(token, "."), secret, "guess", "AADSTS") {
					require.NotContains(t, err.Error(), quoted)
				}
				retry, _ := pim.RetryOf(err)
				require.Equal(t, tt.want == pim.CodeBusy, retry == pim.RetryLater, "only what passes is tried again")
			})
		})
	}
}

func TestMissingConsentIsOursToMend(t *testing.T) {
	d := newDirectory(t)
	o := d.front(simtenant.ServicePrincipal{Secret: secret})
	o.Secret = given(secret)
	cred, err := o.Credential(t.Context(), d.UserToken(d.ada, audience))
	require.NoError(t, err)
	_, err = cred.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{simtenant.AudienceGraph + "/.default"}})
	require.Equal(t, pim.CodeDenied, pim.CodeOf(err), "%v", err)
	own, _ := errors.AsType[*pim.Error](err)
	require.Contains(t, own.Remedy, "consent")
}

func TestSecretThatCannotBeReadTradesNothing(t *testing.T) {
	d := newDirectory(t)
	o := d.front(simtenant.ServicePrincipal{Secret: secret})
	o.Secret = func(context.Context) (string, error) { return "", errors.New("the vault is closed") }
	_, err := o.Credential(t.Context(), d.UserToken(d.ada, audience))
	require.Equal(t, pim.CodeInternal, pim.CodeOf(err))
	require.Zero(t, d.Count("", "/oauth2/"))
}

// A local run signs in at a stand-in, over sockets and without TLS.
func TestStandInOnALoopbackAddressIsAskedInPlainHTTP(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	d := &directory{t: t, Tenant: simtenant.New(simtenant.Options{BaseURL: base})}
	server.Config.Handler = d.Tenant
	server.Start()
	defer server.Close()
	d.ada = d.AddUser(simtenant.User{Name: "ada"})
	d.robot = d.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot", ManagedIdentity: true})
	o := d.front(simtenant.ServicePrincipal{Federated: []string{d.robot}})
	o.Options = azcore.ClientOptions{Cloud: cloud.Configuration{ActiveDirectoryAuthorityHost: base}}

	token := d.UserToken(d.ada, audience)
	v := &entra.Verifier{Tenant: d.ID(), Audience: []string{audience}, Login: base, Client: http.DefaultClient}
	who, err := v.Verify(t.Context(), token)
	require.NoError(t, err)
	require.Equal(t, d.ada, who.ID)
	got, err := d.trade(o, token, "")
	require.NoError(t, err)
	require.Equal(t, d.ada, got["oid"])

	// Anywhere else, tokens travel by TLS or not at all.
	for _, login := range []string{"http://login.example", "http://127.0.0.1.login.example", "http://10.0.0.1:7080"} {
		o.Options.Cloud.ActiveDirectoryAuthorityHost = login
		_, err := o.Credential(t.Context(), token)
		require.Equal(t, pim.CodeInternal, pim.CodeOf(err), login)
	}
}
