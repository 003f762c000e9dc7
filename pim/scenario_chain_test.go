package pim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// However many groups lie between, nobody is led into one that administers the app.
func TestNoChainOfGroupsLeadsIntoAGuardedOne(t *testing.T) {
	for _, tt := range []struct {
		name string
		lay  func(w *world, admins, mid string, eligible func(into, who string)) pim.Request
		done bool
	}{
		{"it leads nowhere", func(w *world, _, mid string, eligible func(into, who string)) pim.Request {
			eligible(mid, w.group)
			return w.ask("CR1", pim.Grant, w.group, "member")
		}, true},
		{"eligible for a group that is a member", func(w *world, admins, mid string, eligible func(into, who string)) pim.Request {
			eligible(mid, w.group)
			w.tenant.AddMember(admins, mid)
			return w.ask("CR1", pim.Grant, w.group, "member")
		}, false},
		{"eligible for a group that is eligible", func(w *world, admins, mid string, eligible func(into, who string)) pim.Request {
			eligible(mid, w.group)
			eligible(admins, mid)
			return w.ask("CR1", pim.Grant, w.group, "member")
		}, false},
		{"two that are eligible for each other lead nowhere", func(w *world, _, mid string, eligible func(into, who string)) pim.Request {
			eligible(mid, w.group)
			eligible(w.group, mid)
			return w.ask("CR1", pim.Grant, w.group, "member")
		}, true},
		{"given to a group that is eligible", func(w *world, admins, mid string, eligible func(into, who string)) pim.Request {
			eligible(admins, mid)
			r := w.ask("CR1", pim.Assign, w.rg, "Reader", `"duration":"PT1H"`)
			r.Principal = mid
			return r
		}, false},
		{"a role over a group that is eligible", func(w *world, admins, mid string, eligible func(into, who string)) pim.Request {
			eligible(admins, mid)
			r := w.ask("CR1", pim.Assign, "/", "Groups Administrator", `"duration":"PT1H"`)
			r.Scope = scope(w.t, pim.Directory, "/"+mid)
			return r
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.rules(strings.Replace(wildRules, `["*"]`+"\n    elig", `[Groups Administrator, "*"]`+"\n    elig", 1))
				admins := w.tenant.AddGroup(simtenant.Group{Name: "admins"})
				mid := w.tenant.AddGroup(simtenant.Group{Name: "mid"})
				w.engine.Guard.AdminGroups = []string{admins}
				c := w.drive(tt.lay(w, admins, mid, func(into, who string) {
					w.tenant.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: into, Role: "member", Principal: who})
				}))
				if tt.done {
					require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
					return
				}
				require.Equal(t, pim.Refused, c.State, "%+v", c)
				require.Equal(t, pim.OurIdentity, why(c)[0])
				require.Zero(t, w.effects())
			})
		})
	}
}

// What a group holds at a place that nobody here can name is held all the same.
func TestWhatAGroupHoldsAtAnUnnamableScopeIsUnknown(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(wildRules)
		odd := w.tenant.AddResource(w.rg, "Microsoft.Insights/actionGroups", "Application Insights Smart Detection")
		w.tenant.Assign(simtenant.Grant{Scope: odd, Role: "Owner", Principal: w.group})
		c := w.drive(w.ask("CR1", pim.Grant, w.group, "member"))
		require.Equal(t, pim.Refused, c.State)
		require.Equal(t, []pim.ReasonCode{pim.Unproven}, why(c))
		require.Zero(t, w.effects())
	})
}

// By each of these their holder becomes somebody who holds more.
func TestNoWildcardGivesADirectoryRoleThatChangesPeopleOrGroups(t *testing.T) {
	for _, role := range []string{"Directory Writers", "Intune Administrator", "Partner Tier1 Support", "Authentication Administrator",
		"Helpdesk Administrator", "Password Administrator", "Identity Governance Administrator"} {
		t.Run(role, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.rules(wildRules)
				c := w.drive(w.ask("CR1", pim.Assign, "/", role, `"duration":"PT1H"`))
				require.Equal(t, []pim.ReasonCode{pim.NoMatch, pim.EscalatingRole}, why(c))
			})
		})
	}
}
