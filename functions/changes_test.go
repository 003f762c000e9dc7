package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

const owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

// Both bodies of the original sample, as they came.
func (a *app) bodies() map[string]string {
	return map[string]string{
		"a role at a resource":   fmt.Sprintf(`{"userObjectId":%q,"roleDefinitionId":%q,"resourceId":%q,"justification":"Deploy the release"}`, a.ada, owner, a.sub),
		"owner for a change":     fmt.Sprintf(`{"userObjectId":%q,"subscriptionId":%q,"justification":"Deploy the release","changeRequestId":"CR12345"}`, a.ada, a.subID),
		"with duration and more": fmt.Sprintf(`{"userObjectId":%q,"subscriptionId":%q,"justification":"Deploy the release","changeRequestId":"CR9","duration":"PT2H","ticketSystem":"ServiceNow"}`, a.ada, a.subID),
		"a full role id": fmt.Sprintf(`{"userObjectId":%q,"roleDefinitionId":"%s/providers/Microsoft.Authorization/roleDefinitions/%s","resourceId":%q,"justification":"Deploy the release"}`,
			a.ada, a.sub, owner, a.sub),
	}
}

func TestSampleRequestsMakeTheRoleActive(t *testing.T) {
	names := []string{"a role at a resource", "owner for a change", "with duration and more", "a full role id"}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newApp(t, rules)
				rec := a.call(http.MethodPost, "/api/activatePIMRole", a.bodies()[name])
				require.Equal(t, http.StatusAccepted, rec.Code, rec.Body.String())
				at := rec.Header().Get("Location")
				require.Equal(t, "/api/changes/"+a.report(rec).ID, at)
				require.NotEmpty(t, rec.Header().Get("Retry-After"))
				require.Equal(t, []string{"eligibility " + owner, "assignment " + owner}, a.held(a.ada), "the role is active, though listings do not show it yet")
				a.settle()
				rec = a.call(http.MethodGet, at, "")
				require.Equal(t, http.StatusOK, rec.Code)
				done := a.report(rec)
				require.Equal(t, pim.Done, done.State)
				require.True(t, done.Result.Confirmed)
				require.Equal(t, "key:servicenow", done.RequestedBy)
				require.Equal(t, []string{done.ID + " change.decided", done.ID + " change.granted"}, a.queues.outcomes(t))

				// Again: the same answer, and no second effect.
				before := a.effects()
				rec = a.call(http.MethodPost, "/api/activatePIMRole", a.bodies()[name])
				require.Equal(t, http.StatusCreated, rec.Code, rec.Body.String())
				require.Equal(t, before, a.effects())
			})
		})
	}
}

