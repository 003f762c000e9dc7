package functions_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/auditlog"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// app is the function app over a simulated tenant, asked as the host asks it. It
// runs in virtual time: make it within synctest.Test.
type app struct {
	http.Handler
	t      *testing.T
	tenant *simtenant.Tenant
	app    *functions.App
	queues *queues
	audit  *bytes.Buffer
	log    *bytes.Buffer

	identity, ada, bob, carl, approvers string // object ids
	sub                                 string // scope of a subscription
	subID                               string
}

const rules = `
version: 1
keys:
  - {name: servicenow, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b} # of "secret"
readers: [{keys: [servicenow]}]
operators: [{keys: [servicenow]}]
rules:
  - name: tickets
    effect: allow
    actions: [grant, deactivate, makeEligible, removeEligible]
    callers: [{keys: [servicenow]}, {queues: [pim-requests]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [/]
    roles: [Owner, "*"]
    eligibility: make
    maxEligible: P30D
    maxDuration: PT8H
    justification: {minLength: 3}
    waives: [mfa]
`

// serviceNow is the function key that the rules name.
const serviceNow = "secret"

func inTime(t *testing.T, f func(*testing.T)) { t.Helper(); synctest.Test(t, f) }

func newApp(t *testing.T, text string) *app {
	t.Helper()
	a := &app{t: t, tenant: simtenant.New(simtenant.Options{}), queues: &queues{}, audit: &bytes.Buffer{}, log: &bytes.Buffer{}}
	a.ada = a.tenant.AddUser(simtenant.User{Name: "ada", MFA: true})
	a.bob = a.tenant.AddUser(simtenant.User{Name: "bob", MFA: true})
	a.carl = a.tenant.AddUser(simtenant.User{Name: "carl"})
	a.approvers = a.tenant.AddGroup(simtenant.Group{Name: "approvers", Members: []string{a.bob}})
	a.identity = a.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "azure-pim", ManagedIdentity: true,
		AppRoles: []string{"Directory.Read.All", "AuditLog.Read.All", "PrivilegedEligibilitySchedule.Read.AzureADGroup"}})
	a.sub = a.tenant.AddSubscription("", "production", "")
	a.subID = strings.TrimPrefix(a.sub, "/subscriptions/")
	a.tenant.Assign(simtenant.Grant{Scope: "/", Role: simtenant.RoleUserAccessAdmin, Principal: a.identity})

	client, err := pim.NewClient(a.tenant.Credential(a.identity), &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: a.tenant.Transport()}})
	require.NoError(t, err)
	parsed, err := pim.ParseRules([]byte(text))
	require.NoError(t, err)
	ruleSource := func(context.Context) (*pim.Rules, error) { return parsed, nil }
	log := slog.New(slog.NewJSONHandler(a.log, nil))
	a.app = &functions.App{Log: log, Queues: a.queues, Callers: functions.Callers{Rules: ruleSource}}
	a.app.Engine = &pim.Engine{Tenant: a.tenant.ID(), Client: client, Ledger: ledger.NewMemory(), Audit: auditlog.NewWriter(a.audit),
		Outbox: functions.Outbox{Queues: a.queues}, Rules: ruleSource, Log: log, Guard: pim.Guard{Identity: []string{a.identity}}}
	a.Handler = functions.New(a.app)
	a.tenant.ForgetCalls()
	return a
}

