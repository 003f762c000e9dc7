package sweep_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// Everything here would remove somebody's access by mistake if it went wrong.
func TestWhatIsNotProvenRemovesNothing(t *testing.T) {
	for _, tt := range []struct {
		name string
		seed func(w *world)
		want []string // found all the same
		says string   // in the plan's problems or at its scope
	}{
		{"the directory cannot be read", func(w *world) {
			w.tenant.Inject(simtenant.Fault{Path: "graph.microsoft.com", Times: simtenant.Always}, simtenant.Fault{Path: "getByIds", Status: 403, Code: "Authorization_RequestDenied", Times: simtenant.Always})
		}, []string{}, "denied"},
		{"the directory is down", func(w *world) {
			w.tenant.Inject(simtenant.Fault{Path: "getByIds", Status: 503, Times: simtenant.Always})
		}, []string{}, "busy"},
		{"the directory answers and knows nobody", func(w *world) {
			w.sweeps(everything, "caps:", "control: "+w.carl+"\ncaps:")
			w.tenant.Delete(w.carl)
		}, []string{}, "known to exist"},
		{"single look-ups are not found by something in between", func(w *world) {
			w.tenant.Inject(simtenant.Fault{Path: "/v1.0/users/", Status: 404, Code: "NotFound", Times: simtenant.Always},
				simtenant.Fault{Path: "/v1.0/directoryObjects/" + w.bob, Status: 404, Code: "NotFound", Times: simtenant.Always})
		}, []string{}, ""},
		{"the control is lost between two looks", func(w *world) {
			w.tenant.Inject(simtenant.Fault{Path: "/v1.0/directoryObjects/" + w.app, Status: 500, Times: simtenant.Always})
		}, []string{}, "known to exist"},
		{"proven after all", func(*world) {}, []string{"deleted eligibility bob"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 20 * day})
				w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 20 * day})
				w.tenant.Delete(w.bob)
				tt.seed(w)
				p := w.plan()
				require.Equal(t, tt.want, w.found(p))
				require.Contains(t, strings.Join(p.Problems, "\n"), tt.says)
			})
		})
	}
}

// Whoever may not see accountEnabled reads every account as disabled.
func TestNobodyIsDisabledWhereNobodyIsEnabled(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 20 * day})
		w.tenant.Disable(w.bob)
		p := w.plan()
		require.Empty(t, w.found(p))
		require.Contains(t, strings.Join(p.Problems, "\n"), "may be hidden")
	})
}

func TestScopeThatWasReadInPartLosesNothing(t *testing.T) {
	for name, fault := range map[string]simtenant.Fault{
		"forbidden":              {Path: "roleAssignmentScheduleInstances", Status: 403, Code: "AuthorizationFailed", Times: simtenant.Always},
		"down":                   {Path: "roleEligibilityScheduleInstances", Status: 500, Times: simtenant.Always},
		"the second page fails":  {Path: "roleAssignmentScheduleInstances", Status: 500, Skip: 1, Times: simtenant.Always},
		"the requests are cut":   {Path: "roleAssignmentScheduleRequests", DropAnswer: true, Times: simtenant.Always},
		"throttled for too long": {Path: "roleAssignmentScheduleInstances", Status: 429, RetryAfter: time.Hour, Times: simtenant.Always},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				other := w.tenant.AddSubscription("", "test", w.mg)
				w.tenant.Assign(simtenant.Grant{Scope: other, Role: "Reader", Principal: w.carl})
				for _, who := range []string{w.ada, w.bob, w.carl} {
					for _, role := range []string{"Owner", "Reader", "Contributor"} {
						w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: role, Principal: who})
					}
				}
				match := fault
				match.Match = func(r *http.Request, _ []byte) bool { return strings.Contains(r.URL.Path, w.sub) }
				w.tenant.Inject(match)
				p := w.plan()
				require.Equal(t, []string{"permanent assignment carl"}, w.found(p), "the other subscription is swept all the same")
				require.Equal(t, 1, p.Unread())
				for _, c := range p.Scopes {
					require.Equal(t, c.Scope == w.sub, c.Unread != "", c.Scope)
				}
			})
		})
	}
}

func TestTreeThatWasReadInPartIsUnread(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: "Reader", Principal: w.carl})
		w.tenant.Inject(simtenant.Fault{Path: "/descendants", Status: 403, Code: "AuthorizationFailed", Times: simtenant.Always})
		p := w.plan()
		require.Empty(t, p.Proposals)
		require.Equal(t, 1, p.Unread())
	})
}