// What is refused, by which status and naming which field, and how often the tenant
// was asked for it.
func TestBadRequestsAreNamed(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		name, path, body string
		want             int
		code             pim.Code
		field            string
		calls            int
	}{
		{"not JSON", "changes", `{`, 400, "invalid", "", 0},
		{"nothing", "changes", ``, 400, "invalid", "", 0},
		{"an unknown field", "changes", `{"action":"grant","sccope":"/x"}`, 400, "invalid", "sccope", 0},
		{"a field twice", "changes", `{"scope":"/subscriptions/SUB","Scope":"/"}`, 400, "invalid", "Scope", 0},
		{"a field twice, once with a long s", "changes", `{"scope":"/subscriptions/SUB","\u017fcope":"/"}`, 400, "invalid", "\u017fcope", 0},
		{"a field with a Kelvin sign", "changes", `{"action":"cancel","\u212aind":"assignment","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA"}`, 400, "invalid", "\u212aind", 0},
		{"an id of the sweep", "changes", `{"id":"sweep-20261130-0123456789abcdef0123","action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","justification":"because"}`, 400, "invalid", "id", 0},
		{"a wrong type", "changes", `{"action":"grant","duration":4}`, 400, "invalid", "duration", 0},
		{"no action", "changes", `{"scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA"}`, 400, "invalid", "action", 0},
		{"an unknown action", "changes", `{"action":"seize","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA"}`, 400, "invalid", "action", 0},
		{"an unknown plane", "changes", `{"action":"grant","plane":"astral","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA"}`, 400, "invalid", "plane", 0},
		{"a scope that climbs", "changes", `{"action":"grant","scope":"/subscriptions/SUB/../t","role":"Owner","principalId":"ADA"}`, 400, "invalid", "scope", 0},
		{"a scope with a query", "changes", `{"action":"grant","scope":"/subscriptions/SUB?x=1","role":"Owner","principalId":"ADA"}`, 400, "invalid", "scope", 0},
		{"a scope in code", "changes", `{"action":"grant","scope":"/subscriptions/SUB%2f..","role":"Owner","principalId":"ADA"}`, 400, "invalid", "scope", 0},
		{"a scope with a gap", "changes", `{"action":"grant","scope":"/subscriptions//SUB","role":"Owner","principalId":"ADA"}`, 400, "invalid", "scope", 0},
		{"a subscription that is no GUID", "changes", `{"action":"grant","scope":"/subscriptions/production","role":"Owner","principalId":"ADA"}`, 400, "invalid", "scope", 0},
		{"a principal by name", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ada"}`, 400, "invalid", "principalId", 0},
		{"a duration in hours", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","duration":"4h"}`, 400, "invalid", "duration", 0},
		{"a duration below nothing", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","duration":"-PT4H"}`, 400, "invalid", "duration", 0},
		{"a duration too short", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","duration":"PT1M"}`, 400, "invalid", "duration", 0},
		{"a duration without end", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","duration":"P99999999999D"}`, 400, "invalid", "duration", 0},
		{"an id that is a path", "changes", `{"id":"../x","action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA"}`, 400, "invalid", "id", 0},
		{"line breaks in the reason", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","justification":"a\nb"}`, 400, "invalid", "justification", 0},
		{"reordered text in the reason", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","justification":"a\u202eb"}`, 400, "invalid", "justification", 0},
		{"a reason of a book", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","justification":"` + long[:2000] + `"}`, 400, "invalid", "justification", 0},
		{"a body over 1 MiB", "changes", `{"action":"` + long + `"}`, 413, "tooLarge", "", 0},
		{"a role of another subscription", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"/subscriptions/00000000-0000-0000-0000-000000000001/providers/Microsoft.Authorization/roleDefinitions/` + owner + `","principalId":"ADA","justification":"because"}`, 400, "invalid", "role", 0},
		{"no reason", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA"}`, 422, "unmet", "", 0},
		{"longer than the rule", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","justification":"because","duration":"PT9H"}`, 422, "unmet", "", 0},
		{"another action than the rule's", "changes", `{"action":"renew","scope":"/subscriptions/SUB","role":"Owner","principalId":"ADA","justification":"because","duration":"P1D"}`, 403, "refused", "", 0},
		{"to ourselves", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"APP","justification":"because"}`, 403, "refused", "", 0},
		{"an unknown role", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Emperor","principalId":"ADA","justification":"because"}`, 404, "notFound", "role", 2},
		{"nobody", "changes", `{"action":"grant","scope":"/subscriptions/SUB","role":"Owner","principalId":"00000000-0000-0000-0000-00000000dead","justification":"because"}`, 404, "notFound", "principalId", 3},

		{"sample: no user", "activatePIMRole", `{"subscriptionId":"SUB","justification":"because"}`, 400, "invalid", "userObjectId", 0},
		{"sample: a user by name", "activatePIMRole", `{"userObjectId":"ada","subscriptionId":"SUB","justification":"because"}`, 400, "invalid", "userObjectId", 0},
		{"sample: no place", "activatePIMRole", `{"userObjectId":"ADA","justification":"because"}`, 400, "invalid", "resourceId", 0},
		{"sample: two places", "activatePIMRole", `{"userObjectId":"ADA","subscriptionId":"SUB","resourceId":"/subscriptions/SUB","justification":"because"}`, 400, "invalid", "resourceId", 0},
		{"sample: no role", "activatePIMRole", `{"userObjectId":"ADA","resourceId":"/subscriptions/SUB","justification":"because"}`, 400, "invalid", "roleDefinitionId", 0},
		{"sample: a subscription that climbs", "activatePIMRole", `{"userObjectId":"ADA","subscriptionId":"SUB/../x","justification":"because"}`, 400, "invalid", "subscriptionId", 0},
		{"sample: no reason", "activatePIMRole", `{"userObjectId":"ADA","subscriptionId":"SUB"}`, 400, "invalid", "justification", 0},
		{"sample: an unknown field", "activatePIMRole", `{"userObjectId":"ADA","subscriptionId":"SUB","justification":"because","admin":true}`, 400, "invalid", "admin", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newApp(t, rules)
				body := strings.NewReplacer("SUB", a.subID, "ADA", a.ada, "APP", a.identity).Replace(tt.body)
				rec := a.call(http.MethodPost, "/api/"+tt.path, body)
				require.Equal(t, tt.want, rec.Code, rec.Body.String())
				p := a.problem(rec)
				require.Equal(t, tt.code, p.Code)
				require.Equal(t, tt.field, p.Field, "%+v", p)
				require.LessOrEqual(t, len(a.tenant.Calls()), tt.calls, "%v", a.tenant.Calls())
				require.Zero(t, a.effects())
				require.Empty(t, a.held(a.ada))
			})
		})
	}
}

func TestFaultsAreDrivenThroughOrQueued(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault simtenant.Fault
	}{
		{"throttled for long", simtenant.Fault{Method: "PUT", Status: 429, RetryAfter: 3 * time.Minute}},
		{"broken for a while", simtenant.Fault{Method: "PUT", Status: 500, Times: 12}},
		{"answers get lost", simtenant.Fault{Method: "PUT", DropAnswer: true, Times: 4}},
		{"slow", simtenant.Fault{Method: "PUT", Delay: 15 * time.Second, Times: 2}},
		{"reads are throttled", simtenant.Fault{Method: "GET", Status: 429, RetryAfter: 2 * time.Minute, Times: 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newApp(t, rules)
				a.tenant.Inject(tt.fault)
				start := time.Now()
				rec := a.call(http.MethodPost, "/api/activatePIMRole", a.bodies()["owner for a change"])
				require.Equal(t, http.StatusAccepted, rec.Code, rec.Body.String())
				require.Less(t, time.Since(start), time.Minute, "a caller is not kept waiting")
				a.settle()
				require.Equal(t, pim.Done, a.report(a.call(http.MethodGet, "/api/changes/CR12345", "")).State)
				require.Equal(t, []string{"eligibility " + owner, "assignment " + owner}, a.held(a.ada))
				require.Len(t, a.tenant.Requests(), 2)
			})
		})
	}
}

