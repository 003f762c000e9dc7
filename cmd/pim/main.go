// Command pim is the command-line tool of azure-pim: it shows what would be decided
// and why, checks rules, proves the audit log, and looks after sweeps. docs/cli.md
// teaches it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	c := cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv, version: version}
	code := c.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
