package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/azurepim/azure-pim/internal/config"
	"github.com/azurepim/azure-pim/pim"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// signIn says how the person at the keyboard signs in to Azure.
type signIn struct{ way, tenant, cloud string }

// ways are the values of --auth, and what helps where one of them fails.
var ways = []struct{ name, remedy string }{
	{"default", "run az login, or choose a way with --auth, which then tells more"},
	{"cli", "run az login"},
	{"browser", "try --auth device where no browser can be opened"},
	{"device", "enter the code that was shown, before it ends"},
	{"env", "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"},
	{"identity", "a managed identity is there only on a machine in Azure; AZURE_CLIENT_ID chooses among several"},
}

func (s *signIn) flags(cmd *cobra.Command) {
	names := make([]string, len(ways))
	for i, w := range ways {
		names[i] = w.name
	}
	f := cmd.Flags()
	f.StringVar(&s.way, "auth", names[0], "how to sign in: "+strings.Join(names, ", "))
	f.StringVar(&s.tenant, "tenant", "", "directory (tenant) id to sign in to (default $PIM_TENANT_ID, else your own)")
	f.StringVar(&s.cloud, "cloud", "", "public, usgov or china (default $PIM_CLOUD, else public)")
	complete(cmd, "auth", names...)
	complete(cmd, "cloud", "public", "usgov", "china")
}

// settings reads the app's own settings, so that what is decided here is guarded as
// it is there. No tenant need be named where none is signed in to.
func (c *cli) settings(s signIn) (config.Config, error) {
	cfg, err := config.Read(func(name string) string {
		v := c.getenv(name)
		switch {
		case name == "PIM_TENANT_ID" && s.tenant != "":
			return s.tenant
		case name == "PIM_TENANT_ID" && v == "":
			return uuid.Nil.String()
		case name == "PIM_CLOUD" && s.cloud != "":
			return s.cloud
		}
		return v
	})
	if err != nil {
		return cfg, usage("settings: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return cfg, nil
}

// credential signs in on demand: nothing is asked of Entra before a token is needed.
func (c *cli) credential(s signIn, cfg config.Config) (azcore.TokenCredential, error) {
	tenant := cfg.Tenant
	if tenant == uuid.Nil.String() {
		tenant = ""
	}
	o := azcore.ClientOptions{Cloud: cfg.Cloud}
	// Whoever names another sign-in service vouches for it.
	trusted := c.getenv("PIM_LOGIN_ENDPOINT") != ""
	var cred azcore.TokenCredential
	var err error
	switch s.way {
	case "default":
		cred, err = azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: o, TenantID: tenant, DisableInstanceDiscovery: trusted})
	case "cli":
		cred, err = azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: tenant})
	case "browser":
		cred, err = azidentity.NewInteractiveBrowserCredential(&azidentity.InteractiveBrowserCredentialOptions{ClientOptions: o, TenantID: tenant, DisableInstanceDiscovery: trusted})
	case "device":
		cred, err = azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{ClientOptions: o, TenantID: tenant, DisableInstanceDiscovery: trusted,
			UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
				_, err := fmt.Fprintln(c.err, clean(m.Message))
				return err
			}})
	case "env":
		cred, err = azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: trusted})
	case "identity":
		m := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}
		if cfg.ClientID != "" {
			m.ID = azidentity.ClientID(cfg.ClientID)
		}
		cred, err = azidentity.NewManagedIdentityCredential(m)
	default:
		return nil, usage("--auth %q is no way to sign in", s.way)
	}
	if err != nil {
		return nil, s.failed(err)
	}
	return signedIn{cred, s}, nil
}

// signedIn says in one line why signing in failed, and what to do about it.
type signedIn struct {
	azcore.TokenCredential
	by signIn
}

func (s signedIn) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t, err := s.TokenCredential.GetToken(ctx, o)
	if err != nil {
		err = s.by.failed(err)
	}
	return t, err
}

func (s signIn) failed(err error) error {
	i := slices.IndexFunc(ways, func(w struct{ name, remedy string }) bool { return w.name == s.way })
	return &pim.Error{Op: "signIn", Code: pim.CodeUnauthenticated, Detail: "signing in (--auth " + s.way + ") failed", Remedy: ways[i].remedy, Err: errors.New(cause(err))}
}

// cause finds in the page of text that the SDK makes of a failed sign-in what Entra
// said, or else how it begins.
func cause(err error) string {
	if said := entraSays.FindString(err.Error()); said != "" {
		return said
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimRight(first, " .")
}

var entraSays = regexp.MustCompile(`AADSTS\d+: [^\n"]*`)

// whoAmI is the signed-in person or application as a caller. The token is our own,
// so its claims are read and not verified.
func whoAmI(ctx context.Context, cred azcore.TokenCredential, cfg config.Config) (pim.Caller, error) {
	audience := cfg.Cloud.Services[cloud.ResourceManager].Audience
	t, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{audience + "/.default"}})
	if err != nil {
		return pim.Caller{}, err
	}
	var claims struct {
		OID   string   `json:"oid"`
		AppID string   `json:"appid"`
		Type  string   `json:"idtyp"`
		Scope string   `json:"scp"` // of a person's token alone
		AMR   []string `json:"amr"`
	}
	parts := strings.Split(t.Token, ".")
	if len(parts) != 3 {
		return pim.Caller{}, errors.New("the token does not tell who is signed in; say who asks with --as")
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(b, &claims) != nil {
		return pim.Caller{}, errors.New("the token does not tell who is signed in; say who asks with --as")
	}
	id, err := pim.ParsePrincipal(claims.OID)
	if err != nil {
		return pim.Caller{}, errors.New("the token names no object id; say who asks with --as")
	}
	if claims.Type == "app" || claims.Scope == "" {
		return pim.Caller{Kind: pim.CallerApp, ID: id, AppID: claims.AppID}, nil
	}
	return pim.Caller{Kind: pim.CallerUser, ID: id, MFA: slices.Contains(claims.AMR, "mfa"), Token: withToken}, nil
}
