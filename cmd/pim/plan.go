package main

import (
	"context"
	"errors"

	"github.com/azurepim/azure-pim/pim"
	"github.com/spf13/cobra"
)

// planning is the flags of pim plan.
type planning struct {
	asking
	appFlags
	rules, as    string
	offline, mfa bool
}

func (c *cli) plan() *cobra.Command {
	var p planning
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show whether a request would be allowed, and by which rule or why not",
		Long: `plan shows the decision on a change request without asking for anything: the
rule that allows it, or every condition that every near rule finds unmet.

Where --rules names a file, it is decided here, by the code that decides in the
app: you sign in (--auth), and the facts that the rules need are read from the
tenant with your own rights. What stands above the rules (the app's identity,
protected principals, its resource group) comes from the app's settings, which
are read from the environment; docs/settings.md lists them. --as asks on behalf
of another caller. With --offline nobody signs in and nothing is read: the
decision then says which facts it lacks.

Otherwise the deployed app decides (--app), for the key or token that comes with
the request.

It exits with 0 if everything is allowed and 3 if anything is refused.`,
		Example: `  # What would the app say to ServiceNow's key?
  pim plan --app https://contoso-pim.azurewebsites.net --file request.json

  # What will the rules in this branch say to the queue?
  pim plan --rules rules.yaml --as queue:pim-requests --file request.json

  # May I become Contributor here for two hours?
  pim plan --rules rules.yaml --action activate --role Contributor --duration PT2H \
    --scope /subscriptions/00000000-0000-0000-0000-00000000000c \
    --principal 00000000-0000-0000-0000-00000000000a --justification "Deploy the release"`,
		Args: cobra.NoArgs,
		RunE: c.begin(func(ctx context.Context, _ []string) error { return c.runPlan(ctx, &p) }),
	}
	p.asking.flags(cmd)
	p.appFlags.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&p.rules, "rules", "", "decide here, by the rules in this file; - is standard input")
	f.StringVar(&p.as, "as", "", "who asks, if not you: user:<object id>, app:<object id>, key, key:<name>, queue:<name>")
	f.BoolVar(&p.mfa, "mfa", false, "the user of --as proves a second factor")
	f.BoolVar(&p.offline, "offline", false, "read nothing from the tenant")
	cmd.MarkFlagsMutuallyExclusive("rules", "app")
	cmd.MarkFlagsMutuallyExclusive("rules", "key")
	cmd.MarkFlagsMutuallyExclusive("rules", "audience")
	return cmd
}

func (c *cli) runPlan(ctx context.Context, p *planning) error {
	if p.rules == "" && (p.as != "" || p.offline || p.mfa) {
		return usage("--as, --mfa and --offline go with --rules: the app sees for itself who asks")
	}
	if p.rules == "-" && p.file == "-" {
		return usage("rules and request cannot both come from standard input")
	}
	asked, err := p.asking.read(c)
	if err != nil {
		return err
	}
	var verdicts []verdict
	if p.rules != "" {
		verdicts, err = c.decideHere(ctx, p, asked)
	} else {
		verdicts, err = c.decideThere(ctx, p, asked)
	}
	if err != nil {
		return err
	}
	return c.tell(asked, verdicts)
}

// verdict is what is said to one request: a decision, or why there is none. Its form
// is that of the app's answer to many.
type verdict struct {
	Index    int           `json:"index"`
	Decision *pim.Decision `json:"decision,omitempty"`
	Problem  *problem      `json:"problem,omitempty"`
}

// decideThere asks the app.
func (c *cli) decideThere(ctx context.Context, p *planning, asked batch) ([]verdict, error) {
	a, err := c.app(p.appFlags)
	if err != nil {
		return nil, err
	}
	const dryRun = "changes?dryRun=true"
	if !asked.many {
		var d pim.Decision
		err := a.post(ctx, dryRun, asked.body, &d)
		if err == nil && d.At.IsZero() {
			err = errNotTheApp
		}
		return []verdict{{Decision: &d}}, err
	}
	var list struct {
		Value []verdict `json:"value"`
	}
	if err := a.post(ctx, dryRun, asked.body, &list); err != nil {
		return nil, err
	}
	if len(list.Value) != len(asked.requests) {
		return nil, errNotTheApp
	}
	for _, v := range list.Value {
		if v.Problem == nil && (v.Decision == nil || v.Decision.At.IsZero()) {
			return nil, errNotTheApp
		}
	}
	return list.Value, nil
}

// errNotTheApp is the error of an answer that is well formed and says nothing.
var errNotTheApp = errors.New("the answer is no decision; is --app the address of azure-pim?")

// decideHere asks an engine of our own.
func (c *cli) decideHere(ctx context.Context, p *planning, asked batch) ([]verdict, error) {
	rules, err := c.readRules(p.rules)
	if err != nil {
		return nil, err
	}
	d, err := c.decider(ctx, p.signIn, p.as, p.mfa, p.offline)
	if err != nil {
		return nil, err
	}
	out := make([]verdict, len(asked.requests))
	for i, r := range asked.requests {
		decision, err := d.decide(ctx, rules, r)
		if err != nil && !asked.many {
			return nil, err
		}
		if out[i].Index = i; err != nil {
			out[i].Problem = &problem{Code: pim.CodeOf(err), Detail: explain(err)}
			continue
		}
		out[i].Decision = &decision
	}
	return out, nil
}

// tell prints the verdicts; its error is the exit code.
func (c *cli) tell(asked batch, verdicts []verdict) error {
	var answer any = verdicts[0].Decision
	if asked.many {
		answer = struct {
			Value []verdict `json:"value"`
		}{verdicts}
	}
	err := c.print(answer, func(p *page) {
		for i, v := range verdicts {
			if i > 0 {
				p.line("")
			}
			v.draw(p, asked.requests[i])
		}
	})
	if err != nil {
		return err
	}
	refused, failed := false, 0
	for _, v := range verdicts {
		switch {
		case v.Decision == nil:
			failed++
		case !v.Decision.Allowed:
			refused = true
		}
	}
	switch {
	case failed > 0:
		return errors.New(plural(failed, "request") + " could not be decided")
	case refused:
		return errNo
	}
	return nil
}