func TestDryRunAsksForNothingButReads(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		body := fmt.Sprintf(`{"action":"grant","scope":%q,"role":"Owner","principalId":%q,"justification":"because"}`, a.sub, a.ada)
		rec := a.call(http.MethodPost, "/api/changes?dryRun=true", body)
		require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
		var d pim.Decision
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &d))
		require.True(t, d.Allowed)
		require.Equal(t, "tickets", d.Rule)
		require.Zero(t, a.effects())
		require.Empty(t, a.audit.String())
		rec = a.call(http.MethodGet, "/api/changes", "")
		require.JSONEq(t, `{"value":[]}`, rec.Body.String())
		require.Equal(t, http.StatusBadRequest, a.call(http.MethodPost, "/api/changes?dryRun=maybe", body).Code)
	})
}

// Twenty subscriptions in one request, as the original sample speaks of; one of them
// does not exist, and one is refused.
func TestBulkFaresOneByOne(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		var items []string
		for i := range 20 {
			sub := a.tenant.AddSubscription("", fmt.Sprintf("sub %d", i), "")
			items = append(items, fmt.Sprintf(`{"id":"CR-%d","action":"grant","scope":%q,"role":"Owner","principalId":%q,"justification":"because"}`, i, sub, a.ada))
		}
		items = append(items, fmt.Sprintf(`{"id":"CR-x","action":"grant","scope":%q,"role":"Owner","principalId":%q,"justification":"because"}`, a.sub, a.identity),
			`{"id":"CR-y","action":"grant","scope":"/subscriptions/x"}`)
		body := `{"changes":[` + strings.Join(items, ",") + `]}`
		for range 2 { // as a whole again: no second effect
			rec := a.call(http.MethodPost, "/api/changes", body)
			require.Equal(t, http.StatusAccepted, rec.Code, rec.Body.String())
			var out struct {
				Value []struct {
					Index   int
					Change  *pim.Report
					Problem *functions.Problem
				}
			}
			require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &out))
			require.Len(t, out.Value, 22)
			require.Equal(t, "invalid", string(out.Value[21].Problem.Code))
			a.settle()
		}
		require.Len(t, a.tenant.Requests(), 40)
		require.Len(t, a.held(a.ada), 40)
		require.Equal(t, pim.Refused, a.report(a.call(http.MethodGet, "/api/changes/CR-x", "")).State)
		granted := 0
		for _, o := range a.queues.outcomes(t) {
			if strings.HasSuffix(o, "change.granted") {
				granted++
			}
		}
		require.Equal(t, 20, granted)
	})
}

func TestAsyncAnswersAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		start := time.Now()
		rec := a.call(http.MethodPost, "/api/activatePIMRole", a.bodies()["owner for a change"], "Prefer", "respond-async")
		require.Equal(t, http.StatusAccepted, rec.Code)
		require.Zero(t, time.Since(start))
		require.Empty(t, a.tenant.Calls())
		a.settle()
		require.Len(t, a.held(a.ada), 2)
	})
}

// Without the queue, the resume timer carries changes on and tells what is left.
func TestQueueOutOfReachLosesNothing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		a.queues.down = true
		rec := a.call(http.MethodPost, "/api/activatePIMRole", a.bodies()["owner for a change"])
		require.Equal(t, http.StatusAccepted, rec.Code)
		a.queues.down = false
		time.Sleep(10 * time.Minute)
		require.Equal(t, http.StatusOK, a.call(http.MethodPost, "/resume", `{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{}}`).Code)
		a.settle()
		require.Equal(t, []string{"CR12345 change.decided", "CR12345 change.granted"}, a.queues.outcomes(t))
	})
}

// A tenant that does not answer keeps nobody longer than a healthy one.
func TestCallerIsKeptForTwentyFiveSecondsAtTheMost(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		a.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Delay: 50 * time.Second, Times: simtenant.Always, Until: a.tenant.Now().Add(2 * time.Minute)})
		began := time.Now()
		rec := a.call(http.MethodPost, "/api/changes", a.request("CR1"))
		require.Equal(t, http.StatusAccepted, rec.Code, rec.Body.String())
		require.LessOrEqual(t, time.Since(began), 25*time.Second)
		a.settle()
		require.Len(t, a.tenant.Requests(), 2, "what was cut off is looked for before it is asked for again")
		require.Contains(t, a.queues.outcomes(t), "CR1 change.granted")
	})
}

// One entry that nobody can read hides no other.
func TestListingLeavesOutWhatCannotBeRead(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		for _, id := range []string{"CR1", "CR3"} {
			require.Equal(t, http.StatusAccepted, a.call(http.MethodPost, "/api/changes", a.request(id), "Prefer", "respond-async").Code)
		}
		a.app.Engine.Ledger = torn{a.app.Engine.Ledger}
		rec := a.call(http.MethodGet, "/api/changes", "")
		require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
		require.Equal(t, 2, strings.Count(rec.Body.String(), `"requestedBy"`))
		require.Contains(t, a.log.String(), "CR2 cannot be read")

		prunes := 0
		a.app.Retention, a.app.Pruner = time.Hour, pruner(func() { prunes++ })
		rec = a.call(http.MethodPost, "/resume", `{"Data":{"timer":{"IsPastDue":false}},"Metadata":{}}`, "x-functions-key", "")
		require.Equal(t, http.StatusInternalServerError, rec.Code)
		require.Equal(t, 1, prunes, "nor does it keep the others from being looked after")
	})
}

// torn is a ledger with an entry that cannot be read.
type torn struct{ pim.Ledger }

func (l torn) List(ctx context.Context, f pim.Filter) iter.Seq2[pim.Change, error] {
	return func(yield func(pim.Change, error) bool) {
		bad := &pim.Error{Code: pim.CodeInternal, Detail: "the ledger's entry CR2 cannot be read"}
		if !yield(pim.Change{Request: pim.Request{ID: "CR2"}}, bad) {
			return
		}
		l.Ledger.List(ctx, f)(yield)
	}
}

type pruner func()

func (p pruner) Prune(context.Context, time.Time) (int, error) { p(); return 0, nil }
