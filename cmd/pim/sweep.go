package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/pim/sweep"
	"github.com/spf13/cobra"
)

func (c *cli) sweep() *cobra.Command {
	return c.group("sweep", "Look after the sweeps that end access which has outlived its reason",
		`A sweep reads the watched scopes and makes a plan of what has outlived its
reason. Applying the plan removes that, and nothing else; restoring it puts back
what was removed. All of it is done by the app (--app), for callers that its
rules list: readers may look, operators may act.`,
		c.sweepList(), c.sweepShow(), c.sweepPlan(), c.sweepApply(), c.sweepRestore())
}

func (c *cli) sweepList() *cobra.Command {
	var f appFlags
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List the plans of past sweeps, the newest first", Args: cobra.NoArgs,
		Example: "  pim sweep list --limit 5",
		RunE: c.begin(func(ctx context.Context, _ []string) error {
			a, err := c.app(f)
			if err != nil {
				return err
			}
			var list struct {
				Value []sweep.Summary `json:"value"`
				Next  string          `json:"next,omitempty"`
			}
			if err := a.get(ctx, "sweeps?limit="+strconv.Itoa(limit), &list); err != nil {
				return err
			}
			return c.print(list, func(p *page) {
				p.row("PLAN", "MADE", "MODE", "PHASE", "SEEN", "FOUND", "REMOVABLE", "UNREAD", "CAPPED", "HASH")
				for _, s := range list.Value {
					p.row(s.ID, s.At.UTC().Format(time.RFC3339), string(s.Mode), string(s.Phase), strconv.Itoa(s.Seen), strconv.Itoa(s.Proposed),
						strconv.Itoa(s.Removable), strconv.Itoa(s.Unread), strconv.FormatBool(s.Capped), s.Hash)
				}
			})
		}),
	}
	f.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 20, "how many plans to list, at most 1000")
	return cmd
}

func (c *cli) sweepShow() *cobra.Command {
	var f appFlags
	var html bool
	cmd := &cobra.Command{
		Use: "show PLAN", Short: "Show a plan and what became of it", Args: cobra.ExactArgs(1),
		Long: `show prints a plan: what was found, why, what applying it removes, and what
became of each removal. --html prints the same as a page to send on.`,
		Example: `  pim sweep show 20261122T060000Z-3fa9c1
  pim sweep show 20261122T060000Z-3fa9c1 --html > sweep.html`,
		RunE: c.begin(func(ctx context.Context, args []string) error {
			if html && c.format != "" {
				return usage("--html and --output exclude each other")
			}
			a, err := c.app(f)
			if err != nil {
				return err
			}
			var st sweep.Status
			if err := a.get(ctx, "sweeps/"+url.PathEscape(args[0]), &st); err != nil {
				return err
			}
			if html {
				return sweep.WriteHTML(c.out, st)
			}
			return c.printSweep(st)
		}),
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&html, "html", false, "print a page for a browser")
	return cmd
}

func (c *cli) sweepPlan() *cobra.Command {
	var f appFlags
	cmd := &cobra.Command{
		Use: "plan", Short: "Have the app make a plan now", Args: cobra.NoArgs,
		Long:    "plan has the app read the watched scopes now and make a plan. Nothing is removed.",
		Example: "  pim sweep plan",
		RunE: c.begin(func(ctx context.Context, _ []string) error {
			return c.actOnSweep(ctx, f, "sweeps", nil)
		}),
	}
	f.flags(cmd)
	return cmd
}

func (c *cli) sweepApply() *cobra.Command {
	var f appFlags
	cmd := &cobra.Command{
		Use: "apply HASH", Short: "Remove what the plan of that hash lists", Args: cobra.ExactArgs(1),
		Long: `apply has the app remove what the plan of that hash lists, and nothing else. The
hash says that you have seen this very plan: pim sweep show prints it.

Removals that take longer go on behind this command, and pim sweep show tells
how they fare. It exits with 3 if one of them was refused or has failed.`,
		Example: "  pim sweep apply 6d7f0b0d5f1c4a9e8b7a6c5d4e3f2a1b6d7f0b0d5f1c4a9e8b7a6c5d4e3f2a1b",
		RunE: c.begin(func(ctx context.Context, args []string) error {
			body, err := json.Marshal(map[string]string{"apply": args[0]})
			if err != nil {
				return err
			}
			return c.actOnSweep(ctx, f, "sweeps", body)
		}),
	}
	f.flags(cmd)
	return cmd
}

func (c *cli) sweepRestore() *cobra.Command {
	var f appFlags
	cmd := &cobra.Command{
		Use: "restore PLAN", Short: "Put back what applying a plan has removed", Args: cobra.ExactArgs(1),
		Long: `restore has the app put back what applying the plan has removed, for the time
that was left to each. What had no end comes back with one. PLAN is the id of
the plan, or a file that holds it, as pim sweep show --output json prints it.

The same removal is put back once, however often this is asked for. It exits
with 3 if something was refused or could not be put back.`,
		Example: `  pim sweep restore 20261122T060000Z-3fa9c1
  pim sweep restore plan.json`,
		RunE: c.begin(func(ctx context.Context, args []string) error {
			id, err := c.planID(args[0])
			if err != nil {
				return err
			}
			return c.actOnSweep(ctx, f, "sweeps/"+url.PathEscape(id)+"/restore", nil)
		}),
	}
	f.flags(cmd)
	return cmd
}

// actOnSweep has the app do something and shows how it went.
func (c *cli) actOnSweep(ctx context.Context, f appFlags, path string, body []byte) error {
	a, err := c.app(f)
	if err != nil {
		return err
	}
	var st sweep.Status
	if err := a.post(ctx, path, body, &st); err != nil {
		return err
	}
	if err := c.printSweep(st); err != nil {
		return err
	}
	for _, o := range st.Outcomes {
		for _, r := range []sweep.Result{o.State, o.Restored} {
			if r == sweep.Refused || r == sweep.Failed {
				return errNo
			}
		}
	}
	return nil
}

// printSweep writes the report that the app would write as text, or the Status.
func (c *cli) printSweep(st sweep.Status) error {
	return c.print(st, func(p *page) {
		var b strings.Builder
		p.note(0, sweep.WriteText(&b, st))
		for text := range strings.Lines(b.String()) {
			p.line(strings.TrimSuffix(text, "\n"))
		}
	})
}

// planID reads a plan's id from a file that holds the plan or its status; what is no
// file is the id.
func (c *cli) planID(arg string) (string, error) {
	if _, err := os.Stat(arg); err != nil && arg != "-" {
		return arg, nil
	}
	b, err := c.readFile(arg)
	if err != nil {
		return "", err
	}
	var doc struct {
		ID   string `json:"id"`
		Plan struct {
			ID string `json:"id"`
		} `json:"plan"`
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.ID+doc.Plan.ID == "" {
		return "", usage("%s holds no plan", name(arg))
	}
	return doc.ID + doc.Plan.ID, nil
}