func TestScopeThatSuddenlyShowsNothingIsAnError(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 20 * day})
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Reader", Principal: w.ada, For: 21 * day})
		w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Reader", Principal: w.ada})
		require.Equal(t, []string{"permanent assignment ada"}, w.found(w.plan()))
		w.tenant.Inject(simtenant.Fault{Path: w.sub + "/providers/Microsoft.Authorization/roleEligibilityScheduleInstances", Status: 200, Times: simtenant.Always})
		for range 3 { // it does not get used to it
			p := w.plan()
			require.Empty(t, w.found(p), "%+v", p.Scopes)
			require.Contains(t, p.Scopes[1].Unread, string(sweep.CodeSuddenlyEmpty))
		}
		w.sweeps(everything, "caps:", "emptied: [{scope: "+w.sub+"}]\ncaps:")
		require.Equal(t, []string{"permanent assignment ada"}, w.found(w.plan()), "somebody said that it is right")
	})
}

// Below every removal there is one place that says no.
func TestProtectedIsNeverRemoved(t *testing.T) {
	for _, tt := range []struct {
		name  string
		guard func(*world, *pim.Guard)
		rules []string
		says  string
	}{
		{"principal, by setting", func(w *world, g *pim.Guard) { g.Protected = []string{w.ada} }, nil, "protected: the principal"},
		{"principal, by rule", nil, []string{"caps:", "protect: {principals: [865a28ee-649e-5b5d-9b8d-b9b9d53016a6]}\ncaps:"}, "protected: the principal"},
		{"role, by name", nil, []string{"caps:", "protect: {roles: [contributor]}\ncaps:"}, "protected: the role"},
		{"role, by GUID", nil, []string{"caps:", "protect: {roles: [" + simtenant.RoleContributor + "]}\ncaps:"}, "protected: the role"},
		{"our own identity", func(w *world, g *pim.Guard) { g.Identity = append(g.Identity, w.ada) }, nil, "protected: the app's own identity"},
		{"a group that administers the app", func(w *world, g *pim.Guard) { g.AdminGroups = []string{w.ada} }, nil, "protected: a group that administers"},
		{"our own resource group", func(w *world, g *pim.Guard) {
			s, err := pim.ParseScope(pim.Azure, w.rg)
			require.NoError(w.t, err)
			g.ResourceGroup = s
		}, nil, "protected: the app's own resource group"},
		{"our own resource group, in other letters", func(w *world, g *pim.Guard) {
			s, err := pim.ParseScope(pim.Azure, w.sub+"/resourceGroups/LÄDEN")
			require.NoError(w.t, err)
			g.ResourceGroup = s
		}, nil, "protected: the app's own resource group"},
		{"anything, when everything is stopped", func(_ *world, g *pim.Guard) { g.Stopped = true }, nil, "stopped"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.rg = w.tenant.AddResourceGroup(w.sub, "läden")
				w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
				w.sweeps(everything, tt.rules...)
				open := w.plan() // made before somebody protected it
				if tt.guard != nil {
					tt.guard(w, &w.Engine.Guard)
				}
				p := w.plan()
				require.Equal(t, []string{"permanent assignment ada"}, w.found(p))
				require.Contains(t, p.Proposals[0].Held, tt.says)
				require.Zero(t, p.Removable())
				w.tenant.ForgetCalls()
				if st, err := w.Apply(t.Context(), operator, open.Hash, time.Now().Add(time.Hour)); err == nil && tt.guard != nil {
					require.Contains(t, st.Outcomes[0].Why, tt.says, "checked again when it is applied")
				}
				require.Zero(t, w.effects())
				require.True(t, w.holds(simtenant.Assignment, w.ada))
			})
		})
	}
}

func TestCapsHoldBackTheRest(t *testing.T) {
	for _, tt := range []struct {
		name      string
		run       string
		scope     string
		removable int
	}{
		{"room for all", "{removals: 100, percent: 100}", "{removals: 100, percent: 100}", 8},
		{"the run's number", "{removals: 3, percent: 100}", "{removals: 100, percent: 100}", 3},
		{"the scope's number", "{removals: 100, percent: 100}", "{removals: 2, percent: 100}", 4},
		{"the run's percentage, rounded down", "{removals: 100, percent: 20}", "{removals: 100, percent: 100}", 1},
		{"the scope's percentage, rounded down", "{removals: 100, percent: 100}", "{removals: 100, percent: 60}", 4},
		{"none at all", "{removals: 0, percent: 100}", "{removals: 100, percent: 100}", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				other := w.tenant.AddSubscription("", "test", w.mg)
				for _, scope := range []string{w.sub, other} { // four each
					for _, role := range []string{"Owner", "Reader", "Contributor", simtenant.RoleRBACAdmin} {
						w.tenant.Assign(simtenant.Grant{Scope: scope, Role: role, Principal: w.ada})
					}
				}
				w.sweeps(everything, "run: {removals: 100, percent: 100}", "run: "+tt.run, "scope: {removals: 100, percent: 100}", "scope: "+tt.scope)
				p := w.plan()
				require.Len(t, p.Proposals, 8, "what is held back is shown")
				require.Equal(t, tt.removable, p.Removable())
				require.Equal(t, tt.removable < 8, p.Capped)
				require.Equal(t, p.Capped, w.logs()[0]["capped"], "the alert reads this line")
				w.tenant.ForgetCalls()
				if p.Removable() > 0 {
					st := w.apply(p)
					require.Equal(t, tt.removable, st.Tally.Removed, "%+v", st.Outcomes)
				}
				require.Equal(t, tt.removable, w.effects())
			})
		})
	}
}

