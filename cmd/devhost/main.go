// Command devhost runs a function app on this machine as Azure would: the
// Functions host, a simulated tenant and Service Bus queues around the
// handler's own binary. docs/devhost.md says how faithful it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/azurepim/azure-pim/internal/devhost"
)

// options are the command line.
type options struct {
	root, listen, settings, handler, state, key string

	tenant  string
	instant bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "devhost:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, diagnostics io.Writer) error {
	var o options
	flags := flag.NewFlagSet("devhost", flag.ContinueOnError)
	flags.SetOutput(diagnostics)
	flags.StringVar(&o.root, "root", "dist/app", "folder of the function app: host.json, the functions and the handler")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:7071", "address for callers")
	flags.StringVar(&o.settings, "settings", "", "local.settings.json whose Values go over the local ones")
	flags.StringVar(&o.handler, "handler", "", "executable to run instead of host.json's")
	flags.StringVar(&o.state, "state", "", "folder that keeps the status of timers; none: it is forgotten")
	flags.StringVar(&o.key, "key", "", "function key; none: made up and printed")
	flags.StringVar(&o.tenant, "tenant", "", "serve only the simulated tenant, at this address")
	flags.BoolVar(&o.instant, "instant", false, "let the tenant show changes at once; Azure takes up to a minute")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.tenant != "" {
		return serveTenant(ctx, o, out)
	}
	return host(ctx, o, out, slog.New(slog.NewTextHandler(diagnostics, nil)))
}

// serveTenant serves the tenant alone, for another host, and prints the
// settings that lead there.
func serveTenant(ctx context.Context, o options, out io.Writer) error {
	t, err := startTenant(o.tenant, o.instant)
	if err != nil {
		return err
	}
	defer t.close()
	for _, name := range slices.Sorted(maps.Keys(t.settings())) {
		fmt.Fprintf(out, "%s=%s\n", name, t.settings()[name])
	}
	<-ctx.Done()
	return nil
}

func host(ctx context.Context, o options, out io.Writer, log *slog.Logger) error {
	settings, stop, err := surroundings(o)
	if err != nil {
		return err
	}
	defer stop()
	h, err := devhost.Start(context.WithoutCancel(ctx), devhost.Config{
		Root: o.root, Addr: o.listen, Settings: settings, Keys: devhost.Keys{Function: o.key},
		HandlerPath: o.handler, StateDir: o.state, Log: log,
	})
	if err != nil {
		return err
	}
	defer h.Close()
	if err := h.Ready(ctx); err == nil {
		fmt.Fprint(out, sample(h, settings["PIM_RULES"]))
	} else if ctx.Err() == nil {
		return err
	}
	select {
	case <-ctx.Done():
		h.Shutdown()
		return nil
	case <-h.Done():
		return h.Err()
	}
}

// sample is a call of the original sample's function, to be pasted, and where to go
// from there.
func sample(h *devhost.Host, rules string) string {
	return fmt.Sprintf(`
The function app is at %[1]s, its key is %[2]s and its master key %[3]s.
Who may ask for what is in %[7]s (read at the start).
The sample request, a ticket system's that makes Alice the owner of a subscription for an hour:

curl -sS -i -X %[4]s %[1]s/api/activatePIMRole -H 'x-functions-key: %[2]s' -H 'Content-Type: application/json' -d '{"userObjectId":"%[5]s","subscriptionId":"%[6]s","justification":"Deploy the release","changeRequestId":"CR12345"}'

It answers 202 with a Location, which says done once the tenant's listings show the role, after about a minute:

curl -sS %[1]s/api/changes/CR12345 -H 'x-functions-key: %[2]s'

`, h.URL(), h.Key(), h.MasterKey(), http.MethodPost, sampleUser, sampleSubscription, rules)
}
