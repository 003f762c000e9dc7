// Package config turns app settings into one struct. It is the only reader of the
// environment, once, at the start.
package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/azurepim/azure-pim/pim"
)

// Config is what the app settings say. Its zero value allows nothing and sends
// nothing.
type Config struct {
	Tenant         string              // directory (tenant) id
	ClientID       string              // of the user-assigned managed identity; empty is the system-assigned one
	Cloud          cloud.Configuration // endpoints of ARM, Graph and sign-in
	Rules          Source
	KeyVault       string // vault URI; empty where nothing is kept there
	ServiceBus     ServiceBus
	Ledger         string // "memory" or the endpoint of a table service
	Retention      time.Duration
	Lease          time.Duration
	Audience       []string // that tokens for us name; empty refuses every token
	App            string   // client id of the app registration that users sign in to; empty: no On-Behalf-Of
	AppSecret      Source   // of that app; zero signs in with the managed identity's assertion
	AuditContainer string   // URL of a blob container; empty logs to stdout alone
	Identity       []string // our own object ids
	AdminGroups    []string
	Protected      []string
	ResourceGroup  pim.Scope // our own
	Stopped        bool
	EasyAuth       bool
	SweepRules     Source
	SweepStore     string // URL of a blob container, or a folder for local runs
	Port           string // that the host wants us to listen on
	Site           string // name of the instance, for the names of audit files
}

// Source says where a document lies: a file of the package, or a secret of the Key
// Vault. The zero Source is none.
type Source struct{ File, Secret string }

// ServiceBus says how to reach the namespace: by the connection string or by the
// identity, as the Functions host reads it. Zero: there is none.
type ServiceBus struct{ Connection, Namespace string }

// Read reads the settings. get is os.Getenv. Its error names every mistake.
func Read(get func(string) string) (Config, error) {
	c := Config{}
	var errs []error
	for _, s := range settings {
		v := strings.TrimSpace(get(s.Name))
		if v == "" {
			v = s.Default
		}
		if v == "" && s.Required {
			errs = append(errs, fmt.Errorf("%s is missing: %s", s.Name, s.Doc))
			continue
		}
		if v == "" || s.read == nil {
			continue
		}
		if err := s.read(&c, v); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	if err := c.check(); err != nil {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// check finds settings that do not go together.
func (c Config) check() error {
	var errs []error
	if c.KeyVault == "" {
		for name, s := range map[string]Source{"PIM_RULES": c.Rules, "PIM_APP_SECRET": c.AppSecret, "PIM_SWEEP_RULES": c.SweepRules} {
			if s.Secret != "" {
				errs = append(errs, fmt.Errorf("%s names a secret, and PIM_KEY_VAULT_URI no vault", name))
			}
		}
	}
	if c.ServiceBus.Connection != "" && c.ServiceBus.Namespace != "" {
		errs = append(errs, errors.New("ServiceBusConnection and ServiceBusConnection__fullyQualifiedNamespace exclude each other"))
	}
	return errors.Join(errs...)
}

func endpoint(v string) (string, error) {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not a URL of a service", v)
	}
	switch h := u.Hostname(); {
	case u.Scheme == "https":
	case u.Scheme == "http" && (h == "127.0.0.1" || h == "::1" || h == "localhost"):
	default:
		return "", fmt.Errorf("%q is not https, and not on this machine", v)
	}
	return strings.TrimSuffix(v, "/"), nil
}

func source(v string) (Source, error) {
	if name, ok := strings.CutPrefix(v, "keyvault:"); ok {
		if name == "" || strings.ContainsAny(name, "/?#% ") {
			return Source{}, fmt.Errorf("%q is not the name of a secret", name)
		}
		return Source{Secret: name}, nil
	}
	return Source{File: v}, nil
}

func objectIDs(v string) ([]string, error) {
	var out []string
	for _, one := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }) {
		id, err := pim.ParsePrincipal(one)
		if err != nil {
			return nil, fmt.Errorf("%q is not an object id", one)
		}
		out = append(out, id)
	}
	return out, nil
}
