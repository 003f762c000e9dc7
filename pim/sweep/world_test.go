package sweep_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// world is a sweeper over a simulated tenant. It runs in virtual time: make it within
// synctest.Test.
type world struct {
	t      *testing.T
	tenant *simtenant.Tenant
	*sweep.Sweeper
	ledger *ledger.Memory
	store  *sweep.Memory
	outbox *outbox
	logged *lines

	app, ada, bob, carl, robot string // object ids: our identity, people, an application
	mg, sub, rg, group         string // scopes
}

const day = 24 * time.Hour

// openRules let the sweep do what may be allowed at all, and anybody with a key grant.
const openRules = `
version: 1
rules:
  - name: the sweep ends what it finds and puts it back
    effect: allow
    actions: [deactivate, removeEligible, cancel, assign, makeEligible]
    callers: [{system: true}]
    principals: [{any: true, types: [user, group, servicePrincipal]}]
    planes: [azure, directory, group]
    scopes: ["/", "/providers/Microsoft.Management/managementGroups/prod", "*"]
    roles: [Owner, Role Based Access Control Administrator, Groups Administrator, User Administrator, "*"]
    maxEligible: P365D
    maxDuration: P365D
    justification: {required: false}
  - name: people
    effect: allow
    actions: [grant, makeEligible, activate, deactivate, extend]
    callers: [{anyKey: true}]
    principals: [{any: true}]
    planes: [azure, directory, group]
    scopes: ["/", "*"]
    roles: [Owner, "*"]
    eligibility: make
    waives: [mfa]
    maxEligible: P365D
    maxDuration: P1D
    justification: {required: false}
`

// appRoles are the Graph permissions that docs/permissions.md asks for.
var appRoles = []string{
	"RoleEligibilitySchedule.ReadWrite.Directory", "RoleAssignmentSchedule.ReadWrite.Directory",
	"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
	"RoleManagementPolicy.Read.Directory", "RoleManagementPolicy.Read.AzureADGroup", "RoleManagement.Read.Directory",
	"Directory.Read.All",
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, tenant: simtenant.New(simtenant.Options{Provisioning: simtenant.None}), ledger: ledger.NewMemory(),
		store: &sweep.Memory{}, outbox: &outbox{}, logged: &lines{}}
	w.mg = w.tenant.AddManagementGroup("prod", "")
	w.sub = w.tenant.AddSubscription("", "production", w.mg)
	w.rg = w.tenant.AddResourceGroup(w.sub, "shop")
	w.ada = w.tenant.AddUser(simtenant.User{Name: "Ada"})
	w.bob = w.tenant.AddUser(simtenant.User{Name: "Bob"})
	w.carl = w.tenant.AddUser(simtenant.User{Name: "Carl"})
	w.robot = w.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "deployer"})
	w.app = w.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "azure-pim", ManagedIdentity: true, AppRoles: appRoles})
	w.group = w.tenant.AddGroup(simtenant.Group{Name: "operators"})
	w.tenant.Assign(simtenant.Grant{Scope: "/", Role: simtenant.RoleUserAccessAdmin, Principal: w.app})
	w.Sweeper = w.another()
	w.sweeps(everything)
	return w
}

// another is a second sweeper over the same tenant, ledger and store, as another
// instance of the app would have it.
func (w *world) another() *sweep.Sweeper {
	o := &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: w.tenant.Transport()}}
	c, err := pim.NewClient(w.tenant.Credential(w.app), o)
	require.NoError(w.t, err)
	rules, err := pim.ParseRules([]byte(openRules))
	require.NoError(w.t, err)
	e := &pim.Engine{Tenant: w.tenant.ID(), Client: c, Ledger: w.ledger, Audit: &trail{}, Outbox: w.outbox,
		Guard: pim.Guard{Identity: []string{w.app}},
		Rules: func(context.Context) (*pim.Rules, error) { return rules, nil }}
	s := &sweep.Sweeper{Client: c, Engine: e, Store: w.store, Log: slog.New(slog.NewJSONHandler(w.logged, nil))}
	if w.Sweeper != nil {
		s.Rules = w.Rules
	}
	return s
}

// everything watches all there is, and may remove whatever a rule finds.
const everything = `
version: 1
watch:
  - {scope: /providers/Microsoft.Management/managementGroups/prod}
caps:
  run: {removals: 100, percent: 100}
  scope: {removals: 100, percent: 100}
rules:
  overdue: {mode: apply}
  permanent: {mode: apply}
  overlong: {mode: apply, assignment: P30D, eligibility: P180D}
  deleted: {mode: apply}
  disabled: {mode: apply}
  unused: {mode: apply, after: P30D}
  pending: {mode: apply, after: PT48H}
  expiring: {within: P14D}
`

