package handler_test

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/azurepim/azure-pim/handler"
)

// A main function: it listens before anything else, and never exits 0.
func Example() {
	log := handler.NewLogger(os.Stdout, os.Stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	l, err := handler.Listen(os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	if err == nil {
		err = handler.Server{Log: log, Setup: func(ctx context.Context) (http.Handler, error) {
			// Settings, secrets and tokens come here.
			return handler.New(log, handler.Options{},
				handler.HTTP("health", "GET /api/health", http.NotFoundHandler()),
				handler.Timer("sweep", func(context.Context, handler.Tick) error { return nil }),
			), nil
		}}.Serve(ctx, l)
	}
	log.Error("handler ends", "error", err)
	os.Exit(1)
}
