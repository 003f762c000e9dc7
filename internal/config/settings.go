package config

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/azurepim/azure-pim/pim"
)

// Setting is one app setting. docs/settings.md, local.settings.sample.json and the
// Bicep are held to this list by tests.
type Setting struct {
	Name     string
	Doc      string // one line
	Default  string
	Required bool
	Host     bool // read by the Functions host, not by us
	Local    bool // for local runs and tests; no deployment sets it

	read func(*Config, string) error
}

// Settings lists every app setting.
func Settings() []Setting { return settings }

var settings = []Setting{
	{Name: "PIM_TENANT_ID", Required: true, Doc: "The directory (tenant) id.", read: func(c *Config, v string) (err error) {
		c.Tenant, err = pim.ParsePrincipal(v)
		if err != nil {
			err = fmt.Errorf("%q is not a tenant id", v)
		}
		return err
	}},
	{Name: "AZURE_CLIENT_ID", Doc: "Client id of the user-assigned managed identity. Empty: the system-assigned one.", read: text(func(c *Config) *string { return &c.ClientID })},
	{Name: "PIM_CLOUD", Default: "public", Doc: "public, usgov or china.", read: readCloud},
	{Name: "PIM_ARM_ENDPOINT", Local: true, Doc: "Azure Resource Manager elsewhere. Plain http for a loopback address alone.", read: func(c *Config, v string) error {
		return override(c, cloud.ResourceManager, v)
	}},
	{Name: "PIM_GRAPH_ENDPOINT", Local: true, Doc: "Microsoft Graph elsewhere. Plain http for a loopback address alone.", read: func(c *Config, v string) error {
		return override(c, pim.Graph, v)
	}},
	{Name: "PIM_LOGIN_ENDPOINT", Local: true, Doc: "Entra sign-in elsewhere. Plain http for a loopback address alone.", read: func(c *Config, v string) (err error) {
		c.Cloud.ActiveDirectoryAuthorityHost, err = endpoint(v)
		return err
	}},
	{Name: "PIM_RULES", Default: "rules.yaml", Doc: "Who may ask for what: a file of the package, or keyvault:<secret>.", read: from(func(c *Config) *Source { return &c.Rules })},
	{Name: "PIM_KEY_VAULT_URI", Doc: "The Key Vault that holds what keyvault:<secret> names.", read: at(func(c *Config) *string { return &c.KeyVault })},
	{Name: "PIM_LEDGER", Default: "memory", Doc: "Where changes are journalled: the endpoint of a table service, or memory, which is lost with the process.", read: func(c *Config, v string) (err error) {
		if c.Ledger = v; v != "memory" {
			c.Ledger, err = endpoint(v)
		}
		return err
	}},
	{Name: "PIM_LEDGER_RETENTION", Default: "P400D", Doc: "How long the journal keeps a change that has ended, as an ISO 8601 duration.", read: length(func(c *Config) *time.Duration { return &c.Retention })},
	{Name: "PIM_LEASE", Local: true, Doc: "How long a change stays with a worker that may have died, as an ISO 8601 duration. Default: three and a half minutes.", read: length(func(c *Config) *time.Duration { return &c.Lease })},
	{Name: "PIM_AUDIENCE", Doc: "Audiences that tokens for this app name, parted by commas. Empty: no token is taken.", read: func(c *Config, v string) error {
		c.Audience = strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' })
		return nil
	}},
	{Name: "PIM_APP_ID", Doc: "Client id of the app registration that users sign in to. Empty: nobody activates with a token of their own.", read: text(func(c *Config) *string { return &c.App })},
	{Name: "PIM_APP_SECRET", Doc: "keyvault:<secret> with that app's client secret. Empty: the managed identity vouches for it by a federated credential.", read: func(c *Config, v string) (err error) {
		if c.AppSecret, err = source(v); err == nil && c.AppSecret.Secret == "" {
			return fmt.Errorf("a secret stands in the Key Vault: write keyvault:<secret>")
		}
		return err
	}},
	{Name: "PIM_AUDIT_CONTAINER", Doc: "URL of the blob container for the audit log. Empty: stdout alone.", read: at(func(c *Config) *string { return &c.AuditContainer })},
	{Name: "PIM_IDENTITY_OBJECT_ID", Doc: "Object id of our own identity, which is never granted anything. Empty: what its token says.", read: ids(func(c *Config) *[]string { return &c.Identity })},
	{Name: "PIM_ADMIN_GROUPS", Doc: "Object ids of the groups that administer this app, parted by commas. They are never granted anything, nor changed.", read: ids(func(c *Config) *[]string { return &c.AdminGroups })},
	{Name: "PIM_PROTECTED_PRINCIPALS", Doc: "Object ids of protected (break-glass) principals, parted by commas.", read: ids(func(c *Config) *[]string { return &c.Protected })},
	{Name: "PIM_RESOURCE_GROUP", Doc: "Full id of the app's own resource group, over which nothing is granted.", read: func(c *Config, v string) (err error) {
		c.ResourceGroup, err = pim.ParseScope(pim.Azure, v)
		return err
	}},
	{Name: "PIM_DISABLED", Doc: "true stops everything: every request is refused, and nothing more is asked of the tenant.", read: func(c *Config, v string) (err error) {
		c.Stopped, err = strconv.ParseBool(v)
		return err
	}},
	{Name: "PIM_SWEEP_RULES", Doc: "What the sweep watches: a file of the package, or keyvault:<secret>. Empty: nothing is swept.", read: from(func(c *Config) *Source { return &c.SweepRules })},
	{Name: "PIM_SWEEP_STORE", Default: "memory", Doc: "URL of the blob container for sweep plans, or memory, which is lost with the process.", read: func(c *Config, v string) (err error) {
		if c.SweepStore = v; v != "memory" {
			c.SweepStore, err = endpoint(v)
		}
		return err
	}},
	{Name: "ServiceBusConnection", Local: true, Doc: "Connection string of the Service Bus namespace.", read: text(func(c *Config) *string { return &c.ServiceBus.Connection })},
	{Name: "ServiceBusConnection__fullyQualifiedNamespace", Doc: "Host name of the Service Bus namespace, reached by identity.", read: text(func(c *Config) *string { return &c.ServiceBus.Namespace })},
	{Name: "ServiceBusConnection__credential", Host: true, Doc: "managedidentity, so that the host signs in as we do."},
	{Name: "ServiceBusConnection__clientId", Host: true, Doc: "Client id of the identity by which the host receives."},
	{Name: "SWEEP_SCHEDULE", Host: true, Doc: "When the sweep runs, as NCRONTAB: second, minute, hour, day, month, weekday."},
	{Name: "WEBSITE_AUTH_ENABLED", Host: true, Doc: "Set by App Service where its authentication is on: only then its headers count.", read: func(c *Config, v string) (err error) {
		c.EasyAuth, err = strconv.ParseBool(v)
		return err
	}},
	{Name: "WEBSITE_INSTANCE_ID", Host: true, Doc: "Set by App Service: the instance, which names the audit files.", read: text(func(c *Config) *string { return &c.Site })},
	{Name: "FUNCTIONS_CUSTOMHANDLER_PORT", Host: true, Doc: "Set by the host: where it wants us to listen.", read: text(func(c *Config) *string { return &c.Port })},
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = v
		return nil
	}
}

