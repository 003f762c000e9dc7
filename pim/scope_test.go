package pim_test

import (
	"testing"

	"github.com/azurepim/azure-pim/pim"
	"github.com/stretchr/testify/require"
)

const anySub = "/subscriptions/11111111-2222-3333-4444-555555555551"

func TestScopesThatAre(t *testing.T) {
	for _, tt := range []struct {
		plane      pim.Plane
		text, want string
		level      pim.Level
	}{
		{pim.Azure, "/", "/", pim.LevelTenant},
		{pim.Azure, "/providers/microsoft.management/managementgroups/Platform-1", "/providers/Microsoft.Management/managementGroups/Platform-1", pim.LevelManagementGroup},
		{pim.Azure, "/SUBSCRIPTIONS/11111111-2222-3333-4444-55555555555A", "/subscriptions/11111111-2222-3333-4444-55555555555a", pim.LevelSubscription},
		{pim.Azure, anySub + "/resourcegroups/Shop_(1)", anySub + "/resourceGroups/Shop_(1)", pim.LevelResourceGroup},
		{pim.Azure, anySub + "/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/kv-1", anySub + "/resourceGroups/shop/providers/Microsoft.KeyVault/vaults/kv-1", pim.LevelResource},
		{pim.Azure, anySub + "/resourceGroups/shop/providers/Microsoft.Sql/servers/s/databases/d", anySub + "/resourceGroups/shop/providers/Microsoft.Sql/servers/s/databases/d", pim.LevelResource},
		{pim.Directory, "/", "/", pim.LevelDirectory},
		{pim.Directory, "/administrativeunits/11111111-2222-3333-4444-55555555555A", "/administrativeUnits/11111111-2222-3333-4444-55555555555a", pim.LevelAdministrativeUnit},
		{pim.Group, "11111111-2222-3333-4444-55555555555A", "11111111-2222-3333-4444-55555555555a", pim.LevelGroup},
	} {
		s, err := pim.ParseScope(tt.plane, tt.text)
		require.NoError(t, err, tt.text)
		require.Equal(t, tt.want, s.String())
		require.Equal(t, tt.level, s.Level())
	}
}

func TestScopesThatAreNot(t *testing.T) {
	for _, tt := range []struct {
		plane pim.Plane
		text  string
	}{
		{pim.Azure, ""}, {pim.Azure, "subscriptions/x"}, {pim.Azure, "/subscriptions"}, {pim.Azure, "/subscriptions/"},
		{pim.Azure, anySub + "/"}, {pim.Azure, "/" + anySub}, {pim.Azure, anySub + "//resourceGroups/a"},
		{pim.Azure, anySub + "/../x"}, {pim.Azure, anySub + "/resourceGroups/.."}, {pim.Azure, anySub + "/resourceGroups/."},
		{pim.Azure, anySub + "?x=1"}, {pim.Azure, anySub + "#x"}, {pim.Azure, anySub + "%2f.."}, {pim.Azure, anySub + "/resourceGroups/a%20b"},
		{pim.Azure, anySub + "/resourceGroups/a b"}, {pim.Azure, anySub + `\..\x`}, {pim.Azure, anySub + "/resourceGroups/a;b"},
		{pim.Azure, anySub + "/resourceGroups/a."}, {pim.Azure, anySub + "/resourceGroups"}, {pim.Azure, anySub + "/resourceGroups/a/providers/x"},
		{pim.Azure, anySub + "/resourceGroups/a/providers/NoDot/t/n"}, {pim.Azure, "/subscriptions/{11111111-2222-3333-4444-555555555551}"},
		{pim.Azure, "/subscriptions/11111111222233334444555555555551"}, {pim.Azure, "/providers/Microsoft.Management/managementGroups/a/b"},
		{pim.Azure, "/\u017fubscriptions/11111111-2222-3333-4444-555555555551"},
		{pim.Directory, "/administrativeUnits/x"}, {pim.Directory, "/11111111-2222-3333-4444-555555555551/x"}, {pim.Directory, anySub},
		{pim.Group, "/"}, {pim.Group, "operators"}, {pim.Plane("astral"), "/"},
	} {
		_, err := pim.ParseScope(tt.plane, tt.text)
		require.Equal(t, pim.CodeInvalid, pim.CodeOf(err), "%q", tt.text)
	}
}

func TestScopeContainsBySegment(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"/", anySub, true},
		{anySub, anySub + "/resourceGroups/a", true},
		{anySub, "/subscriptions/11111111-2222-3333-4444-555555555552", false},
		{anySub + "/resourceGroups/a", anySub, false},
		{anySub + "/resourceGroups/shop", anySub + "/resourceGroups/shop2", false},
		{anySub + "/resourceGroups/shop", anySub + "/resourceGroups/SHOP", true},
		{anySub + "/resourceGroups/kiosk", anySub + "/resourceGroups/\u212aiosk", false},
		{"/providers/Microsoft.Management/managementGroups/a", anySub, false},
		{"/providers/Microsoft.Management/managementGroups/a", "/providers/Microsoft.Management/managementGroups/A", true},
	} {
		a, err := pim.ParseScope(pim.Azure, tt.a)
		require.NoError(t, err)
		b, err := pim.ParseScope(pim.Azure, tt.b)
		require.NoError(t, err)
		require.Equal(t, tt.want, a.Contains(b), "%s contains %s", tt.a, tt.b)
	}
	d, err := pim.ParseScope(pim.Directory, "/")
	require.NoError(t, err)
	root, err := pim.ParseScope(pim.Azure, "/")
	require.NoError(t, err)
	require.False(t, d.Contains(root), "another plane")
}
