package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/auditlog"
	"github.com/azurepim/azure-pim/internal/entra"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
	"github.com/rogpeppe/go-internal/testscript"
)

// The ids that scripts and docs/cli.md name.
const (
	tenantID     = "7f3f7c52-9a1d-4c7e-8b1f-2f6d0c9e4a11"
	ada          = "ada00000-0000-4000-8000-000000000001" // an engineer
	olga         = "01a00000-0000-4000-8000-000000000002" // she may read everything
	eve          = "e7e00000-0000-4000-8000-000000000003" // disabled
	identity     = "1d000000-0000-4000-8000-00000000000a" // the app's own
	oncall       = "0ca11000-0000-4000-8000-00000000000b" // a group, with ada in it
	subscription = "50b50000-0000-4000-8000-00000000000c"
	audience     = "c11e0000-0000-4000-8000-00000000000d" // the app's client id

	functionKey = "not-for-the-eye"
)

// update writes what commands print into the scripts that compare it.
var update = flag.Bool("update", false, "update the scripts with what the commands print")

// TestMain lets the test binary be pim in the scripts, main function and all.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pim": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			w := newWorld(env)
			return w.signIns(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command that ends with a code: exits 3 pim plan …
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// world is a tenant with people in it, and the app before it.
type world struct {
	tenant *simtenant.Tenant
	url    string // of the tenant
	app    string // of the app
}

func newWorld(env *testscript.Env) *world {
	w := &world{}
	tenant := httptest.NewUnstartedServer(nil)
	w.url = "http://" + tenant.Listener.Addr().String()
	w.tenant = simtenant.New(simtenant.Options{TenantID: tenantID, BaseURL: w.url,
		AzureDelay: simtenant.None, DirectoryDelay: simtenant.None, GroupDelay: simtenant.None, Provisioning: simtenant.None})
	tenant.Config.Handler = w.tenant
	tenant.Start()
	env.Defer(tenant.Close)

	t := w.tenant
	t.AddUser(simtenant.User{ID: ada, Name: "Ada", MFA: true})
	t.AddUser(simtenant.User{ID: olga, Name: "Olga"})
	t.AddUser(simtenant.User{ID: eve, Name: "Eve", Disabled: true})
	t.AddGroup(simtenant.Group{ID: oncall, Name: "On-call", Members: []string{ada}})
	t.AddServicePrincipal(simtenant.ServicePrincipal{ID: identity, Name: "azure-pim", ManagedIdentity: true, AppRoles: []string{"Directory.Read.All"}})
	t.AddResourceGroup(t.AddSubscription(subscription, "Production", ""), "shop")
	t.Assign(simtenant.Grant{Scope: "/", Role: "User Access Administrator", Principal: identity})
	t.Assign(simtenant.Grant{Scope: "/", Role: "Reader", Principal: olga, Ago: time.Hour})
	// For the sweep to find: it has no end.
	t.MakeEligible(simtenant.Grant{Scope: "/subscriptions/" + subscription, Role: "Reader", Principal: olga, Ago: time.Hour})

	app := httptest.NewServer(w.host())
	env.Defer(app.Close)
	w.app = app.URL
	return w
}

// host serves the app as the Functions host does: whoever has no key gets no answer
// but a status.
func (w *world) host() http.Handler {
	rules := source("app.yaml", pim.ParseRules)
	client, err := pim.NewClient(w.tenant.Credential(identity), &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: w.tenant.Transport()}})
	if err != nil {
		panic(err)
	}
	verifier := &entra.Verifier{Tenant: tenantID, Audience: []string{audience}, Login: w.url, Client: http.DefaultClient}
	app := &functions.App{Log: slog.New(slog.DiscardHandler), Callers: functions.Callers{Rules: rules, Verify: verifier.Verify}}
	app.Engine = &pim.Engine{Tenant: tenantID, Client: client, Ledger: ledger.NewMemory(), Rules: rules,
		Audit: auditlog.NewWriter(io.Discard), Guard: pim.Guard{Identity: []string{identity}}}
	app.Sweeper = &sweep.Sweeper{Client: client, Engine: app.Engine, Store: &sweep.Memory{}, Rules: source("sweep.yaml", sweep.ParseRules)}
	inner := functions.New(app)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/moved/api/changes" {
			http.Redirect(rw, r, w.url+"/steal", http.StatusTemporaryRedirect)
			return
		}
		if r.Header.Get("x-functions-key") != functionKey {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(rw, r)
	})
}

// source reads rules of the app from testdata, once.
func source[R any](file string, parse func([]byte) (R, error)) func(context.Context) (R, error) {
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		panic(err)
	}
	rules, err := parse(b)
	if err != nil {
		panic(err)
	}
	return func(context.Context) (R, error) { return rules, nil }
}

// signIns puts the ways to sign in within reach: az, for whoever WHO names, and the
// endpoint of a managed identity.
func (w *world) signIns(env *testscript.Env) error {
	tokens := filepath.Join(env.WorkDir, ".tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		return err
	}
	expires := time.Now().Add(time.Hour).Unix()
	for who, scopes := range map[string][]string{ada: {"User.Read"}, olga: {"Directory.Read.All"}} {
		for resource, to := range map[string]string{"graph": simtenant.AudienceGraph, "management": cloud.AzurePublic.Services[cloud.ResourceManager].Audience, "app": audience} {
			token := w.tenant.UserToken(who, to, simtenant.WithScopes(scopes...))
			answer := fmt.Sprintf(`{"accessToken": %q, "expires_on": %d}`, token, expires)
			if err := os.WriteFile(filepath.Join(tokens, who+"."+resource), []byte(answer), 0o600); err != nil {
				return err
			}
		}
	}
	for name, value := range map[string]string{
		"PIM_TENANT_ID": tenantID, "PIM_ARM_ENDPOINT": w.url, "PIM_GRAPH_ENDPOINT": w.url, "PIM_LOGIN_ENDPOINT": w.url,
		"MANAGED_IDENTITY": w.url + "/msi/token", "IDENTITY_HEADER": simtenant.DefaultIdentityHeader,
		"AZURE_TOKEN_CREDENTIALS": "dev", // or the default way would look for the machine's own identity
		"PIM_APP_URL":             w.app, "PIM_FUNCTION_KEY": functionKey, "ADA": ada, "OLGA": olga, "EVE": eve, "AUDIENCE": audience,
	} {
		env.Setenv(name, value)
	}
	return installAz(env, `case "$*" in
*graph*) resource=graph ;;
*management*) resource=management ;;
*) resource=app ;;
esac
if [ -z "$WHO" ]; then echo "ERROR: Please run 'az login' to setup account." >&2; exit 1; fi
cat "`+tokens+`/$WHO.$resource"
`)
}

// installAz puts a program az into the script's path.
func installAz(env *testscript.Env, program string) error {
	bin := filepath.Join(env.WorkDir, ".bin")
	env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(bin, "az"), []byte("#!/bin/sh\n"+program), 0o700)
}
