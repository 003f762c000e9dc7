package simtenant_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const approvalVersion = "?api-version=2021-01-01-preview"

// pendingApproval is a world in which Alice's activation waits for Bob.
func pendingApproval(t *testing.T) (w *world, request, approval string) {
	w = newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	approvers := w.AddGroup(simtenant.Group{Name: "approvers", Members: []string{w.bob, w.alice}})
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.RequireApproval(approvers) })
	request = uuid.NewString()
	r := w.putAs(w.armToken(w.alice, simtenant.WithMFA()), subscription, assign, request, newProps("SelfActivate", w.alice, subscription))
	require.Equal(t, "PendingApproval", r.at("properties", "status"), "%s", r.Body)
	approval = r.at("properties", "approvalId").(string)
	require.Contains(t, approval, rbac+"roleAssignmentApprovals/")
	return w, subscription + rbac + assign + "/" + request, approval
}

func review(result, why string) any {
	return map[string]any{"properties": map[string]any{"reviewResult": result, "justification": why}}
}

// stage is the path of the one stage of an approval, by its id.
func (w *world) stage(token, approval string) string {
	r := w.arm(token, "GET", approval+approvalVersion, nil)
	require.Equal(w.t, http.StatusOK, r.Status, "%s", r.Body)
	stage := r.at("properties", "stages").([]any)[0].(map[string]any)
	require.NotContains(w.t, stage["id"], stage["name"], "the name of a stage is not in its id")
	return stage["id"].(string)
}

func TestAnApproverLetsAnActivationBegin(t *testing.T) {
	w, request, approval := pendingApproval(t)
	bob := w.armToken(w.bob)
	waiting := w.list(bob, rbac+assign, "asApprover()")
	require.Len(t, waiting, 1)
	require.Equal(t, approval, waiting[0]["properties"].(map[string]any)["approvalId"])
	r := w.arm(bob, "GET", rbac+"roleAssignmentApprovals"+approvalVersion+"&$filter="+url.QueryEscape("asApprover()"), nil)
	require.Len(t, r.values(), 1)

	stage := w.stage(bob, approval)
	require.Equal(t, http.StatusForbidden, w.arm(w.armToken(w.alice), "PUT", stage+approvalVersion, review("Approve", "me")).Status, "nobody approves his own")
	require.Equal(t, http.StatusForbidden, w.arm(w.armToken(w.app), "PUT", stage+approvalVersion, review("Approve", "us")).Status, "nor does an application")
	require.Equal(t, http.StatusForbidden, w.arm(w.armToken(w.outsider), "GET", stage+approvalVersion, nil).Status)
	require.Equal(t, http.StatusBadRequest, w.arm(bob, "PUT", stage+approvalVersion, review("Approve", "")).Status, "a reason is wanted")
	flat := map[string]any{"reviewResult": "Approve", "justification": "ok"}
	require.Equal(t, http.StatusBadRequest, w.arm(bob, "PUT", stage+approvalVersion, flat).Status, "the body is wrapped")
	require.Len(t, w.Assignments(), 2)

	r = w.arm(bob, "PUT", stage+approvalVersion, review("approve", "known incident"))
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Equal(t, "Completed", r.at("properties", "status"))
	require.Equal(t, "Provisioned", w.arm(w.armToken(w.alice), "GET", request, nil).at("properties", "status"))
	require.Len(t, w.Assignments(), 3)
	require.Equal(t, http.StatusConflict, w.arm(bob, "PATCH", stage+approvalVersion, review("Deny", "no")).Status, "it is decided")
}

func TestADenialEndsTheRequest(t *testing.T) {
	w, request, approval := pendingApproval(t)
	bob := w.armToken(w.bob)
	require.Equal(t, http.StatusOK, w.arm(bob, "PATCH", w.stage(bob, approval)+approvalVersion, review("Deny", "no")).Status)
	require.Equal(t, "Denied", w.arm(w.armToken(w.alice), "GET", request, nil).at("properties", "status"))
	require.Len(t, w.Assignments(), 2)
}

func TestNobodyApprovesForADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, request, approval := pendingApproval(t)
		time.Sleep(24*time.Hour - time.Second)
		require.Equal(t, "PendingApproval", w.arm(w.armToken(w.alice), "GET", request, nil).at("properties", "status"))
		time.Sleep(time.Second)
		require.Equal(t, "TimedOut", w.arm(w.armToken(w.alice), "GET", request, nil).at("properties", "status"))
		bob := w.armToken(w.bob)
		require.Equal(t, http.StatusConflict, w.arm(bob, "PUT", w.stage(bob, approval)+approvalVersion, review("Approve", "late")).Status)
	})
}

