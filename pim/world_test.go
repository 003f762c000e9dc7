package pim_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// world is an engine over a simulated tenant, with people in it. It runs in virtual
// time: make it within synctest.Test.
type world struct {
	t      *testing.T
	tenant *simtenant.Tenant
	engine *pim.Engine
	ledger *ledger.Memory
	outbox *outbox
	audit  *auditTrail

	app, ada, bob, carl string // object ids: our identity, and people
	sub                 string // a subscription's scope
	rg                  string // a resource group in it
	group               string // a group that PIM manages
}

const ourApp = "azure-pim"

// openRules let anybody do anything that may be allowed at all, but get into groups
// that hold what gives more.
const openRules = `
version: 1
rules:
  - name: everything
    effect: allow
    actions: [grant, makeEligible, activate, assign, deactivate, removeEligible, extend, renew, cancel]
    callers: [{anyKey: true}, {queues: [pim-requests]}, {anyUser: true}]
    principals: [{any: true, types: [user, group, servicePrincipal]}]
    planes: [azure, directory, group]
    scopes: ["/", "*"]
    roles: [Owner, Groups Administrator, User Administrator, "*"]
    eligibility: make
    maxEligible: P365D
    maxDuration: P1D
    justification: {required: false}
    waives: [mfa, authenticationContext, approval]
`

func newWorld(t *testing.T, options ...func(*simtenant.Options)) *world {
	t.Helper()
	o := simtenant.Options{Provisioning: simtenant.None}
	for _, f := range options {
		f(&o)
	}
	w := &world{t: t, tenant: simulate(t, o), ledger: ledger.NewMemory(), outbox: &outbox{}, audit: &auditTrail{}}
	w.sub = w.tenant.AddSubscription("", "production", "")
	w.ada = w.tenant.AddUser(simtenant.User{Name: "ada", MFA: true})
	w.bob = w.tenant.AddUser(simtenant.User{Name: "bob"})
	w.carl = w.tenant.AddUser(simtenant.User{Name: "carl"})
	w.app = w.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: ourApp, ManagedIdentity: true, AppRoles: appRoles})
	w.rg = w.tenant.AddResourceGroup(w.sub, "shop")
	w.group = w.tenant.AddGroup(simtenant.Group{Name: "operators"})
	w.tenant.Assign(simtenant.Grant{Scope: "/", Role: simtenant.RoleUserAccessAdmin, Principal: w.app})
	w.engine = w.newEngine()
	w.rules(openRules)
	w.tenant.ForgetCalls()
	return w
}

// appRoles are the Graph permissions that docs/permissions.md asks for.
var appRoles = []string{
	"RoleEligibilitySchedule.ReadWrite.Directory", "RoleAssignmentSchedule.ReadWrite.Directory",
	"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
	"RoleManagementPolicy.Read.Directory", "RoleManagementPolicy.Read.AzureADGroup", "RoleManagement.Read.Directory",
	"Directory.Read.All", "AuditLog.Read.All",
}

func (w *world) newEngine() *pim.Engine {
	o := &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: w.tenant.Transport()}}
	c, err := pim.NewClient(w.tenant.Credential(w.app), o)
	require.NoError(w.t, err)
	return &pim.Engine{Tenant: w.tenant.ID(), Client: c, Ledger: w.ledger, Audit: w.audit, Outbox: w.outbox,
		Guard: pim.Guard{Identity: []string{w.app}}}
}

func (w *world) rules(text string) {
	w.t.Helper()
	r, err := pim.ParseRules([]byte(text))
	require.NoError(w.t, err)
	w.engine.Rules = func(context.Context) (*pim.Rules, error) { return r, nil }
}

// key is the caller who holds a function key.
var key = pim.Caller{Kind: pim.CallerKey}

