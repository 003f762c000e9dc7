package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/internal/config"
	"github.com/azurepim/azure-pim/internal/entra"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
)

// assemble makes the parts that the settings ask for. It asks no service anything:
// what cannot be reached shows when it is needed.
func assemble(ctx context.Context, c config.Config, log *slog.Logger) (*functions.App, error) {
	cred, err := identity(c)
	if err != nil {
		return nil, err
	}
	options := azcore.ClientOptions{Cloud: c.Cloud}
	client, err := pim.NewClient(cred, &pim.ClientOptions{ClientOptions: options})
	if err != nil {
		return nil, err
	}
	secrets, err := openVault(c, cred)
	if err != nil {
		return nil, err
	}
	rules, err := openRules(c, secrets)
	if err != nil {
		return nil, err
	}
	sink, err := openAudit(c, cred)
	if err != nil {
		return nil, err
	}
	self, err := ourselves(ctx, c, cred, log)
	if err != nil {
		return nil, err
	}
	app := &functions.App{Log: log, Version: version, Retention: c.Retention}
	app.Engine = &pim.Engine{
		Tenant: c.Tenant, Client: client, Audit: sink, Rules: rules, Log: log, Lease: c.Lease, Trace: handler.InvocationID,
		Guard: pim.Guard{Identity: self, AdminGroups: c.AdminGroups, Protected: c.Protected, ResourceGroup: c.ResourceGroup, Stopped: c.Stopped},
	}
	if err := openLedger(app, c, cred); err != nil {
		return nil, err
	}
	if err := openQueues(app, c, cred); err != nil {
		return nil, err
	}
	if app.Engine.As, err = openOnBehalf(c, cred, secrets); err != nil {
		return nil, err
	}
	if app.Sweeper, err = openSweep(c, cred, secrets, app.Engine, log); err != nil {
		return nil, err
	}
	app.Callers, err = openCallers(c, rules)
	return app, err
}

// identity is the managed identity that everything is done with, in Azure and, by
// the same endpoint, on a developer's machine.
func identity(c config.Config) (azcore.TokenCredential, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: azcore.ClientOptions{Cloud: c.Cloud}}
	if c.ClientID != "" {
		o.ID = azidentity.ClientID(c.ClientID)
	}
	return azidentity.NewManagedIdentityCredential(o)
}

// ourselves is who we must never grant anything to: what the setting says, or what
// our own token says.
func ourselves(ctx context.Context, c config.Config, cred azcore.TokenCredential, log *slog.Logger) ([]string, error) {
	if len(c.Identity) > 0 {
		return c.Identity, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	id, err := entra.Self(ctx, cred, c.Cloud.Services[cloud.ResourceManager].Audience+"/.default")
	if err != nil {
		return nil, fmt.Errorf("PIM_IDENTITY_OBJECT_ID is not set, and the identity cannot be asked: %w", err)
	}
	log.InfoContext(ctx, "our own identity", "objectId", id)
	return []string{id}, nil
}

func openLedger(app *functions.App, c config.Config, cred azcore.TokenCredential) error {
	if c.Ledger == "memory" {
		m := ledger.NewMemory()
		app.Engine.Ledger, app.Pruner = m, m
		return nil
	}
	t, err := ledger.NewTable(c.Ledger, cred, nil)
	if err != nil {
		return err
	}
	app.Engine.Ledger, app.Pruner = t, t
	return nil
}
