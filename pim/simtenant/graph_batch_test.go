package simtenant_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// batch sends requests as one and returns the answers by id.
func (w *world) batch(principal string, requests ...props) map[string]map[string]any {
	w.t.Helper()
	r := w.graph(principal, "POST", "/v1.0/$batch", map[string]any{"requests": requests})
	require.Equal(w.t, http.StatusOK, r.Status, "%s", r.Body)
	answers := map[string]map[string]any{}
	for _, a := range r.at("responses").([]any) {
		answer := a.(map[string]any)
		answers[answer["id"].(string)] = answer
	}
	return answers
}

// in is a request of a batch.
func in(id, method, url string, body any) props {
	p := props{"id": id, "method": method, "url": url}
	if body != nil {
		p["body"], p["headers"] = body, map[string]any{"Content-Type": "application/json"}
	}
	return p
}

const roleRequests = "/roleManagement/directory/roleAssignmentScheduleRequests"

func TestABatchAnswersEachRequestByItself(t *testing.T) {
	w := newWorld(t)
	good := ask("adminAssign", w.alice, simtenant.RoleUserAdmin)
	bad := good.with("justification", nil)
	got := w.batch(w.admin(),
		in("a", "POST", roleRequests, good), in("b", "POST", roleRequests, bad),
		in("c", "GET", "/roleManagement/directory/roleDefinitions?$filter=displayName%20eq%20'User%20Administrator'", nil),
		in("d", "GET", "users/"+w.alice, nil).with("dependsOn", []string{"a"}),
		in("e", "GET", "users/"+w.alice, nil).with("dependsOn", []string{"b"}),
		in("f", "GET", "users/"+w.alice, nil).with("dependsOn", []string{"e"}),
		in("g", "DELETE", "/users/"+w.alice, nil),
	)
	for id, status := range map[string]float64{"a": 201, "b": 400, "c": 200, "d": 200, "e": 424, "f": 424, "g": 405} {
		require.Equal(t, status, got[id]["status"], id)
	}
	require.Equal(t, "Provisioned", got["a"]["body"].(map[string]any)["status"])
	require.Len(t, got["c"]["body"].(map[string]any)["value"], 1)
	require.Len(t, w.Requests(), 1)
}

func TestABatchIsRefusedWhole(t *testing.T) {
	w := newWorld(t)
	one := in("1", "GET", "/users/"+w.alice, nil)
	many := []props{}
	for i := range 21 {
		many = append(many, in(strconv.Itoa(i), "GET", "/users/"+w.alice, nil))
	}
	untyped := in("1", "POST", roleRequests, ask("adminAssign", w.alice, simtenant.RoleUserAdmin)).with("headers", nil)
	for name, requests := range map[string][]props{
		"none": {}, "twenty-one": many, "the same id twice": {one, one}, "no id": {one.with("id", nil)}, "no url": {one.with("url", nil)},
		"another host": {one.with("url", "https://graph.example/users")}, "a body without its type": {untyped},
		"a dependency that is not there": {one.with("dependsOn", []string{"9"})},
	} {
		require.Equal(t, 400, w.graph(w.admin(), "POST", "/v1.0/$batch", map[string]any{"requests": requests}).Status, name)
	}
	require.Equal(t, 200, w.graph(w.admin(), "POST", "/v1.0/$batch", map[string]any{"requests": many[:20]}).Status)
	require.Equal(t, 401, w.graphAs("", "POST", "/v1.0/$batch", map[string]any{"requests": []props{one}}).Status)
	nested := w.batch(w.admin(), in("1", "POST", "/$batch", map[string]any{"requests": []props{one}}))
	require.EqualValues(t, 400, nested["1"]["status"])
}

func TestA429StandsWithinTheAnswerOfABatch(t *testing.T) {
	w := newWorld(t)
	w.Inject(simtenant.Fault{Path: "/users/" + w.bob, Status: http.StatusTooManyRequests, RetryAfter: 17 * time.Second})
	got := w.batch(w.admin(), in("a", "GET", "/users/"+w.alice, nil), in("b", "GET", "/users/"+w.bob, nil))
	require.EqualValues(t, 200, got["a"]["status"])
	require.EqualValues(t, 429, got["b"]["status"])
	require.Equal(t, "17", got["b"]["headers"].(map[string]any)["Retry-After"])
	require.Equal(t, "1", got["a"]["headers"].(map[string]any)["X-Ms-Resource-Unit"])
}

func TestUnitsAreTheDocumentedOnes(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	for path, units := range map[string]string{
		"/v1.0/users": "2", "/v1.0/users?$select=id": "1", "/v1.0/users/" + w.alice: "1", "/v1.0/groups/" + group + "/members": "3",
		"/v1.0/groups/" + group + "/members?$top=5": "2", activeRoles + "?$expand=principal": "2", activeRoles + "?$top=5": "1",
	} {
		require.Equal(t, units, w.graph(admin, "GET", path, nil).Header.Get("x-ms-resource-unit"), path)
	}
	r := w.graph(admin, "POST", "/v1.0/users/"+w.alice+"/checkMemberGroups", map[string]any{"groupIds": []string{group}})
	require.Equal(t, "4", r.Header.Get("x-ms-resource-unit"))
}

func TestGraphThrottlesByUnitsAndReportsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simtenant.Options{Throttle: true})
		admin := w.admin()
		for range 5 {
			require.Equal(t, 200, w.graph(admin, "GET", audits, nil).Status)
		}
		r := w.graph(admin, "GET", audits, nil)
		require.Equal(t, http.StatusTooManyRequests, r.Status)
		require.Equal(t, "2", r.Header.Get("Retry-After"))
		require.Equal(t, 200, w.graph(w.reader("AuditLog.Read.All", "Directory.Read.All"), "GET", audits, nil).Status, "each application has its own")
		w.Advance(2 * time.Second)
		require.Equal(t, 200, w.graph(admin, "GET", audits, nil).Status)

		token := w.UserToken(admin, simtenant.AudienceGraph)
		warned := false
		var got reply
		for range 3501 {
			got = w.graphAs(token, "GET", "/v1.0/users/"+w.alice, nil)
			if got.Status != 200 {
				break
			}
			warned = warned || got.Header.Get("x-ms-throttle-limit-percentage") >= "0.80"
		}
		require.Equal(t, http.StatusTooManyRequests, got.Status)
		require.True(t, warned)
		require.Equal(t, "ResourceUnitLimitExceeded", got.Header.Get("x-ms-throttle-information"))
		require.Regexp(t, "^Tenant_Application/ReadWrite/[0-9a-f-]{36}/"+w.ID()+"$", got.Header.Get("x-ms-throttle-scope"))
	})
}

func TestGraphThrottlesWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simtenant.Options{Throttle: true})
		token := w.UserToken(w.admin(), simtenant.AudienceGraph)
		for range 3000 {
			require.Equal(t, http.StatusBadRequest, w.graphAs(token, "POST", assignRole, props{}).Status)
		}
		r := w.graphAs(token, "POST", assignRole, props{})
		require.Equal(t, http.StatusTooManyRequests, r.Status)
		require.Equal(t, "WriteLimitExceeded", r.Header.Get("x-ms-throttle-information"))
		require.Equal(t, http.StatusOK, w.graphAs(token, "GET", activeRoles, nil).Status, "reading goes on")
	})
}
