package simtenant_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// surfaceOfApprovals is where a plane has its approvals.
type surfaceOfApprovals struct {
	plane         simtenant.Plane
	requests      string
	approvals     string
	stages, scope string
}

var approvalSurfaces = []surfaceOfApprovals{
	{simtenant.PlaneDirectory, assignRole, "/beta/roleManagement/directory/roleAssignmentApprovals/", "steps", writeAssignments},
	{simtenant.PlaneGroup, joinGroup, groups + "assignmentApprovals/", "stages", writeMembers},
	{simtenant.PlaneGroup, joinGroup, "/beta/identityGovernance/privilegedAccess/group/assignmentApprovals/", "steps", writeMembers},
}

// waiting has Alice ask for what Bob must approve, and returns the request's id.
func (s surfaceOfApprovals) waiting(w *world) string {
	w.t.Helper()
	scope, role := "/", simtenant.RoleUserAdmin
	body := ask("selfActivate", w.alice, role)
	if s.plane == simtenant.PlaneGroup {
		scope, role = w.AddGroup(simtenant.Group{Name: "Operators"}), "member"
		body = askGroup("selfActivate", w.alice, scope)
	}
	w.MakeEligible(simtenant.Grant{Plane: s.plane, Scope: scope, Role: role, Principal: w.alice})
	w.UpdatePolicy(s.plane, scope, role, func(p *simtenant.Policy) { p.RequireApproval(w.bob, w.carol, w.alice) })
	r := made(w.graph(w.alice, "POST", s.requests, body, s.scope))
	require.Equal(w.t, "PendingApproval", r["status"])
	require.Equal(w.t, r["id"], r["approvalId"])
	require.Nil(w.t, r["completedDateTime"])
	refused(w.graph(w.alice, "POST", s.requests, body, s.scope), "PendingRoleAssignmentRequest")
	return r["id"].(string)
}

// stage finds the path of the one stage, as its reader sees it.
func (s surfaceOfApprovals) stage(w *world, reader, id string) (string, map[string]any) {
	w.t.Helper()
	r := w.graph(reader, "GET", s.approvals+id+"/"+s.stages, nil, s.scope)
	require.Equal(w.t, http.StatusOK, r.Status, "%s", r.Body)
	stage := r.values()[0].(map[string]any)
	return s.approvals + id + "/" + s.stages + "/" + stage["id"].(string), stage
}

func decision(result string) any {
	return map[string]any{"reviewResult": result, "justification": "I know her"}
}

func TestApproversOnGraphDecideOnceAndPeopleOnly(t *testing.T) {
	for _, s := range approvalSurfaces {
		w := newWorld(t)
		admin := w.admin()
		id := s.waiting(w)
		path, stage := s.stage(w, w.bob, id)
		require.Equal(t, "InProgress", stage["status"])
		require.Equal(t, true, stage["assignedToMe"])
		require.NotEqual(t, id, stage["id"])
		patch := func(who, path string, body any) int { return w.graph(who, "PATCH", path, body, s.scope).Status }

		require.Equal(t, 403, patch(admin, path, decision("Approve")), "no application approves")
		require.Equal(t, 403, patch(w.alice, path, decision("Approve")), "nobody approves his own")
		require.Equal(t, 403, patch(w.outsider, path, decision("Approve")))
		require.Equal(t, 403, w.graph(w.bob, "PATCH", path, decision("Approve")).Status, "without the scope")
		require.Equal(t, 404, patch(w.bob, s.approvals+uuid.NewString()+"/"+s.stages+"/"+stage["id"].(string), decision("Approve")))
		require.Equal(t, 404, patch(w.bob, s.approvals+id+"/"+s.stages+"/"+uuid.NewString(), decision("Approve")))
		require.Equal(t, 400, patch(w.bob, path, decision("Perhaps")))
		require.Equal(t, 400, patch(w.bob, path, map[string]any{"reviewResult": "Approve"}), "without a justification")
		require.Equal(t, http.StatusNoContent, patch(w.bob, path, decision("Approve")))
		require.Equal(t, http.StatusConflict, patch(w.carol, path, decision("Deny")), "somebody was faster")

		require.Equal(t, "Provisioned", w.graph(admin, "GET", s.requests+"/"+id, nil).at("status"))
		_, stage = s.stage(w, w.alice, id)
		require.Equal(t, "Completed", stage["status"])
		require.Equal(t, "Approve", stage["reviewResult"])
		require.Equal(t, w.bob, stage["reviewedBy"].(map[string]any)["id"])
	}
}