// call asks an HTTP function as the host forwards it. Headers come in pairs.
func (a *app) call(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	r := httptest.NewRequestWithContext(a.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("x-functions-key", serviceNow)
	r.Header.Set("X-Azure-Functions-InvocationId", "11111111-2222-3333-4444-555555555555")
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	a.ServeHTTP(rec, r)
	readDocument(a.t).conforms(a.t, method, path, rec) // whatever a test asks, openapi.json describes the answer
	return rec
}

// message posts a queue message as the host does, and tells whether it completes.
func (a *app) message(function, id, body string, delivery int) bool {
	a.t.Helper()
	return a.deliver(function, queued{QueueMessage: functions.QueueMessage{ID: id, Body: []byte(body)}, sequence: len(id) + 100}, delivery)
}

// deliver posts a message of a queue.
func (a *app) deliver(function string, m queued, delivery int) bool {
	a.t.Helper()
	properties, err := json.Marshal(m.Properties)
	require.NoError(a.t, err)
	envelope := fmt.Sprintf(`{"Data":{"message":%q},"Metadata":{"DeliveryCount":"%d","MessageId":"\"%s\"","SequenceNumber":"%d","ApplicationProperties":%s}}`,
		base64.StdEncoding.EncodeToString(m.Body), delivery, m.ID, m.sequence, properties)
	rec := a.call(http.MethodPost, "/"+function, envelope, "x-functions-key", "")
	return rec.Code == http.StatusOK
}

// settle delivers what waits on pim-changes, in the order it is due, until nothing
// is left.
func (a *app) settle() {
	a.t.Helper()
	for range 1000 {
		m, ok := a.queues.take(functions.ChangesQueue)
		if !ok {
			return
		}
		time.Sleep(time.Until(m.due))
		require.True(a.t, a.deliver("advance", m, 1), a.log.String())
	}
	require.Fail(a.t, "the queue does not run empty")
}

func (a *app) report(rec *httptest.ResponseRecorder) pim.Report {
	a.t.Helper()
	var r pim.Report
	require.NoError(a.t, json.Unmarshal(rec.Body.Bytes(), &r), rec.Body.String())
	return r
}

func (a *app) problem(rec *httptest.ResponseRecorder) functions.Problem {
	a.t.Helper()
	require.Equal(a.t, "application/problem+json", rec.Header().Get("Content-Type"), rec.Body.String())
	var p functions.Problem
	require.NoError(a.t, json.Unmarshal(rec.Body.Bytes(), &p))
	require.Equal(a.t, rec.Code, p.Status)
	return p
}

// held lists the Azure roles that ada has or may activate, as "kind role".
func (a *app) held(principal string) []string {
	var out []string
	for _, x := range append(a.tenant.Eligibilities(), a.tenant.Assignments()...) {
		if x.PrincipalID == principal {
			out = append(out, string(x.Kind)+" "+x.Role)
		}
	}
	return out
}

// effects counts what the tenant was asked to change.
func (a *app) effects() int {
	return a.tenant.Count(http.MethodPut, "ScheduleRequests") + a.tenant.Count(http.MethodPost, "/cancel")
}

type queued struct {
	functions.QueueMessage
	due      time.Time
	sequence int
}

// queues are Service Bus in memory: ids that came before are dropped.
type queues struct {
	mu   sync.Mutex
	held map[string][]queued
	seen map[string]bool
	down bool
}

func (q *queues) Send(_ context.Context, queue string, messages ...functions.QueueMessage) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.down {
		return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: "Service Bus cannot be reached"}
	}
	if q.held == nil {
		q.held, q.seen = map[string][]queued{}, map[string]bool{}
	}
	for _, m := range messages {
		if !q.seen[queue+"/"+m.ID] {
			q.seen[queue+"/"+m.ID] = true
			q.held[queue] = append(q.held[queue], queued{m, time.Now().Add(m.After), len(q.seen)})
		}
	}
	return nil
}

func (q *queues) take(queue string) (queued, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ms := q.held[queue]
	if len(ms) == 0 {
		return queued{}, false
	}
	slices.SortStableFunc(ms, func(a, b queued) int { return a.due.Compare(b.due) })
	q.held[queue] = ms[1:]
	return ms[0], true
}

// outcomes lists the types of what was told, and of which change.
func (q *queues) outcomes(t *testing.T) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []string
	for _, m := range q.held[functions.OutcomesQueue] {
		var e pim.Event
		require.NoError(t, json.Unmarshal(m.Body, &e))
		require.Equal(t, "1.0", e.SpecVersion)
		out = append(out, e.Subject+" "+strings.TrimPrefix(string(e.Type), "azurepim."))
	}
	return out
}

func (q *queues) DeadLetters(context.Context, string, int64, int) ([]functions.DeadLetter, error) {
	return nil, nil
}
func (q *queues) Resubmit(context.Context, string, int64) error { return io.EOF }
