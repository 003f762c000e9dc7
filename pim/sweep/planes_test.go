package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

const groupsAdmin = "fdd7a751-b60b-444a-984c-02652fe8fa1c"

// What is found, removed and put back on the planes of Graph.
func TestGraphPlanesAreSweptToo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		watch func(w *world) string
		grant func(w *world) simtenant.Grant
	}{
		{"directory", func(*world) string { return "{plane: directory, scope: /}" }, func(w *world) simtenant.Grant {
			return simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: groupsAdmin}
		}},
		{"group", func(w *world) string { return "{plane: group, scope: " + w.group + "}" }, func(w *world) simtenant.Grant {
			return simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: w.group, Role: "member"}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				seed := func(who string, eligible bool, length time.Duration) {
					g := tt.grant(w)
					g.Principal, g.For, g.Ago = who, length, day
					if eligible {
						w.tenant.MakeEligible(g)
					} else {
						w.tenant.Assign(g)
					}
				}
				seed(w.ada, false, 0)
				seed(w.bob, true, 300*day)
				seed(w.carl, true, 20*day)
				w.tenant.Delete(w.carl)
				w.sweeps(everything, "{scope: /providers/Microsoft.Management/managementGroups/prod}", tt.watch(w))
				p := w.plan()
				require.Zero(t, p.Unread(), "%+v", p.Scopes)
				require.ElementsMatch(t, []string{"deleted eligibility carl", "permanent assignment ada", "overlong eligibility bob"}, w.found(p))
				st := w.apply(p)
				require.Equal(t, sweep.Tally{Removed: 2, Failed: 1}, st.Tally, "%+v", st.Outcomes)
				require.Contains(t, st.Outcomes[0].Why, "SubjectNotFound", "it is told that PIM does not know the deleted")
				require.False(t, w.holds(simtenant.Assignment, w.ada))
				require.False(t, w.holds(simtenant.Eligibility, w.bob))
				time.Sleep(10 * time.Minute)
				st = w.restore(p)
				require.Equal(t, 2, st.Tally.Restored, "%+v", st.Outcomes)
				require.True(t, w.holds(simtenant.Assignment, w.ada))
				require.True(t, w.holds(simtenant.Eligibility, w.bob))
			})
		})
	}
}

// The customers' directories are not ours to judge by.
func TestPrincipalsOfAnotherDirectoryAreNotTakenForDeleted(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 20 * day})
		w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 20 * day})
		w.tenant.Delete(w.bob)
		require.Equal(t, []string{"deleted eligibility bob"}, w.found(w.plan()))
		w.Engine.Tenant = "00000000-0000-0000-0000-0000000000ff"
		p := w.plan()
		require.Empty(t, p.Proposals)
		require.Contains(t, p.Problems[0], "another directory")
	})
}

func TestNestedScopesAreSweptOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		inner := w.tenant.AddManagementGroup("inner", "prod")
		deep := w.tenant.AddSubscription("", "deep", inner)
		w.tenant.Assign(simtenant.Grant{Scope: w.mg, Role: "Reader", Principal: w.ada})
		w.tenant.Assign(simtenant.Grant{Scope: inner, Role: "Reader", Principal: w.bob})
		w.tenant.Assign(simtenant.Grant{Scope: deep, Role: "Reader", Principal: w.carl})
		w.tenant.Assign(simtenant.Grant{Scope: w.tenant.AddResource(w.rg, "Microsoft.KeyVault/vaults", "keys"), Role: "Reader", Principal: w.carl})
		w.sweeps(everything, "watch:\n", "watch:\n  - {scope: "+w.rg+"}\n  - {scope: "+inner+"}\n  - {scope: "+w.sub+"}\n")
		p := w.plan()
		require.ElementsMatch(t, []string{"permanent assignment ada", "permanent assignment bob", "permanent assignment carl", "permanent assignment carl"}, w.found(p))
		require.Len(t, p.Scopes, 4)
		require.Equal(t, 4, p.Seen())
	})
}