func TestApproversFindWhatWaitsForThemByStatus(t *testing.T) {
	for _, s := range approvalSurfaces {
		w := newWorld(t)
		id := s.waiting(w)
		find := func(who, on, query string) []map[string]any {
			return w.follow(who, s.requests+"/filterByCurrentUser(on='"+on+"')"+query, s.scope)
		}
		pending := "?$filter=status eq 'PendingApproval'"
		require.Equal(t, id, find(w.bob, "approver", pending)[0]["id"])
		require.Empty(t, find(w.alice, "approver", pending))
		require.Empty(t, find(w.admin(), "approver", pending))
		require.Len(t, find(w.alice, "principal", ""), 1)
		require.Len(t, find(w.alice, "createdBy", ""), 1)
		require.Equal(t, 400, w.graph(w.bob, "GET", s.requests+"/filterByCurrentUser(on='target')", nil, s.scope).Status)
		refused(w.graph(w.alice, "GET", s.requests+"/filterByCurrentUser(on='principal')"+pending, nil, s.scope), "InvalidFilter")

		for on, who := range map[string]string{"approver": w.bob, "target": w.alice, "createdBy": w.alice} {
			list := w.follow(who, s.approvals+"filterByCurrentUser(on='"+on+"')?$expand="+s.stages, s.scope)
			require.Len(t, list, 1, on)
			require.Len(t, list[0][s.stages], 1)
			require.Empty(t, w.follow(w.outsider, s.approvals+"filterByCurrentUser(on='"+on+"')", s.scope))
		}
		path, _ := s.stage(w, w.bob, id)
		require.Equal(t, 204, w.graph(w.bob, "PATCH", path, decision("deny"), s.scope).Status)
		require.Empty(t, find(w.bob, "approver", pending))
		require.Equal(t, "Denied", find(w.bob, "approver", "")[0]["status"])
	}
}

func TestARequestThatNobodyApprovesTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, s := range approvalSurfaces {
			w := newWorld(t)
			id := s.waiting(w)
			path, _ := s.stage(w, w.bob, id)
			time.Sleep(24*time.Hour + time.Second)
			require.Equal(t, "TimedOut", w.graph(w.admin(), "GET", s.requests+"/"+id, nil).at("status"))
			require.Equal(t, http.StatusConflict, w.graph(w.bob, "PATCH", path, decision("Approve"), s.scope).Status)
		}
	})
}

func TestAPendingRequestIsWithdrawnByWhoMadeIt(t *testing.T) {
	for _, s := range approvalSurfaces {
		w := newWorld(t)
		cancel := s.requests + "/" + s.waiting(w) + "/cancel"
		require.Equal(t, 403, w.graph(w.bob, "POST", cancel, nil, s.scope).Status)
		require.Equal(t, 204, w.graph(w.alice, "POST", cancel, nil, s.scope).Status)
		require.Equal(t, 400, w.graph(w.alice, "POST", cancel, nil, s.scope).Status)
	}
}

func TestActivationOnGraphAsksForTheProofsOfThePolicy(t *testing.T) {
	w := newWorld(t, simtenant.Options{Messages: simtenant.MessagesReason})
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice})
	activate := func(claims ...simtenant.Claim) reply {
		token := w.UserToken(w.alice, simtenant.AudienceGraph, append(claims, simtenant.WithScopes(writeAssignments))...)
		return w.graphAs(token, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleUserAdmin))
	}
	r := activate()
	refused(r, "RoleAssignmentRequestPolicyValidationFailed")
	require.Equal(t, "The following policy rules failed: MfaRule - Multi-factor authentication is required", r.message())

	w.UpdatePolicy(simtenant.PlaneDirectory, "/", simtenant.RoleUserAdmin, func(p *simtenant.Policy) {
		p.RequireOnActivation(simtenant.RequireJustification)
		p.AuthenticationContext = "c1"
	})
	codes := map[string]int{}
	for range 4 {
		r := activate(simtenant.WithMFA(), simtenant.WithContext("c2"))
		require.Equal(t, http.StatusBadRequest, r.Status)
		require.Contains(t, r.message(), "claims=")
		codes[r.code()]++
	}
	require.Equal(t, map[string]int{"UnknownError": 2, "RoleAssignmentRequestAcrsValidationFailed": 2}, codes)
	made(activate(simtenant.WithContext("c1")))
}

func TestTokensOnBehalfOfAUserActivateOnGraph(t *testing.T) {
	w := newWorld(t)
	w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "front", AppID: frontID, Secret: "s3cret", Scopes: []string{writeAssignments, writeMembers}})
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice})
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: group, Role: "member", Principal: w.alice})
	exchange := func(scope string, claims ...simtenant.Claim) string {
		r := w.token(onBehalfOf(w.UserToken(w.alice, frontID, claims...), frontID, "s3cret", graphHost+"/"+scope))
		require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
		return r.at("access_token").(string)
	}
	activate := ask("selfActivate", w.alice, simtenant.RoleUserAdmin)
	refused(w.graphAs(exchange(writeAssignments), "POST", assignRole, activate), "RoleAssignmentRequestPolicyValidationFailed")
	require.Equal(t, 403, w.graphAs(exchange(writeMembers, simtenant.WithMFA()), "POST", assignRole, activate).Status)
	made(w.graphAs(exchange(writeAssignments, simtenant.WithMFA()), "POST", assignRole, activate))
	made(w.graphAs(exchange(writeMembers, simtenant.WithMFA()), "POST", joinGroup, askGroup("selfActivate", w.alice, group)))
	for _, r := range w.Requests() {
		require.Equal(t, w.alice, r.RequestorID)
	}
}