// sweeps sets the sweep's rules; edits replace text in them.
func (w *world) sweeps(text string, edits ...string) {
	w.t.Helper()
	text = strings.NewReplacer(edits...).Replace(text)
	r, err := sweep.ParseRules([]byte(text))
	require.NoError(w.t, err)
	w.Rules = func(context.Context) (*sweep.Rules, error) { return r, nil }
}

func (w *world) plan() sweep.Plan {
	w.t.Helper()
	p, err := w.Plan(w.t.Context())
	require.NoError(w.t, err)
	return p
}

var operator = pim.Caller{Kind: pim.CallerUser, ID: "11111111-1111-1111-1111-111111111111"}

// apply takes a plan to its end, in as much virtual time as it needs.
func (w *world) apply(p sweep.Plan) sweep.Status {
	w.t.Helper()
	st, err := w.Apply(w.t.Context(), operator, p.Hash, time.Now().Add(2*time.Hour))
	require.NoError(w.t, err)
	return st
}

// found lists the proposals as "rule kind principal", to be compared with.
func (w *world) found(p sweep.Plan) []string {
	out := []string{}
	for _, q := range p.Proposals {
		out = append(out, strings.Join([]string{string(q.Rule), string(q.Kind), w.name(q.Principal)}, " "))
	}
	return out
}

func (w *world) name(id string) string {
	for name, i := range map[string]string{"ada": w.ada, "bob": w.bob, "carl": w.carl, "robot": w.robot, "app": w.app} {
		if i == id {
			return name
		}
	}
	return id
}

// holds reports whether the principal holds anything of the kind, as the tenant knows.
func (w *world) holds(k simtenant.Kind, principal string) bool {
	all := w.tenant.Assignments()
	if k == simtenant.Eligibility {
		all = w.tenant.Eligibilities()
	}
	return slices.ContainsFunc(all, func(a simtenant.Access) bool { return a.PrincipalID == principal })
}

// effects counts the calls that change the tenant.
func (w *world) effects() int {
	n := 0
	for _, c := range w.tenant.Calls() {
		if c.Method == "PUT" || c.Method == "POST" && strings.HasSuffix(c.Path, "/cancel") ||
			c.Method == "POST" && strings.Contains(c.Path, "ScheduleRequests") {
			n++
		}
	}
	return n
}

// logs are the log lines that say event: sweep.
func (w *world) logs() []map[string]any {
	var out []map[string]any
	for _, line := range strings.Split(w.logged.String(), "\n") {
		var m map[string]any
		if json.Unmarshal([]byte(line), &m) == nil && m["event"] == "sweep" {
			out = append(out, m)
		}
	}
	return out
}

// grant lets ada have a role through the engine.
func (w *world) grant(id, scope, role, duration string) pim.Change {
	w.t.Helper()
	var r pim.Request
	require.NoError(w.t, json.Unmarshal([]byte(`{"id":"`+id+`","action":"grant","scope":"`+scope+`","role":"`+role+
		`","principalId":"`+w.ada+`","duration":"`+duration+`","justification":"because"}`), &r))
	key := pim.Caller{Kind: pim.CallerKey}
	_, err := w.Engine.Start(w.t.Context(), key, r)
	require.NoError(w.t, err)
	var c pim.Change
	for range 100 {
		var err error
		c, err = w.Engine.Drive(w.t.Context(), key, id, time.Now())
		require.NoError(w.t, err)
		if c.Ended() {
			break
		}
		time.Sleep(10 * time.Second)
	}
	require.Equal(w.t, pim.Done, c.State, "%+v %+v", c, c.Fault)
	return c
}

func inTime(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }

// outbox remembers what was sent, each message id once, as the queues do.
type outbox struct {
	mu     sync.Mutex
	events []pim.Event
}

func (o *outbox) Continue(context.Context, ...pim.Continuation) error { return nil }

func (o *outbox) Publish(_ context.Context, events ...pim.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range events {
		if !slices.ContainsFunc(o.events, func(f pim.Event) bool { return f.ID == e.ID }) {
			o.events = append(o.events, e)
		}
	}
	return nil
}

func (o *outbox) count(t pim.EventType) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, e := range o.events {
		if e.Type == t {
			n++
		}
	}
	return n
}

type trail struct{}

func (trail) Write(context.Context, pim.Record) error { return nil }

// lines is a log that several sweepers share.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
