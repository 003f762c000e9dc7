package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/azurepim/azure-pim/internal/config"
	"github.com/azurepim/azure-pim/pim"
)

// decider decides on this machine as the app would.
type decider struct {
	engine  pim.Engine
	caller  pim.Caller
	offline bool
}

// decider signs in, or does without, and finds out who asks.
func (c *cli) decider(ctx context.Context, s signIn, as string, mfa, isOffline bool) (*decider, error) {
	if mfa && as == "" {
		return nil, usage("--mfa goes with --as: your own token tells by itself")
	}
	cfg, err := c.settings(s)
	if err != nil {
		return nil, err
	}
	d := &decider{offline: isOffline}
	if as != "" {
		if d.caller, err = parseCaller(as, mfa); err != nil {
			return nil, err
		}
	}
	var cred azcore.TokenCredential = offline{}
	if !isOffline {
		if cred, err = c.credential(s, cfg); err != nil {
			return nil, err
		}
	}
	switch {
	case as != "":
	case isOffline:
		return nil, usage("nobody is signed in, so say with --as who asks")
	default:
		if d.caller, err = whoAmI(ctx, cred, cfg); err != nil {
			return nil, err
		}
	}
	client, err := pim.NewClient(cred, &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Cloud: cfg.Cloud}})
	if err != nil {
		return nil, err
	}
	// It is only ever asked to plan, which touches no ledger and no audit log.
	d.engine = pim.Engine{Tenant: cfg.Tenant, Client: client, Guard: guard(cfg)}
	return d, nil
}

// guard is what stands above all rules, as the app's settings say.
func guard(c config.Config) pim.Guard {
	return pim.Guard{Identity: c.Identity, AdminGroups: c.AdminGroups, Protected: c.Protected, ResourceGroup: c.ResourceGroup, Stopped: c.Stopped}
}

// decide weighs one request. A fact that we may not read stays unproven.
func (d *decider) decide(ctx context.Context, rules *pim.Rules, r pim.Request) (pim.Decision, error) {
	e := d.engine
	e.Rules = func(context.Context) (*pim.Rules, error) { return rules, nil }
	out, err := e.Plan(ctx, d.caller, r)
	if d.offline && pim.CodeOf(err) == pim.CodeDenied {
		// Of all that is learnt, only the role's meaning cannot be left open.
		return out, fmt.Errorf("role %q has to be looked up, which --offline does not do; give its GUID", r.Role)
	}
	return out, err
}

// offline lets no call out: each looks as if we lacked the right to make it, so that
// what it would have told counts as unread.
type offline struct{}

func (offline) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, &pim.Error{Op: "offline", Code: pim.CodeDenied, Retry: pim.RetryNever, Detail: "nothing is read offline"}
}

// readRules parses a file of rules. Its mistakes are for pim rules check to list.
func (c *cli) readRules(path string) (*pim.Rules, error) {
	b, err := c.readFile(path)
	if err != nil {
		return nil, err
	}
	rules, err := pim.ParseRules(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %s; pim rules check %s lists all of its mistakes", name(path), mistakes(err)[0], path)
	}
	return rules, nil
}

// mistakes are the lines of what ParseRules found wrong.
func mistakes(err error) []string {
	if e, ok := errors.AsType[*pim.Error](err); ok && e.Err != nil {
		err = e.Err
	}
	return strings.Split(strings.TrimPrefix(err.Error(), "yaml: "), "\n")
}
