package simtenant_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const exchange = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// token posts a form to the token endpoint.
func (w *world) token(form url.Values) reply {
	address := "https://login.microsoftonline.com/" + w.ID() + "/oauth2/v2.0/token"
	resp, err := w.Client().PostForm(address, form)
	require.NoError(w.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return reply{w.t, resp.StatusCode, resp.Header, b}
}

func onBehalfOf(assertion, clientID, secret, scope string) url.Values {
	return url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "requested_token_use": {"on_behalf_of"},
		"assertion": {assertion}, "client_id": {clientID}, "client_secret": {secret}, "scope": {scope},
	}
}

const frontID = "33333333-3333-4333-8333-333333333333"

func TestOnBehalfOfCarriesThePersonAndWhatHeProved(t *testing.T) {
	w := newWorld(t)
	w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "front", AppID: frontID, Secret: "s3cret",
		Scopes: []string{"RoleAssignmentSchedule.ReadWrite.Directory"}, Federated: []string{w.app}})
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	assertion := w.UserToken(w.alice, "api://"+frontID, simtenant.WithMFA(), simtenant.WithScopes("user_impersonation"))
	const arm = "https://management.azure.com/user_impersonation"

	r := w.token(onBehalfOf(assertion, frontID, "s3cret", arm))
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	token := r.at("access_token").(string)
	require.Equal(t, http.StatusCreated, w.put(token, subscription, assign, newProps("SelfActivate", w.alice, subscription)).Status)

	federated := onBehalfOf(assertion, frontID, "", arm)
	federated.Del("client_secret")
	federated.Set("client_assertion_type", exchange)
	federated.Set("client_assertion", w.UserToken(w.app, "api://AzureADTokenExchange"))
	require.Equal(t, http.StatusOK, w.token(federated).Status, "a managed identity vouches for the client")
	federated.Set("client_assertion", w.UserToken(w.app, simtenant.AudienceARM))
	require.Equal(t, "invalid_client", w.token(federated).at("error"))

	for name, form := range map[string]url.Values{
		"a wrong secret":              onBehalfOf(assertion, frontID, "guess", arm),
		"a token for somebody else":   onBehalfOf(w.armToken(w.alice), frontID, "s3cret", arm),
		"an application's token":      onBehalfOf(w.UserToken(w.app, "api://"+frontID), frontID, "s3cret", arm),
		"a permission never given":    onBehalfOf(assertion, frontID, "s3cret", "https://graph.microsoft.com/Directory.ReadWrite.All"),
		"an expired assertion":        onBehalfOf(w.UserToken(w.alice, frontID, simtenant.WithLife(-time.Minute)), frontID, "s3cret", arm),
		"an application nobody knows": onBehalfOf(assertion, subscriptionID, "s3cret", arm),
	} {
		require.GreaterOrEqual(t, w.token(form).Status, 400, name)
	}
}

func TestOnBehalfOfPassesAChallengeBackThatThePersonHasNotMet(t *testing.T) {
	w := newWorld(t)
	w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "front", AppID: frontID, Secret: "s3cret"})
	form := func(claims ...simtenant.Claim) url.Values {
		f := onBehalfOf(w.UserToken(w.alice, frontID, claims...), frontID, "s3cret", "https://management.azure.com/.default")
		f.Set("claims", `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`)
		return f
	}
	r := w.token(form())
	require.Equal(t, http.StatusBadRequest, r.Status)
	require.Equal(t, "interaction_required", r.at("error"))
	require.Contains(t, r.at("claims"), `"c1"`)
	require.Equal(t, http.StatusOK, w.token(form(simtenant.WithContext("c1"))).Status)
}

func TestClientCredentialsGiveAnApplicationItsRoles(t *testing.T) {
	w := newWorld(t)
	w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "daemon", AppID: frontID, Secret: "s3cret", AppRoles: []string{"AuditLog.Read.All"}})
	r := w.token(url.Values{"grant_type": {"client_credentials"}, "client_id": {frontID}, "client_secret": {"s3cret"}, "scope": {"https://graph.microsoft.com/.default"}})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	claims := jwt.MapClaims{}
	_, _, err := jwt.NewParser().ParseUnverified(r.at("access_token").(string), claims)
	require.NoError(t, err)
	require.Equal(t, []any{"AuditLog.Read.All"}, claims["roles"])
	require.Equal(t, "app", claims["idtyp"])
}

