package pim_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// selfRules let people activate with their own token what they are eligible for,
// and be made eligible; all else is done in our name.
const selfRules = `
version: 1
rules:
  - name: by themselves
    effect: allow
    mode: self
    actions: [grant, activate, deactivate]
    callers: [{anyUser: true}]
    principals: [{any: true}]
    planes: [azure, directory, group]
    scopes: ["/", "*"]
    roles: [Groups Administrator, "*"]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
  - name: by us
    effect: allow
    actions: [cancel]
    callers: [{anyKey: true}]
    principals: [{any: true}]
    planes: [azure, directory, group]
    scopes: ["/", "*"]
    roles: [Groups Administrator, "*"]
`

// delegated are the permissions that a user's token carries to Graph.
var delegated = simtenant.WithScopes("RoleAssignmentSchedule.ReadWrite.Directory", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup")

// signedIn is what a user's token can prove.
func (s *scene) signedIn(claims ...simtenant.Claim) {
	s.rules(selfRules)
	s.engine.As = func(_ context.Context, token string) (*pim.Client, error) {
		return clientOf(s.t, s.tenant.Transport(), s.tenant.Credential(token, append(claims, delegated)...)), nil
	}
}

// user is a caller whose token stands for itself.
func user(id string) pim.Caller {
	return pim.Caller{Kind: pim.CallerUser, ID: id, Token: id, MFA: true}
}

// try starts r and drives it as its caller would be kept waiting for it.
func (s *scene) try(caller pim.Caller, r pim.Request) pim.Change {
	s.t.Helper()
	c, err := s.engine.Start(s.t.Context(), caller, r)
	require.NoError(s.t, err)
	c, err = s.engine.Drive(s.t.Context(), caller, c.ID(), time.Now().Add(3*time.Minute))
	require.NoError(s.t, err)
	return c
}

// waitsFor is the status that PIM's own request of the change has.
func waitsFor(c pim.Change) pim.Status { return c.Effects[c.Current].Status }

func TestPeopleActivateAndDeactivateThemselves(t *testing.T) {
	onPlanes(t, func(s *scene) {
		t := s.t
		s.signedIn(simtenant.WithMFA())
		s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
		c := s.try(user(s.bob), s.request("CR1", s.bob, `"action":"activate","duration":"PT2H"`))
		require.Equal(t, "assignment SelfActivate", s.asked())
		require.Equal(t, s.bob, s.tenant.Requests()[0].RequestorID)
		c = s.finish(c.ID()) // the rest is seen by us
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.True(t, c.Result.Confirmed)

		// Not within five minutes, and the user's token does not last on a queue.
		c = s.try(user(s.bob), s.request("CR2", s.bob, `"action":"deactivate"`))
		require.False(t, c.Ended())
		time.Sleep(time.Until(c.Due))
		c, err := s.engine.Drive(t.Context(), user(s.bob), c.ID(), time.Now().Add(3*time.Minute))
		require.NoError(t, err)
		c = s.finish(c.ID())
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, "assignment SelfActivate, assignment SelfDeactivate", s.asked())
		require.Empty(t, s.heldBy(s.bob))

		// Nobody does it for another.
		s.tenant.MakeEligible(s.grant(s.carl, 24*time.Hour, 0))
		require.Equal(t, pim.Refused, s.try(user(s.bob), s.request("CR3", s.carl, `"action":"activate"`)).State)
	})
}

// heldBy lists what is active of the scene's role for a principal.
func (s *scene) heldBy(principal string) []simtenant.Access {
	var out []simtenant.Access
	for _, a := range s.tenant.Assignments() {
		if a.PrincipalID == principal && a.Role == s.roleID && strings.EqualFold(a.Scope, s.scope) {
			out = append(out, a)
		}
	}
	return out
}

// We make eligible, the user activates: PIM must have seen the one before the other.
func TestPeopleActivateWhatTheyWereJustMadeEligibleFor(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.signedIn(simtenant.WithMFA())
		c := s.try(user(s.bob), s.request("CR1", s.bob, `"action":"grant","duration":"PT2H"`))
		c = s.finish(c.ID())
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(s.t, "eligibility AdminAssign, assignment SelfActivate", s.asked())
		require.True(s.t, s.heldBy(s.bob)[0].Activated)
	})
}

