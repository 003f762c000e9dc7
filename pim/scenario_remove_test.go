package pim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// Listings are late. What they do not show is not thereby gone: whoever asks for it
// to be ended is told so only when it is.
func TestWhatBeganWhileListingsAreLateIsEndedAllTheSame(t *testing.T) {
	for name, begin := range map[string]func(s *scene){
		"asked for earlier, for now": func(s *scene) {
			start := time.Now().Add(10 * time.Minute).UTC().Format(time.RFC3339)
			s.drive(s.request("before", s.bob, `"action":"activate","duration":"PT2H","start":"`+start+`"`))
			time.Sleep(10*time.Minute + 8*time.Second)
		},
		"approved late": func(s *scene) {
			s.tenant.UpdatePolicy(simtenant.Plane(s.plane), s.scope, s.roleID, func(p *simtenant.Policy) { p.RequireApproval(s.carl) })
			s.signedIn(simtenant.WithMFA())
			s.try(user(s.bob), s.request("before", s.bob, `"action":"activate","duration":"PT2H"`))
			time.Sleep(30 * time.Minute)
			approver := clientOf(s.t, s.tenant.Transport(), s.tenant.Credential(s.carl, simtenant.WithMFA(), delegated))
			for a, err := range approver.Approvals(s.t.Context(), s.plane) {
				require.NoError(s.t, err)
				require.NoError(s.t, approver.DecideApproval(s.t.Context(), s.plane, a.ID, true, "ok"))
			}
			time.Sleep(5 * time.Second)
			s.rules(openRules)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
				begin(s)
				require.Len(s.t, s.heldBy(s.bob), 1)
				c := s.drive(s.request("CR1", s.bob, `"action":"deactivate"`))
				require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
				require.False(s.t, c.Result.Already)
				require.Empty(s.t, s.heldBy(s.bob))
			})
		})
	}
}

// Listings that are later than any that were observed are waited for as well.
func TestWhatListingsShowVeryLateIsEndedAllTheSame(t *testing.T) {
	slow := func(o *simtenant.Options) {
		o.AzureDelay, o.DirectoryDelay, o.GroupDelay = 4*time.Minute, 4*time.Minute, 4*time.Minute
	}
	onPlanes(t, func(s *scene) {
		c := s.try(key, s.request("before", s.ada, `"action":"assign","duration":"PT2H"`))
		require.False(s.t, c.Ended(), "not seen yet")
		require.Len(s.t, s.heldBy(s.ada), 1)
		c = s.drive(s.request("CR1", s.ada, `"action":"deactivate"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		require.Empty(s.t, s.heldBy(s.ada))
		require.Equal(s.t, "assignment AdminAssign, assignment AdminRemove", s.asked())
	}, slow)
}

// What somebody took away behind PIM's back is asked about once, and then is gone.
func TestWhatIsGoneWithoutPIMIsGone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Azure)
		s.drive(s.request("before", s.ada, `"action":"assign","duration":"PT2H"`))
		time.Sleep(10 * time.Minute)
		s.tenant.Inject(
			simtenant.Fault{Method: "GET", Path: "roleAssignmentScheduleInstances", Status: 200, Times: simtenant.Always},
			simtenant.Fault{Method: "PUT", Path: "roleAssignmentScheduleRequests", Status: 400, Code: "RoleAssignmentDoesNotExist", Times: simtenant.Always})
		s.tenant.ForgetCalls()
		c := s.drive(s.request("CR1", s.ada, `"action":"deactivate"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.True(t, c.Result.Already)
		require.Equal(t, 1, s.tenant.Count("PUT", "roleAssignmentScheduleRequests"))
	})
}

// Nobody is told that what has yet to start is gone: it is withdrawn, not ended.
func TestWhatHasNotStartedIsCancelledNotEnded(t *testing.T) {
	for _, tt := range []struct{ name, before, end string }{
		{"an activation", `"action":"activate","duration":"PT2H","start":"$tomorrow"`, `"action":"deactivate"`},
		{"an eligibility", `"action":"makeEligible","duration":"P2D","start":"$tomorrow"`, `"action":"removeEligible"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				if tt.name == "an activation" {
					s.tenant.MakeEligible(s.grant(s.ada, 24*time.Hour, 0))
				}
				s.drive(s.request("before", s.ada, tt.before))
				c := s.drive(s.request("CR1", s.ada, tt.end))
				require.Equal(s.t, pim.Failed, c.State)
				require.Equal(s.t, pim.CodeConflict, c.Fault.Code)
				require.Contains(s.t, c.Fault.Detail, "cancel it")

				require.Equal(s.t, pim.Done, s.drive(s.request("CR2", s.ada, `"action":"cancel"`)).State)
				c = s.drive(s.request("CR3", s.ada, tt.end))
				require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
				require.True(s.t, c.Result.Already)
				time.Sleep(25 * time.Hour)
				require.Empty(s.t, s.heldBy(s.ada))
			})
		})
	}
}

// What waits for its approval would be there once somebody agrees.
func TestWhatWaitsForApprovalIsCancelledNotEnded(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
		s.tenant.UpdatePolicy(simtenant.Plane(s.plane), s.scope, s.roleID, func(p *simtenant.Policy) { p.RequireApproval(s.carl) })
		s.signedIn(simtenant.WithMFA())
		s.try(user(s.bob), s.request("before", s.bob, `"action":"activate","duration":"PT2H"`))
		s.rules(openRules)
		c := s.drive(s.request("CR1", s.bob, `"action":"deactivate"`))
		require.Equal(s.t, pim.Failed, c.State)
		require.Equal(s.t, pim.CodeConflict, c.Fault.Code)
	})
}
