package functions

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/pim"
)

// Callers tells who asks. The zero value knows function keys alone.
type Callers struct {
	// Verify reads an Entra access token; nil refuses every token.
	Verify func(ctx context.Context, token string) (pim.Caller, error)
	// EasyAuth says that App Service authentication stands in front of us, so that
	// its headers are its own. Where it does not, anybody can send them.
	EasyAuth bool
	// Tenant is the directory whose people EasyAuth may name: it can be set up for
	// those of others, and for other services to sign in with.
	Tenant string
	// Rules tells the names of function keys.
	Rules func(context.Context) (*pim.Rules, error)
}

// Caller is who sent r. A token decides before anything else: a bad one is never
// overlooked for the sake of a key that came with it.
func (c Callers) Caller(r *http.Request) (pim.Caller, error) {
	const op = "Caller"
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" || c.Verify == nil {
			return pim.Caller{}, &pim.Error{Op: op, Code: pim.CodeUnauthenticated, Detail: "the Authorization header holds no token that is taken here"}
		}
		return c.Verify(r.Context(), strings.TrimSpace(token))
	}
	if c.EasyAuth {
		return c.easyAuth(r.Header.Get("X-MS-CLIENT-PRINCIPAL"))
	}
	sum := r.Header.Get(handler.KeySHA256)
	if sum == "" {
		return pim.Caller{}, &pim.Error{Op: op, Code: pim.CodeUnauthenticated, Detail: "neither a token nor a function key came with the request"}
	}
	caller := pim.Caller{Kind: pim.CallerKey}
	if c.Rules == nil {
		return caller, nil
	}
	rules, err := c.Rules(r.Context())
	if err != nil {
		return pim.Caller{}, &pim.Error{Op: op, Code: pim.CodeInternal, Detail: "the rules cannot be read", Err: err}
	}
	if name, ok := rules.KeyName(sum); ok {
		caller.ID = name
	}
	return caller, nil
}

// easyAuth reads the principal that App Service authentication has verified.
func (c Callers) easyAuth(header string) (pim.Caller, error) {
	no := func(why string, err error) (pim.Caller, error) {
		return pim.Caller{}, &pim.Error{Op: "Caller", Code: pim.CodeUnauthenticated, Detail: why, Err: err}
	}
	if header == "" {
		return no("App Service authentication names nobody", nil)
	}
	var doc struct {
		Provider string `json:"auth_typ"`
		Claims   []struct {
			Type  string `json:"typ"`
			Value string `json:"val"`
		} `json:"claims"`
	}
	b, err := base64.StdEncoding.DecodeString(header)
	if err != nil || json.Unmarshal(b, &doc) != nil {
		return no("App Service authentication names nobody that can be read", nil)
	}
	caller := pim.Caller{Kind: pim.CallerUser}
	var kind, tenant, subject, scopes string
	for _, claim := range doc.Claims {
		switch claim.Type {
		case "oid", "http://schemas.microsoft.com/identity/claims/objectidentifier":
			caller.ID = claim.Value
		case "tid", "http://schemas.microsoft.com/identity/claims/tenantid":
			tenant = claim.Value
		case "sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier":
			subject = claim.Value
		case "scp", "http://schemas.microsoft.com/identity/claims/scope":
			scopes = claim.Value
		case "idtyp":
			kind = claim.Value
		case "azp", "appid":
			caller.AppID = strings.ToLower(claim.Value)
		case "roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role":
			caller.Roles = append(caller.Roles, claim.Value)
		case "amr", "http://schemas.microsoft.com/claims/authnmethodsreferences":
			caller.MFA = caller.MFA || claim.Value == "mfa"
		}
	}
	if doc.Provider != "aad" || tenant == "" || !strings.EqualFold(tenant, c.Tenant) {
		return no("App Service authentication names somebody of another directory", nil)
	}
	// Only an application is its own subject; taking it for a user would let it be a
	// self. See package entra for the same in tokens.
	if kind == "app" || kind == "" && scopes == "" && strings.EqualFold(subject, caller.ID) {
		caller.Kind = pim.CallerApp
	}
	if caller.ID, err = pim.ParsePrincipal(caller.ID); err != nil {
		return no("App Service authentication names no object id", nil)
	}
	return caller, nil
}