func TestPublishedKeysVerifyTokensThroughARotation(t *testing.T) {
	w := newWorld(t)
	keys := func() keyfunc.Keyfunc {
		r := w.send("", "GET", "https://login.microsoftonline.com/"+w.ID()+"/discovery/v2.0/keys", nil)
		k, err := keyfunc.NewJWKSetJSON(json.RawMessage(r.Body))
		require.NoError(t, err)
		return k
	}
	old := w.armToken(w.alice)
	stale := keys()
	_, err := jwt.Parse(old, stale.Keyfunc)
	require.NoError(t, err)

	w.RotateKeys(false)
	_, err = jwt.Parse(w.armToken(w.alice), stale.Keyfunc)
	require.Error(t, err, "a cached key set does not know the new key")
	_, err = jwt.Parse(w.armToken(w.alice), keys().Keyfunc)
	require.NoError(t, err)
	_, err = jwt.Parse(old, keys().Keyfunc)
	require.NoError(t, err, "tokens in flight stay good")
	w.RotateKeys(true)
	require.Equal(t, "InvalidAuthenticationToken", w.arm(old, "GET", subscription+rbac+"roleEligibilitySchedules", nil).code())

	r := w.send("", "GET", "https://login.microsoftonline.com/"+w.ID()+"/v2.0/.well-known/openid-configuration", nil)
	require.True(t, strings.HasSuffix(r.at("jwks_uri").(string), w.ID()+"/discovery/v2.0/keys"))
	require.Contains(t, r.at("issuer"), w.ID())
	require.Equal(t, http.StatusBadRequest, w.send("", "GET", "https://login.microsoftonline.com/"+subscriptionID+"/v2.0/.well-known/openid-configuration", nil).Status)
}

// TestAzidentityGetsAManagedIdentitysToken has Microsoft's credential ask the
// identity endpoint over a socket, as it does in App Service.
func TestAzidentityGetsAManagedIdentitysToken(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w)
	defer server.Close()
	t.Setenv("IDENTITY_ENDPOINT", server.URL+"/msi/token")
	t.Setenv("IDENTITY_HEADER", simtenant.DefaultIdentityHeader)
	credential, err := azidentity.NewManagedIdentityCredential(nil)
	require.NoError(t, err)
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	require.NoError(t, err)
	r := w.put(token.Token, subscription, assign, newProps("AdminAssign", w.alice, subscription))
	require.Equal(t, http.StatusCreated, r.Status, "%s", r.Body)
	require.Equal(t, w.app, r.at("properties", "requestorId"))
}

func TestTheIdentityEndpointChecksWhatTheRealOneDoes(t *testing.T) {
	w := newWorld(t)
	ask := func(header, query string) int {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1/msi/token?"+query, nil)
		require.NoError(t, err)
		req.Header.Set("X-IDENTITY-HEADER", header)
		resp, err := w.Client().Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	const good, resource = simtenant.DefaultIdentityHeader, "api-version=2019-08-01&resource=https://management.azure.com"
	require.Equal(t, 200, ask(good, resource))
	require.Equal(t, 401, ask("guess", resource))
	require.Equal(t, 400, ask(good, "api-version=2017-09-01&resource=https://management.azure.com"))
	require.Equal(t, 400, ask(good, "api-version=2019-08-01"))
	require.Equal(t, 400, ask(good, resource+"&client_id="+frontID))
	w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "second", AppID: frontID, ManagedIdentity: true})
	require.Equal(t, 400, ask(good, resource), "with two identities one must be named")
	require.Equal(t, 200, ask(good, resource+"&client_id="+frontID))
}

func TestTokensForAnApplicationsClientIDAreOfTheSecondVersion(t *testing.T) {
	w := newWorld(t)
	claims := func(audience string) jwt.MapClaims {
		c := jwt.MapClaims{}
		_, _, err := jwt.NewParser().ParseUnverified(w.UserToken(w.alice, audience), c)
		require.NoError(t, err)
		return c
	}
	metadata := w.send("", "GET", "https://login.microsoftonline.com/"+w.ID()+"/v2.0/.well-known/openid-configuration", nil)
	require.Equal(t, metadata.at("issuer"), claims(frontID)["iss"])
	require.Equal(t, "2.0", claims(frontID)["ver"])
	require.NotContains(t, claims(frontID), "appid")
	require.Equal(t, "1.0", claims(simtenant.AudienceARM)["ver"])
	require.Contains(t, claims(simtenant.AudienceARM), "upn")
}

func TestADisabledAccountGetsNowhere(t *testing.T) {
	w := newWorld(t)
	token := w.armToken(w.bob)
	w.Disable(w.bob)
	require.Equal(t, http.StatusUnauthorized, w.arm(token, "GET", subscription+rbac+"roleEligibilitySchedules?$filter=asTarget()", nil).Status)
	_, err := w.Credential(w.bob).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{simtenant.AudienceARM + "/.default"}})
	require.Error(t, err)
}

// TestAzidentityActsOnBehalfOfAUser has Microsoft's credential do the exchange,
// authority discovery included.
func TestAzidentityActsOnBehalfOfAUser(t *testing.T) {
	w := newWorld(t)
	w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "front", AppID: frontID, Secret: "s3cret"})
	assertion := w.UserToken(w.alice, "api://"+frontID, simtenant.WithMFA())
	credential, err := azidentity.NewOnBehalfOfCredentialWithSecret(w.ID(), frontID, assertion, "s3cret",
		&azidentity.OnBehalfOfCredentialOptions{ClientOptions: policy.ClientOptions{Transport: w.Transport()}})
	require.NoError(t, err)
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	require.NoError(t, err)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	require.Equal(t, http.StatusCreated, w.put(token.Token, subscription, assign, newProps("SelfActivate", w.alice, subscription)).Status)
}
