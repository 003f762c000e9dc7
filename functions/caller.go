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
		return easyAuth(r.Header.Get("X-MS-CLIENT-PRINCIPAL"))
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
func easyAuth(header string) (pim.Caller, error) {
	const op = "Caller"
	var doc struct {
		Claims []struct {
			Type  string `json:"typ"`
			Value string `json:"val"`
		} `json:"claims"`
	}
	b, err := base64.StdEncoding.DecodeString(header)
	if err == nil {
		err = json.Unmarshal(b, &doc)
	}
	if err != nil || header == "" {
		return pim.Caller{}, &pim.Error{Op: op, Code: pim.CodeUnauthenticated, Detail: "App Service authentication names nobody", Err: err}
	}
	caller := pim.Caller{Kind: pim.CallerUser}
	for _, claim := range doc.Claims {
		switch claim.Type {
		case "oid", "http://schemas.microsoft.com/identity/claims/objectidentifier":
			caller.ID = strings.ToLower(claim.Value)
		case "azp", "appid":
			caller.AppID = strings.ToLower(claim.Value)
		case "roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role":
			caller.Roles = append(caller.Roles, claim.Value)
		case "idtyp":
			if claim.Value == "app" {
				caller.Kind = pim.CallerApp
			}
		case "amr", "http://schemas.microsoft.com/claims/authnmethodsreferences":
			caller.MFA = caller.MFA || claim.Value == "mfa"
		}
	}
	if _, err := pim.ParsePrincipal(caller.ID); err != nil {
		return pim.Caller{}, &pim.Error{Op: op, Code: pim.CodeUnauthenticated, Detail: "App Service authentication names no object id"}
	}
	return caller, nil
}