func at(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		*field(c), err = endpoint(v)
		return err
	}
}

func from(field func(*Config) *Source) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		*field(c), err = source(v)
		return err
	}
}

func ids(field func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, v string) (err error) {
		*field(c), err = objectIDs(v)
		return err
	}
}

func length(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := pim.ParseDuration(v)
		*field(c) = time.Duration(d)
		return err
	}
}

// graphs are the endpoints of Microsoft Graph, which the SDK does not list.
var graphs = map[string]string{
	"public": "https://graph.microsoft.com",
	"usgov":  "https://graph.microsoft.us",
	"china":  "https://microsoftgraph.chinacloudapi.cn",
}

func readCloud(c *Config, v string) error {
	known := map[string]cloud.Configuration{"public": cloud.AzurePublic, "usgov": cloud.AzureGovernment, "china": cloud.AzureChina}
	base, ok := known[v]
	if !ok {
		return fmt.Errorf("%q is not public, usgov or china", v)
	}
	// The SDK's map is shared by the whole process.
	base.Services = maps.Clone(base.Services)
	base.Services[pim.Graph] = cloud.ServiceConfiguration{Endpoint: graphs[v], Audience: graphs[v]}
	c.Cloud = base
	return nil
}

// override moves a service elsewhere; what tokens are for stays what it was.
func override(c *Config, name cloud.ServiceName, v string) error {
	at, err := endpoint(v)
	if err != nil {
		return err
	}
	s := c.Cloud.Services[name]
	s.Endpoint = at
	if c.Cloud.Services == nil {
		return fmt.Errorf("there is no such cloud")
	}
	c.Cloud.Services[name] = s
	return nil
}