func TestAnActivationThatWaitedLastsAsLongAsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, approval := pendingApproval(t)
		time.Sleep(3 * time.Hour)
		bob := w.armToken(w.bob)
		require.Equal(t, http.StatusOK, w.arm(bob, "PUT", w.stage(bob, approval)+approvalVersion, review("Approve", "ok")).Status)
		active := w.Assignments()
		require.WithinDuration(t, time.Now().Add(time.Hour), active[len(active)-1].End, time.Second)
	})
}

func TestABatchDecidesWithAnEmptyAnswerInside(t *testing.T) {
	w, request, approval := pendingApproval(t)
	bob := w.armToken(w.bob)
	stage := w.stage(bob, approval)
	w.ForgetCalls()
	w.Inject(simtenant.Fault{Method: "GET", Path: "/roleAssignmentScheduleRequests", Status: 429, RetryAfter: 7 * time.Second})
	r := w.arm(bob, "POST", "/batch?api-version=2020-06-01", map[string]any{"requests": []any{
		map[string]any{"httpMethod": "PUT", "name": "decide", "url": "https://management.azure.com" + stage + approvalVersion, "content": review("Approve", "ok").(map[string]any)},
		map[string]any{"httpMethod": "GET", "name": "throttled", "url": request + "?api-version=2020-10-01"},
		map[string]any{"httpMethod": "GET", "name": "elsewhere", "url": "https://example.com/steal"},
	}})
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	responses := r.at("responses").([]any)
	status := func(i int) any { return responses[i].(map[string]any)["httpStatusCode"] }
	require.EqualValues(t, 204, status(0))
	require.EqualValues(t, 429, status(1), "each part is throttled by itself")
	require.Equal(t, "7", responses[1].(map[string]any)["headers"].(map[string]any)["Retry-After"])
	require.EqualValues(t, 400, status(2))
	require.Len(t, w.Assignments(), 3)
}

func TestWithdrawingARequestClosesItsApproval(t *testing.T) {
	w, request, approval := pendingApproval(t)
	bob := w.armToken(w.bob)
	require.Equal(t, http.StatusOK, w.arm(w.armToken(w.alice), "POST", request+"/cancel", nil).Status)
	require.Equal(t, http.StatusConflict, w.arm(bob, "PUT", w.stage(bob, approval)+approvalVersion, review("Approve", "ok")).Status)
	require.Empty(t, w.list(bob, rbac+assign, "asApprover()"))
}

func TestWithoutNamedApproversOwnersApprove(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	w.Assign(simtenant.Grant{Scope: subscription, Role: "Owner", Principal: w.bob})
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.RequireApproval() })
	w.put(w.armToken(w.alice, simtenant.WithMFA()), subscription, assign, newProps("SelfActivate", w.alice, subscription))
	require.Len(t, w.list(w.armToken(w.bob), rbac+assign, "asApprover()"), 1)
	require.Empty(t, w.list(w.armToken(w.carol), rbac+assign, "asApprover()"))
}

func TestAnApprovalCanBeInTheMaking(t *testing.T) {
	w := newWorld(t, simtenant.Options{ApprovalDelay: 30 * time.Second})
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.RequireApproval(w.bob) })
	alice := w.armToken(w.alice, simtenant.WithMFA())
	r := w.put(alice, subscription, assign, newProps("SelfActivate", w.alice, subscription))
	require.Equal(t, "PendingApprovalProvisioning", r.at("properties", "status"))
	require.Nil(t, r.at("properties", "approvalId"))
	w.Advance(30 * time.Second)
	r = w.arm(alice, "GET", r.at("id").(string), nil)
	require.Equal(t, "PendingApproval", r.at("properties", "status"))
	require.NotNil(t, r.at("properties", "approvalId"))
}

func TestAnApprovalThatComesTooLateFails(t *testing.T) {
	w, request, approval := pendingApproval(t)
	w.Advance(10 * time.Minute)
	remove := newProps("AdminRemove", w.alice, subscription).with("scheduleInfo", nil)
	require.Equal(t, http.StatusCreated, w.put(w.armToken(w.app), subscription, eligible, remove).Status)
	bob := w.armToken(w.bob)
	require.Equal(t, http.StatusOK, w.arm(bob, "PUT", w.stage(bob, approval)+approvalVersion, review("Approve", "ok")).Status)
	require.Equal(t, "Failed", w.arm(w.armToken(w.alice), "GET", request, nil).at("properties", "status"), "she is no longer eligible")
	require.Len(t, w.Assignments(), 2)
}
