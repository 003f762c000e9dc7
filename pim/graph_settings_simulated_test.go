package pim_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestPoliciesOfGraphAreReadAndChanged(t *testing.T) {
	onBothPlanes(t, func(t *testing.T, d directory, a pim.Access) {
		d.GrantAppRole(d.app, "RoleManagementPolicy.ReadWrite.Directory", "RoleManagementPolicy.ReadWrite.AzureADGroup")
		c := clientOf(t, d.Transport(), d.Credential(d.app))
		p, err := c.Policy(t.Context(), a.Scope, a.Role)
		require.NoError(t, err)
		require.Len(t, p.Rules, 17)
		longest := rule(t, p, "Expiration_EndUser_Assignment")
		longest.Expiration.Most = hours(2)
		p, err = c.UpdatePolicy(t.Context(), p, longest)
		require.NoError(t, err)
		p, err = c.Policy(t.Context(), a.Scope, a.Role)
		require.NoError(t, err)
		require.Equal(t, hours(2), p.MaxActivation())

		approval := rule(t, p, "Approval_EndUser_Assignment")
		approval.Approval = &pim.PolicyApproval{Required: true, Approvers: []pim.Approver{{ID: d.guest}, {ID: d.ops, Group: true}}}
		_, err = c.UpdatePolicy(t.Context(), p, approval)
		require.NoError(t, err)
		p, err = c.Policy(t.Context(), a.Scope, a.Role)
		require.NoError(t, err)
		require.True(t, p.NeedsApproval())
		require.ElementsMatch(t, approval.Approval.Approvers, rule(t, p, approval.ID).Approval.Approvers)
		require.Equal(t, hours(2), p.MaxActivation(), "the other rules stay")
	})
}

func TestAnApproverDecidesOnGraph(t *testing.T) {
	onBothPlanes(t, func(t *testing.T, d directory, a pim.Access) {
		ctx := t.Context()
		plane, role := simtenant.PlaneDirectory, a.Role.ID
		if a.Plane() == pim.Group {
			plane = simtenant.PlaneGroup
		}
		d.MakeEligible(simtenant.Grant{Plane: plane, Scope: a.Scope.String(), Role: role, Principal: d.alice})
		d.UpdatePolicy(plane, a.Scope.String(), role, func(p *simtenant.Policy) { p.RequireApproval(d.guest) })
		asked, err := d.asUser(t, d.alice).Submit(ctx, pim.ScheduleRequest{
			Kind: pim.Assignment, Type: pim.SelfActivate, Access: a, Justification: "deploy", Window: pim.Window{Duration: hours(1)}})
		require.NoError(t, err)
		require.Equal(t, pim.PendingApproval, asked.Status)

		ours, approver := clientOf(t, d.Transport(), d.Credential(d.app)), d.asUser(t, d.guest)
		require.Empty(t, all(t, ours.Approvals(ctx, a.Plane())), "an application approves nothing")
		list := all(t, approver.Approvals(ctx, a.Plane()))
		require.Len(t, list, 1)
		require.Equal(t, "deploy", list[0].Justification)
		require.Equal(t, pim.CodeDenied, pim.CodeOf(ours.DecideApproval(ctx, a.Plane(), list[0].ID, true, "me")))
		require.NoError(t, approver.DecideApproval(ctx, a.Plane(), list[0].ID, true, "I know her"))
		require.Equal(t, pim.CodeConflict, pim.CodeOf(approver.DecideApproval(ctx, a.Plane(), list[0].ID, false, "too late")))
		got, err := ours.Find(ctx, asked)
		require.NoError(t, err)
		require.Equal(t, pim.Good, got.Status.Class())
	})
}

func TestWhatWasDoneIsInTheDirectorysAuditLog(t *testing.T) {
	onBothPlanes(t, func(t *testing.T, d directory, a pim.Access) {
		c := clientOf(t, d.Transport(), d.Credential(d.app))
		from := time.Now()
		_, err := c.Submit(t.Context(), pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminAssign, Access: a, Justification: "x", Window: pim.Window{Duration: hours(1)}})
		require.NoError(t, err)
		time.Sleep(time.Hour / 2)
		events := all(t, c.Audits(t.Context(), pim.AuditQuery{From: from, To: time.Now(), Principal: d.alice}))
		require.True(t, slices.ContainsFunc(events, func(e pim.AuditEvent) bool {
			return strings.HasPrefix(e.Activity, "Add member to role") && e.Result == "success" && e.By.Name == "pim"
		}), "%v", events)
		require.Empty(t, all(t, c.Audits(t.Context(), pim.AuditQuery{To: from.Add(-time.Minute)})))
	})
}
