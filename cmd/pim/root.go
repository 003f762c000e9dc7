package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes, for scripts.
const (
	exitYes   = 0 // the answer is yes: allowed, well formed, whole
	exitError = 1 // there is no answer
	exitUsage = 2 // the command line or the request is wrong in itself
	exitNo    = 3 // the answer is no: refused, mistaken, broken
)

// errNo ends a command whose answer is no. What it is has been printed.
var errNo = errors.New("the answer is no")

// usageError is a mistake of whoever typed the command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// cli is what all commands share: the streams and the environment of the process.
type cli struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
	version  string

	format format // of --output
	began  bool   // a command has taken over from cobra
}

// run carries out one command line and returns the exit code.
func (c *cli) run(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitYes
	}
	if errors.Is(err, errNo) {
		return exitNo
	}
	if _, mistyped := errors.AsType[usageError](err); mistyped || !c.began {
		fmt.Fprintf(c.err, "pim: %s; see %s --help\n", explain(err), cmd.CommandPath())
		return exitUsage
	}
	fmt.Fprintf(c.err, "pim: %s\n", explain(err))
	return exitError
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "pim",
		Short: "Ask azure-pim what it would do, and check what it has done",
		Long: `pim shows what azure-pim would decide on a request and why, checks the rules
that it decides by, proves that its audit log is whole, and looks after the
sweeps that end access which has outlived its reason.

It exits with 0 if the answer is yes (allowed, well formed, whole), 3 if it is
no, 2 if the command line or the request is wrong in itself, and 1 if there is
no answer, because a file or a service could not be read.`,
		Example: `  pim rules check rules.yaml
  pim plan --file request.json
  pim audit verify --container https://contoso.blob.core.windows.net/audit`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().VarP(&c.format, "output", "o", "how to print the answer: table, json or yaml")
	complete(root, "output", formats...)
	root.AddCommand(c.plan(), c.rules(), c.audit(), c.sweep(), c.showVersion())
	return root
}

// group is a command that only holds others.
func (c *cli) group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	g.AddCommand(commands...)
	return g
}

// begin marks the point behind which an error is not one of typing.
func (c *cli) begin(f func(context.Context, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c.began = true
		return f(cmd.Context(), args)
	}
}

// complete lists a flag's values for shell completion.
func complete(cmd *cobra.Command, flag string, values ...string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic("a flag that is not there: " + err.Error())
	}
}
