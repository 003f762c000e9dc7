// Command handler is the custom handler that the Functions host runs. It only wires:
// settings to parts, parts to functions, functions to the host.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/internal/config"
)

// version is set by the build.
var version = "development"

func main() {
	log := handler.NewLogger(os.Stdout, os.Stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx)
	log.Error("the handler ends", "error", err)
	// Never 0: the host would not start us again, and every call would hang.
	os.Exit(1)
}

// run listens first, since the host restarts a handler that does not answer soon,
// and only then reads settings and makes clients.
func run(ctx context.Context) error {
	log := handler.NewLogger(os.Stdout, os.Stderr)
	port := os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT")
	if port == "" {
		return fmt.Errorf("FUNCTIONS_CUSTOMHANDLER_PORT is not set: this program is started by the Functions host")
	}
	l, err := handler.Listen(port)
	if err != nil {
		return err
	}
	server := handler.Server{Log: log, Setup: func(ctx context.Context) (http.Handler, error) {
		c, err := config.Read(os.Getenv)
		if err != nil {
			return nil, fmt.Errorf("settings: %w", err)
		}
		app, err := assemble(ctx, c, log)
		if err != nil {
			return nil, err
		}
		return functions.New(app), nil
	}}
	return server.Serve(ctx, l)
}
