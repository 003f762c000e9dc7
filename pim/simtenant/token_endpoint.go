package simtenant

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

const onBehalfOf = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// serveToken is the token endpoint: client credentials and On-Behalf-Of.
func (t *Tenant) serveToken(c *call) *answer {
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		return signInError(http.StatusBadRequest, "invalid_request", "AADSTS900144: The request body is malformed.")
	}
	client := t.application(form.Get("client_id"))
	if client == nil || client.disabled {
		return signInError(http.StatusBadRequest, "unauthorized_client", "AADSTS700016: The application was not found in the directory.")
	}
	if !t.provesClient(client, form) {
		return signInError(http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret or assertion provided.")
	}
	switch form.Get("grant_type") {
	case "client_credentials":
		audience, ok := strings.CutSuffix(form.Get("scope"), "/.default")
		if !ok {
			return signInError(http.StatusBadRequest, "invalid_scope", "AADSTS1002012: The scope must end in /.default.")
		}
		c.caller.oid = client.id
		return t.issue(t.newGrant(client, audience), "")
	case onBehalfOf:
		return t.serveOnBehalfOf(c, client, form)
	}
	return signInError(http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The grant type is not supported.")
}

// provesClient checks a secret, or an assertion: for a managed identity as a
// federated credential, a token of that identity for the exchange audience.
func (t *Tenant) provesClient(client *principal, form url.Values) bool {
	if s := form.Get("client_secret"); s != "" {
		return client.secret == s
	}
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return false
	}
	h := http.Header{"Authorization": {"Bearer " + form.Get("client_assertion")}}
	from, err := t.authenticate(h, func(aud string) bool {
		return strings.TrimSuffix(aud, "/") == "api://AzureADTokenExchange"
	})
	return err == nil && from.appOnly && slices.Contains(client.federated, from.oid)
}

// serveOnBehalfOf exchanges a user's token for this client against one for a
// service. What the sign-in did not prove cannot be proved here: the challenge
// goes back to the front end.
func (t *Tenant) serveOnBehalfOf(c *call, client *principal, form url.Values) *answer {
	if form.Get("requested_token_use") != "on_behalf_of" {
		return signInError(http.StatusBadRequest, "invalid_request", "AADSTS900144: requested_token_use must be on_behalf_of.")
	}
	claims := jwt.MapClaims{}
	h := http.Header{"Authorization": {"Bearer " + form.Get("assertion")}}
	user, refused := t.authenticate(h, func(aud string) bool {
		return sameID(strings.TrimPrefix(aud, "api://"), client.appID)
	})
	if refused != nil || user.appOnly {
		return signInError(http.StatusBadRequest, "invalid_grant", "AADSTS500131: Assertion is invalid or not for this application.")
	}
	audience, scopes := splitScopes(form.Get("scope"))
	if audience == "" {
		return signInError(http.StatusBadRequest, "invalid_scope", "AADSTS70011: The scope is not valid.")
	}
	if scopes = t.consented(client, audience, scopes); len(scopes) == 0 {
		return signInError(http.StatusBadRequest, "invalid_grant", "AADSTS65001: The user or administrator has not consented to use the application.")
	}
	c.caller = user
	_, _, _ = jwt.NewParser().ParseUnverified(form.Get("assertion"), claims)
	g := t.newGrant(t.principal(user.oid), audience, WithClient(client.appID), WithScopes(scopes...), WithContext(user.acrs...))
	g.mfa = user.mfa
	if asked := form.Get("claims"); asked != "" {
		contexts, mfa, err := parseChallenge(asked)
		missing := slices.ContainsFunc(contexts, func(id string) bool { return !slices.Contains(user.acrs, id) })
		switch {
		case err != nil:
			return signInError(http.StatusBadRequest, "invalid_request", "AADSTS50148: The claims parameter is malformed.")
		case missing || mfa && !user.mfa:
			return interactionRequired(asked)
		}
	}
	return t.issue(g, form.Get("scope"))
}

// splitScopes takes resource and permission names out of a scope parameter.
func splitScopes(scope string) (audience string, names []string) {
	for _, s := range strings.Fields(scope) {
		if slices.Contains([]string{"openid", "profile", "offline_access", "email"}, s) {
			continue
		}
		at := strings.LastIndexByte(s, '/')
		if at < 0 || audience != "" && audience != s[:at] {
			return "", nil
		}
		audience = s[:at]
		names = append(names, s[at+1:])
	}
	return audience, names
}

// consented are the permissions asked for that the application has; .default
// means all of them.
func (t *Tenant) consented(client *principal, audience string, names []string) []string {
	have := client.scopes
	if !isGraph(audience) {
		have = []string{"user_impersonation"}
	}
	if slices.Contains(names, ".default") {
		return have
	}
	if slices.ContainsFunc(names, func(n string) bool { return !slices.Contains(have, n) }) {
		return nil
	}
	return names
}

func interactionRequired(claims string) *answer {
	var compact any
	_ = json.Unmarshal([]byte(claims), &compact) // it was parsed before
	text, _ := json.Marshal(compact)
	return reply(http.StatusBadRequest, map[string]any{
		"error": "interaction_required", "suberror": "basic_action", "claims": string(text),
		"error_description": "AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication to access the resource.",
		"error_codes":       []int{50076},
	})
}

// issue answers with a token. The scopes are named in full, with the one that was
// asked for among them: clients compare.
func (t *Tenant) issue(g *grant, asked string) *answer {
	seconds := int(g.life.Seconds())
	scopes := strings.Fields(asked)
	for _, name := range g.scopes {
		if full := strings.TrimSuffix(g.audience, "/") + "/" + name; !slices.Contains(scopes, full) {
			scopes = append(scopes, full)
		}
	}
	return reply(http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": t.sign(g),
		"scope": strings.Join(scopes, " "),
	})
}
