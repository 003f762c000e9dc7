package simtenant

import (
	"fmt"
	"net/http"
	"strings"
)

const loginHost = "https://login.microsoftonline.com"

// issuer is the issuer of v2.0 tokens and of the metadata.
func (t *Tenant) issuer() string { return t.login() + "/" + t.opt.TenantID + "/v2.0" }

// issuerV1 is the issuer of the tokens for Azure's own services, which are v1.0.
func (t *Tenant) issuerV1() string { return "https://sts.windows.net/" + t.opt.TenantID + "/" }

func (t *Tenant) login() string {
	if t.opt.BaseURL != "" {
		return strings.TrimSuffix(t.opt.BaseURL, "/")
	}
	return loginHost
}

// claimsSignIn reports whether a call is for the sign-in service.
func claimsSignIn(c *call) bool {
	return strings.Contains(c.path, "/oauth2/") || strings.Contains(c.path, "/discovery/") ||
		strings.Contains(c.path, "/.well-known/")
}

func (t *Tenant) serveSignIn(c *call) *answer {
	segments := strings.Split(strings.Trim(c.path, "/"), "/")
	tenant, rest := segments[0], strings.Join(segments[1:], "/")
	if c.path == "/common/discovery/instance" {
		return t.instance()
	}
	if !sameID(tenant, t.opt.TenantID) && tenant != "common" && tenant != "organizations" {
		return signInError(http.StatusBadRequest, "invalid_tenant", "AADSTS90002: Tenant '"+tenant+"' not found.")
	}
	switch {
	case rest == "v2.0/.well-known/openid-configuration" && c.method == http.MethodGet:
		return t.openIDConfiguration()
	case rest == "discovery/v2.0/keys" && c.method == http.MethodGet:
		return reply(http.StatusOK, t.jwks())
	case rest == "oauth2/v2.0/token" && c.method == http.MethodPost:
		return t.serveToken(c)
	}
	return reply(http.StatusNotFound, nil)
}

func (t *Tenant) openIDConfiguration() *answer {
	base := t.login() + "/" + t.opt.TenantID
	return reply(http.StatusOK, map[string]any{
		"issuer": t.issuer(), "jwks_uri": base + "/discovery/v2.0/keys",
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"cloud_instance_name":                   "microsoftonline.com", "tenant_region_scope": "EU",
	})
}

// instance answers the discovery by which clients check an unknown authority.
func (t *Tenant) instance() *answer {
	return reply(http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": t.login() + "/" + t.opt.TenantID + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []any{map[string]any{
			"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net",
			"aliases": []string{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"},
		}},
	})
}

// signInError is a refusal of the sign-in service, whose description begins with a
// number that clients read from error_codes.
func signInError(status int, code, description string) *answer {
	body := map[string]any{"error": code, "error_description": description}
	var number int
	if _, err := fmt.Sscanf(description, "AADSTS%d", &number); err == nil {
		body["error_codes"] = []int{number}
	}
	if number == 65001 {
		body["suberror"] = "consent_required"
	}
	return reply(status, body)
}