// A percentage of what could not be read would be a percentage of nothing known.
func TestUnreadScopesDoNotCountTowardsTheRunsPercentage(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		other := w.tenant.AddSubscription("", "test", w.mg)
		for _, role := range []string{"Owner", "Reader", "Contributor", simtenant.RoleRBACAdmin} {
			w.tenant.Assign(simtenant.Grant{Scope: other, Role: role, Principal: w.robot})
		}
		w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada})
		w.sweeps(everything, "run: {removals: 100, percent: 100}", "run: {removals: 100, percent: 20}")
		require.Equal(t, 1, w.plan().Removable())
		w.tenant.Inject(simtenant.Fault{Path: other + "/providers/Microsoft.Authorization/roleEligibilityScheduleInstances", Status: 500, Times: simtenant.Always})
		require.Zero(t, w.plan().Removable())
	})
}

func TestWhatComesFromElsewhereIsNotProposedWhereItIsSeen(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.Assign(simtenant.Grant{Scope: w.mg, Role: "Owner", Principal: w.ada})
		w.tenant.Assign(simtenant.Grant{Scope: "/", Role: "Owner", Principal: w.bob})
		p := w.plan()
		require.Equal(t, []string{"permanent assignment ada"}, w.found(p))
		require.Equal(t, w.mg, p.Proposals[0].Scope)
	})
}

// Azure makes resources whose names no scope can have. What is held there is shown,
// not judged, and ends no listing; and what may have been used there is not unused.
func TestWhatLiesWhereNoScopeCanBeNamedIsToldOfAndLeftAlone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		odd := w.tenant.AddResource(w.rg, "Microsoft.Insights/actionGroups", "Application Insights Smart Detection")
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Reader", Principal: w.bob, Ago: 100 * day})
		w.tenant.Assign(simtenant.Grant{Scope: odd, Role: "Reader", Principal: w.carl})
		w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: "Reader", Principal: w.ada})
		p := w.plan()
		require.Zero(t, p.Unread())
		require.Equal(t, []string{"permanent assignment ada", "unused eligibility bob"}, w.found(p))
		require.Contains(t, strings.Join(p.Problems, "\n"), "1 entries are left out")

		ask := `{"properties":{"principalId":"` + w.bob + `","requestType":"AdminAssign","justification":"x","roleDefinitionId":"` +
			w.sub + `/providers/Microsoft.Authorization/roleDefinitions/` + simtenant.RoleReader + `","scheduleInfo":{"expiration":{"type":"AfterDuration","duration":"PT1H"}}}}`
		address := url.URL{Scheme: "https", Host: "management.azure.com", RawQuery: "api-version=2020-10-01",
			Path: odd + "/providers/Microsoft.Authorization/roleAssignmentScheduleRequests/5f0c7a1e-0c0e-4a57-9d3e-1a2b3c4d5e6f"}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address.String(), strings.NewReader(ask))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+w.tenant.UserToken(w.app, simtenant.AudienceARM))
		resp, err := w.tenant.Client().Do(r)
		require.NoError(t, err)
		resp.Body.Close()
		require.Equal(t, http.StatusCreated, resp.StatusCode)

		time.Sleep(day)
		again := w.plan()
		require.Equal(t, []string{"permanent assignment ada"}, w.found(again))
		require.Contains(t, strings.Join(again.Problems, "\n"), "1 requests are left out")
		var why []string
		for _, o := range w.apply(p).Outcomes {
			why = append(why, o.Why)
		}
		require.Contains(t, why, "it may have been used where no scope can be named")
		require.True(t, w.holds(simtenant.Eligibility, w.bob), "what was found unused yesterday")
	})
}
