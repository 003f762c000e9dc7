// Package functions holds the function app's functions: what comes through a
// trigger becomes a call of the core in package pim, and what the core says becomes
// an answer. The definition of the function <name> is <name>/function.json.
package functions

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// Definitions holds every <name>/function.json.
//
//go:embed */function.json
var Definitions embed.FS

const (
	// httpBudget is how long an HTTP caller is kept while a change is driven; then
	// it gets 202 and a place to look. No step begins in its last seconds, so that few
	// are cut off.
	httpBudget = 25 * time.Second
	lastStep   = 5 * time.Second
	// queueBudget is how long a queue invocation drives a change that waits for
	// the tenant; a continuation costs less than an instance held open. What is under
	// way then may take until queueLimit.
	queueBudget = 10 * time.Second
	queueLimit  = time.Minute
	// Prefix is the route prefix of host.json.
	Prefix = "/api/"
)

// App is what the functions share.
type App struct {
	Engine  *pim.Engine
	Callers Callers
	Log     *slog.Logger
	// Queues sends to the queues; nil where there is no Service Bus, and then
	// whatever must wait is carried on by the resume timer.
	Queues Queues
	// Retention is how long the journal keeps a change that has ended. Zero keeps
	// it for ever.
	Retention time.Duration
	Pruner    Pruner
	// Sweeper ends access that has outlived its reason; nil sweeps nothing.
	Sweeper *sweep.Sweeper
	Version string // of the build, for the health page
}

// Pruner forgets changes that ended before a time and of which everything is told.
type Pruner interface {
	Prune(ctx context.Context, before time.Time) (int, error)
}

// Table lists the functions. To add one: a file, a definition and a line here.
func (a *App) Table() []handler.Function {
	return []handler.Function{
		handler.HTTP("activatePIMRole", "POST "+Prefix+"activatePIMRole", a.endpoint(a.activatePIMRole)),
		handler.HTTP("changes", "GET,POST "+Prefix+"changes", a.endpoint(a.changes)),
		handler.HTTP("change", "GET "+Prefix+"changes/{id}", a.endpoint(a.change)),
		handler.HTTP("eligibilities", "GET "+Prefix+"eligibilities", a.endpoint(a.eligibilities)),
		handler.HTTP("assignments", "GET "+Prefix+"assignments", a.endpoint(a.assignments)),
		handler.HTTP("roles", "GET "+Prefix+"roles", a.endpoint(a.roles)),
		handler.HTTP("policies", "GET "+Prefix+"policies", a.endpoint(a.policies)),
		handler.HTTP("approvals", "GET "+Prefix+"approvals", a.endpoint(a.approvals)),
		handler.HTTP("approval", "POST "+Prefix+"approvals/{id}", a.endpoint(a.approval)),
		handler.HTTP("audit", "GET "+Prefix+"audit", a.endpoint(a.audit)),
		handler.HTTP("deadletters", "GET "+Prefix+"deadletters", a.endpoint(a.deadletters)),
		handler.HTTP("deadletter", "POST "+Prefix+"deadletters/{id}", a.endpoint(a.deadletter)),
		handler.HTTP("sweeps", "GET,POST "+Prefix+"sweeps", a.endpoint(a.sweeps)),
		handler.HTTP("sweeprun", "GET "+Prefix+"sweeps/{id}", a.sweepRun()),
		handler.HTTP("sweeprestore", "POST "+Prefix+"sweeps/{id}/restore", a.endpoint(a.sweepRestore)),
		handler.HTTP("health", "GET "+Prefix+"health", http.HandlerFunc(a.health)),
		handler.HTTP("openapi", "GET "+Prefix+"openapi.json", http.HandlerFunc(openapi)),
		handler.ServiceBus("requests", a.requests),
		handler.ServiceBus("advance", a.advance),
		handler.Timer("resume", a.resume),
		handler.Timer("sweep", a.sweep),
	}
}