func TestAnActivationThatPIMHasApproved(t *testing.T) {
	for _, tt := range []struct {
		name   string
		decide func(s *scene, approver *pim.Client, id string)
		state  pim.State
		status string
	}{
		{"approved", func(s *scene, approver *pim.Client, id string) {
			require.NoError(s.t, approver.DecideApproval(s.t.Context(), s.plane, id, true, "go ahead"))
		}, pim.Done, "Provisioned"},
		{"denied", func(s *scene, approver *pim.Client, id string) {
			require.NoError(s.t, approver.DecideApproval(s.t.Context(), s.plane, id, false, "not today"))
		}, pim.Failed, "Denied"},
		{"left alone", func(*scene, *pim.Client, string) {}, pim.Failed, "TimedOut"},
		{"cancelled", func(s *scene, _ *pim.Client, _ string) {
			c := s.drive(s.request("CR9", s.bob, `"action":"cancel"`))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
			require.False(s.t, c.Result.Already)
		}, pim.Failed, "Canceled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				t := s.t
				s.signedIn(simtenant.WithMFA())
				s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
				s.tenant.UpdatePolicy(simtenant.Plane(s.plane), s.scope, s.roleID, func(p *simtenant.Policy) { p.RequireApproval(s.carl) })
				c := s.try(user(s.bob), s.request("CR1", s.bob, `"action":"activate","duration":"PT2H"`))
				require.Equal(t, pim.Pending, c.State, "%+v", c.Fault)
				require.Equal(t, pim.PendingApproval, waitsFor(c))
				require.Empty(t, s.heldBy(s.bob))

				approver, err := s.engine.As(t.Context(), s.carl)
				require.NoError(t, err)
				waiting := collect(t, approver.Approvals(t.Context(), s.plane))
				require.Len(t, waiting, 1)
				require.Equal(t, s.bob, waiting[0].Principal)
				require.Equal(t, "because", waiting[0].Justification)
				ours := collect(t, s.engine.Client.Approvals(t.Context(), s.plane))
				require.Empty(t, ours, "an application approves nothing")

				tt.decide(s, approver, waiting[0].ID)
				s.tenant.ForgetCalls()
				c = s.finish(c.ID())
				require.Less(t, len(s.tenant.Calls()), 350, "a day of waiting")
				require.Equal(t, tt.state, c.State, "%+v", c.Fault)
				require.Equal(t, tt.status, s.tenant.Requests()[0].Status)
				if tt.state == pim.Done {
					require.True(t, s.heldBy(s.bob)[0].Activated)
					require.WithinDuration(t, time.Now().Add(2*time.Hour), *c.Result.Until, 10*time.Minute)
					return
				}
				require.Equal(t, pim.CodeRejected, c.Fault.Code)
				require.Equal(t, tt.status, c.Fault.PIMCode)
				require.Empty(t, s.heldBy(s.bob))
			})
		})
	}
}

// The approval object takes a while to be made, the provisioning too.
func TestPIMTakesItsTime(t *testing.T) {
	slow := func(o *simtenant.Options) { o.ApprovalDelay, o.Provisioning = 90*time.Second, 3*time.Minute }
	onPlanes(t, func(s *scene) {
		s.signedIn(simtenant.WithMFA())
		s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
		s.tenant.UpdatePolicy(simtenant.Plane(s.plane), s.scope, s.roleID, func(p *simtenant.Policy) { p.RequireApproval(s.carl) })
		c := s.try(user(s.bob), s.request("CR1", s.bob, `"action":"activate"`))
		require.Equal(s.t, pim.PendingApproval, waitsFor(c))
		approver, err := s.engine.As(s.t.Context(), s.carl)
		require.NoError(s.t, err)
		for a := range approver.Approvals(s.t.Context(), s.plane) {
			require.NoError(s.t, approver.DecideApproval(s.t.Context(), s.plane, a.ID, true, "go ahead"))
		}
		c = s.finish(c.ID())
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
	}, slow)
}

// What PIM asks a person to prove comes back as a challenge; the same request with
// the proof is another run.
func TestAChallengeIsAnsweredByAskingAgain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy func(p *simtenant.Policy)
		claims string
		proof  simtenant.Claim
	}{
		{"a second factor", func(p *simtenant.Policy) { p.RequireOnActivation(simtenant.RequireMFA) }, `"mfa"`, simtenant.WithMFA()},
		{"an authentication context", func(p *simtenant.Policy) {
			p.RequireOnActivation(simtenant.RequireJustification)
			p.AuthenticationContext = "c7"
		}, `"c7"`, simtenant.WithContext("c7")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
				s.tenant.UpdatePolicy(simtenant.Plane(s.plane), s.scope, s.roleID, tt.policy)
				s.signedIn()
				ask := s.request("CR1", s.bob, `"action":"activate"`)
				for range 4 { // both wordings of the refusal, twice
					c := s.try(user(s.bob), ask)
					require.Equal(s.t, pim.Failed, c.State)
					require.Equal(s.t, pim.CodeStepUp, c.Fault.Code, "%+v", c.Fault)
					require.Contains(s.t, c.Fault.Claims, tt.claims)
				}
				require.Empty(s.t, s.tenant.Requests())
				s.signedIn(tt.proof)
				c := s.finish(s.try(user(s.bob), ask).ID())
				require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
				require.Equal(s.t, 5, c.Generation)
			})
		})
	}
}

func TestAPersonsOwnActivationIsStoredOnce(t *testing.T) {
	for climate, faults := range climates {
		t.Run(climate, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				s.signedIn(simtenant.WithMFA())
				s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
				s.tenant.Inject(faults...)
				caller := user(s.bob)
				c := s.try(caller, s.request("CR1", s.bob, `"action":"activate","duration":"PT2H"`))
				for range 20 {
					if c.Ended() {
						break
					}
					time.Sleep(time.Until(c.Due))
					var err error
					c, err = s.engine.Drive(s.t.Context(), caller, c.ID(), time.Now().Add(3*time.Minute))
					require.NoError(s.t, err)
				}
				require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
				require.Equal(s.t, "assignment SelfActivate", s.asked())
			})
		})
	}
}

// A user's token dies with the invocation that brought it. What then is left to ask
// for is not asked in our name.
func TestWithoutTheTokenNothingIsAskedInItsPlace(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.signedIn(simtenant.WithMFA())
		s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
		s.tenant.Inject(simtenant.Fault{Match: writes, Status: http.StatusTooManyRequests, RetryAfter: 5 * time.Minute})
		c := s.try(user(s.bob), s.request("CR1", s.bob, `"action":"activate"`))
		require.False(s.t, c.Ended())
		c = s.finish(c.ID())
		require.Equal(s.t, pim.Failed, c.State)
		require.Equal(s.t, pim.CodeStepUp, c.Fault.Code, "%+v", c.Fault)
		require.Empty(s.t, s.tenant.Requests())
	})
}