// ask is a request of ada's for a role, from JSON so that it is checked.
func (w *world) ask(id string, action pim.Action, scope, role string, edits ...string) pim.Request {
	w.t.Helper()
	plane := "azure"
	switch {
	case scope == w.group:
		plane = "group"
	case scope == "/" || strings.HasPrefix(scope, "/administrativeUnits/"):
		plane = "directory"
	}
	extra := strings.Join(edits, ",")
	if extra != "" {
		extra = "," + extra
	}
	var r pim.Request
	err := r.UnmarshalJSON(fmt.Appendf(nil, `{"id":%q,"action":%q,"plane":%q,"scope":%q,"role":%q,"principalId":%q,"justification":"because"%s}`,
		id, action, plane, scope, role, w.ada, extra))
	require.NoError(w.t, err)
	return r
}

// drive takes a request to its end, in as much virtual time as it needs.
func (w *world) drive(r pim.Request) pim.Change {
	w.t.Helper()
	c, err := w.engine.Start(w.t.Context(), key, r)
	require.NoError(w.t, err)
	return w.finish(c.ID())
}

func (w *world) finish(id string) pim.Change {
	w.t.Helper()
	for end := time.Now().Add(24 * time.Hour); time.Now().Before(end); {
		c, err := w.engine.Drive(w.t.Context(), key, id, end)
		require.NoError(w.t, err)
		if c.Ended() || c.State == pim.AwaitingApproval {
			return c
		}
		time.Sleep(time.Until(c.Due)) // as the queue does, in virtual time
	}
	require.Fail(w.t, "the change does not end")
	return pim.Change{}
}

// calls lists what the tenant was asked, as "METHOD type", reads of the same type
// in a row once.
func (w *world) calls() []string {
	var out []string
	for _, c := range w.tenant.Calls() {
		p := c.Path
		if at := strings.LastIndex(p, "/providers/Microsoft.Authorization/"); at >= 0 {
			p = p[at+len("/providers/Microsoft.Authorization/"):]
			p, _, _ = strings.Cut(p, "/")
		}
		if strings.Contains(p, "/oauth2/") || strings.HasPrefix(p, "/msi/") {
			continue
		}
		line := c.Method + " " + p
		if len(out) == 0 || out[len(out)-1] != line {
			out = append(out, line)
		}
	}
	return out
}

// effects counts the calls that change the tenant.
func (w *world) effects() int {
	n := 0
	for _, c := range w.tenant.Calls() {
		write := c.Method == "PUT" || c.Method == "PATCH" || c.Method == "DELETE" || c.Method == "POST"
		look := strings.HasSuffix(c.Path, "/checkMemberGroups") || strings.HasSuffix(c.Path, "/getByIds") || strings.Contains(c.Path, "/oauth2/")
		if write && !look {
			n++
		}
	}
	return n
}

// outbox remembers what was sent, each message id once, as the queues do.
type outbox struct {
	mu     sync.Mutex
	events []pim.Event
	conts  []pim.Continuation
	down   bool
}

func (o *outbox) Continue(_ context.Context, cs ...pim.Continuation) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater}
	}
	o.conts = append(o.conts, cs...)
	return nil
}

func (o *outbox) Publish(_ context.Context, events ...pim.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater}
	}
	for _, e := range events {
		if !slices.ContainsFunc(o.events, func(f pim.Event) bool { return f.ID == e.ID }) {
			o.events = append(o.events, e)
		}
	}
	return nil
}

func (o *outbox) types() []pim.EventType {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []pim.EventType
	for _, e := range o.events {
		out = append(out, e.Type)
	}
	return out
}

// auditTrail remembers records, or refuses them.
type auditTrail struct {
	mu      sync.Mutex
	records []pim.Record
	broken  bool
}

func (a *auditTrail) Write(_ context.Context, r pim.Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.broken {
		return fmt.Errorf("the disk is full")
	}
	a.records = append(a.records, r)
	return nil
}

func (a *auditTrail) kinds() []pim.AuditKind {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []pim.AuditKind
	for _, r := range a.records {
		out = append(out, r.What)
	}
	return out
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		require.NoError(t, err)
		out = append(out, v)
	}
	return out
}
