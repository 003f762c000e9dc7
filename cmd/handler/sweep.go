package main

import (
	"log/slog"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/azurepim/azure-pim/internal/config"
	"github.com/azurepim/azure-pim/internal/sweepstore"
	"github.com/azurepim/azure-pim/internal/vault"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// openSweep returns nil where the settings name no rules for it.
func openSweep(c config.Config, cred azcore.TokenCredential, v *vault.Vault, e *pim.Engine, log *slog.Logger) (*sweep.Sweeper, error) {
	if c.SweepRules == (config.Source{}) {
		return nil, nil
	}
	rules, err := openSweepRules(c, v)
	if err != nil {
		return nil, err
	}
	s := &sweep.Sweeper{Client: e.Client, Engine: e, Rules: rules, Log: log}
	if c.SweepStore == "memory" {
		s.Store = &sweep.Memory{}
		return s, nil
	}
	s.Store, err = sweepstore.New(c.SweepStore, cred, nil)
	return s, err
}
