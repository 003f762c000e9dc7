package main

import (
	"context"
	"fmt"
	"os"

	"github.com/azurepim/azure-pim/internal/config"
	"github.com/azurepim/azure-pim/internal/vault"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// open reads rules of either kind: a file once, with an error that keeps us from
// starting; a secret whenever the vault forgets it, with an error that keeps us from
// acting.
func open[T any](what string, s config.Source, v *vault.Vault, parse func([]byte) (*T, error)) (func(context.Context) (*T, error), error) {
	if s.Secret != "" {
		last := &parsed[T]{parse: parse}
		return func(ctx context.Context) (*T, error) {
			text, err := v.Secret(ctx, s.Secret)
			if err != nil {
				return nil, err
			}
			return last.of(text)
		}, nil
	}
	b, err := os.ReadFile(s.File)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	rules, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", what, s.File, err)
	}
	return func(context.Context) (*T, error) { return rules, nil }, nil
}

func openRules(c config.Config, v *vault.Vault) (func(context.Context) (*pim.Rules, error), error) {
	return open("rules", c.Rules, v, pim.ParseRules)
}

func openSweepRules(c config.Config, v *vault.Vault) (func(context.Context) (*sweep.Rules, error), error) {
	return open("sweep rules", c.SweepRules, v, sweep.ParseRules)
}
