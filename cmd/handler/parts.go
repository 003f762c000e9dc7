package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/auditlog"
	"github.com/azurepim/azure-pim/internal/bus"
	"github.com/azurepim/azure-pim/internal/config"
	"github.com/azurepim/azure-pim/internal/entra"
	"github.com/azurepim/azure-pim/internal/vault"
	"github.com/azurepim/azure-pim/pim"
)

// openVault returns nil where the settings name no vault.
func openVault(c config.Config, cred azcore.TokenCredential) (*vault.Vault, error) {
	if c.KeyVault == "" {
		return nil, nil
	}
	return vault.New(c.KeyVault, cred, azcore.ClientOptions{Cloud: c.Cloud})
}

// openAudit logs to stdout, and to a container where the settings name one.
func openAudit(c config.Config, cred azcore.TokenCredential) (pim.Sink, error) {
	out := auditlog.NewWriter(os.Stdout)
	if c.AuditContainer == "" {
		return out, nil
	}
	account, container := c.AuditContainer[:strings.LastIndexByte(c.AuditContainer, '/')], path.Base(c.AuditContainer)
	blobs, err := auditlog.NewBlob(account, instance(c), cred, &auditlog.BlobOptions{Container: container})
	if err != nil {
		return nil, err
	}
	return auditlog.All(blobs, out), nil
}

// instance names this process among those that write at the same time.
func instance(c config.Config) string {
	host := c.Site
	if host == "" {
		host, _ = os.Hostname()
	}
	return fmt.Sprintf("%.16s-%d", host, os.Getpid())
}

func openQueues(app *functions.App, c config.Config, cred azcore.TokenCredential) error {
	if c.ServiceBus == (config.ServiceBus{}) {
		return nil
	}
	b, err := bus.New(bus.Settings{ConnectionString: c.ServiceBus.Connection, FullyQualifiedNamespace: c.ServiceBus.Namespace, Credential: cred})
	if err != nil {
		return err
	}
	app.Queues = queues{b}
	app.Engine.Outbox = functions.Outbox{Queues: app.Queues}
	return nil
}

// openCallers takes tokens where the settings name an audience.
func openCallers(c config.Config, rules func(context.Context) (*pim.Rules, error)) (functions.Callers, error) {
	callers := functions.Callers{EasyAuth: c.EasyAuth, Tenant: c.Tenant, Rules: rules}
	if len(c.Audience) > 0 {
		v := &entra.Verifier{Tenant: c.Tenant, Audience: c.Audience, Login: c.Cloud.ActiveDirectoryAuthorityHost, Client: http.DefaultClient}
		callers.Verify = v.Verify
	}
	return callers, nil
}

// openOnBehalf returns nil where the settings name no app that users sign in to.
func openOnBehalf(c config.Config, cred azcore.TokenCredential, v *vault.Vault) (func(context.Context, string) (*pim.Client, error), error) {
	if c.App == "" {
		return nil, nil
	}
	o := entra.OnBehalf{Tenant: c.Tenant, App: c.App, Identity: cred, Options: azcore.ClientOptions{Cloud: c.Cloud}}
	if name := c.AppSecret.Secret; name != "" {
		if v == nil {
			return nil, errors.New("PIM_APP_SECRET names a secret, and there is no vault")
		}
		o.Secret = func(ctx context.Context) (string, error) { return v.Secret(ctx, name) }
	}
	return func(ctx context.Context, token string) (*pim.Client, error) {
		user, err := o.Credential(ctx, token)
		if err != nil {
			return nil, err
		}
		return pim.NewClient(user, &pim.ClientOptions{ClientOptions: o.Options})
	}, nil
}
