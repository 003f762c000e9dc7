package pim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// What is held at a management group is held in the subscriptions below it, though
// no path says so.
func TestWhatIsHeldAtAManagementGroupReachesDown(t *testing.T) {
	inTime(t, func(t *testing.T) {
		above := newScene(t, pim.Azure)
		above.scope = above.tenant.AddManagementGroup("retail", "")
		shop, other := *above, *above
		shop.scope = above.tenant.AddSubscription("", "shop", "retail")
		other.scope = above.tenant.AddSubscription("", "other", "")
		above.tenant.MakeEligible(above.grant(above.bob, 24*time.Hour, 0))

		c := other.drive(other.request("CR1", above.bob, `"action":"activate"`))
		require.Equal(t, pim.Refused, c.State, "a subscription of another group")
		c = shop.drive(shop.request("CR2", above.bob, `"action":"activate","duration":"PT1H"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, "assignment AdminAssign", above.asked())
		require.Len(t, shop.heldBy(above.bob), 1)
		require.Empty(t, above.heldBy(above.bob))

		above.tenant.Assign(above.grant(above.carl, time.Hour, 0))
		c = shop.drive(shop.request("CR3", above.carl, `"action":"grant"`))
		require.True(t, c.Result.Already)
		c = other.drive(other.request("CR4", above.carl, `"action":"grant"`))
		require.False(t, c.Result.Already)
	})
}

// Below the scope of the eligibility PIM wants its full id, and ARM wants to know
// that the user may see the place.
func TestPeopleActivateBelowTheScopeOfTheirEligibility(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scope func(s *scene) string
		sees  bool
		code  pim.Code
	}{
		{"a resource group in sight", func(s *scene) string { return s.rg }, true, ""},
		{"a resource group out of sight", func(s *scene) string { return s.rg }, false, pim.CodeDenied},
		{"a resource in sight", func(s *scene) string { return s.tenant.AddResource(s.rg, "Microsoft.KeyVault/vaults", "safe") }, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				s := newScene(t, pim.Azure)
				s.signedIn(simtenant.WithMFA())
				s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
				if tt.sees {
					s.tenant.Assign(simtenant.Grant{Scope: s.sub, Role: simtenant.RoleReader, Principal: s.bob})
				}
				s.scope = tt.scope(s)
				c := s.finish(s.try(user(s.bob), s.request("CR1", s.bob, `"action":"activate"`)).ID())
				if tt.code != "" {
					require.Equal(t, tt.code, c.Fault.Code, "%+v", c.Fault)
					return
				}
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				require.True(t, s.heldBy(s.bob)[0].Activated)
			})
		})
	}
}

func TestAConditionGoesWithTheEligibility(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Azure)
		const condition = "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'public'"
		c := s.drive(s.request("CR1", s.bob, `"action":"makeEligible","duration":"P7D","condition":"`+condition+`"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		q := pim.Query{Plane: s.plane, Scope: scope(t, s.plane, s.scope), Principal: s.bob}
		require.Equal(t, condition, collect(t, s.engine.Client.Eligibilities(t.Context(), q))[0].Condition)
	})
}

// Applications and groups hold roles as people do.
func TestWhateverCanHoldARoleIsGivenIt(t *testing.T) {
	onPlanes(t, func(s *scene) {
		robot := s.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot"})
		for id, who := range map[string]string{"CR1": robot, "CR2": s.team()} {
			c := s.drive(s.request(id, who, `"action":"assign","duration":"PT2H"`))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
			require.Len(s.t, s.heldBy(who), 1)
			c = s.drive(s.request(id+"-end", who, `"action":"deactivate"`))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
			require.Empty(s.t, s.heldBy(who))
		}
	})
}
