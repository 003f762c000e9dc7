package pim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// directory is a simulated tenant with a principal of each type.
type directory struct {
	*simtenant.Tenant
	app, alice, barred, guest, ops, everyone, robot string
}

func newDirectory(t *testing.T) directory {
	d := directory{Tenant: simulate(t, simtenant.Options{})}
	d.app = d.AddServicePrincipal(simtenant.ServicePrincipal{Name: "pim", AppRoles: appRoles})
	d.alice = d.AddUser(simtenant.User{Name: "Alice"})
	d.barred = d.AddUser(simtenant.User{Name: "Barred", Disabled: true})
	d.guest = d.AddUser(simtenant.User{Name: "Eve", Guest: true})
	d.ops = d.AddGroup(simtenant.Group{Name: "Bob's ops", Members: []string{d.alice}, RoleAssignable: true})
	d.everyone = d.AddGroup(simtenant.Group{Name: "everyone", Members: []string{d.ops}, Dynamic: true, OnPremises: true})
	d.robot = d.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot"})
	return d
}

func TestASimulatedDirectoryIsReadAsItIs(t *testing.T) {
	d := newDirectory(t)
	c := clientOf(t, d.Transport(), d.Credential(d.app))
	alice, err := c.Principal(t.Context(), d.alice)
	require.NoError(t, err)
	require.Equal(t, pim.Principal{ID: d.alice, Type: pim.TypeUser, Name: "Alice", UPN: "alice@contoso.example", Enabled: true}, alice)
	barred, err := c.Principal(t.Context(), d.barred)
	require.NoError(t, err)
	require.False(t, barred.Enabled)
	ops, err := c.Principal(t.Context(), d.ops)
	require.NoError(t, err)
	require.Equal(t, pim.Principal{ID: d.ops, Type: pim.TypeGroup, Name: "Bob's ops", Enabled: true, RoleAssignable: true}, ops)
	robot, err := c.Principal(t.Context(), d.robot)
	require.NoError(t, err)
	require.Equal(t, pim.TypeServicePrincipal, robot.Type)
	require.True(t, robot.Enabled)

	guest, err := c.User(t.Context(), "eve_fabrikam.example#EXT#@contoso.example")
	require.NoError(t, err)
	require.Equal(t, d.guest, guest.ID)
	byName, err := c.GroupByName(t.Context(), "everyone")
	require.NoError(t, err)
	require.True(t, byName.Dynamic && byName.OnPremises)
	byApp, err := c.ServicePrincipal(t.Context(), robot.AppID)
	require.NoError(t, err)
	require.Equal(t, robot, byApp)

	in, err := c.MemberOf(t.Context(), d.alice, []string{d.everyone, d.ops})
	require.NoError(t, err)
	require.ElementsMatch(t, []string{d.ops, d.everyone}, in, "also through another group")
	names, err := c.Names(t.Context(), []string{d.alice, d.ops, bob})
	require.NoError(t, err)
	require.Equal(t, map[string]string{d.alice: "Alice", d.ops: "Bob's ops"}, names)
}

func TestOnlyADeletedPrincipalIsAbsent(t *testing.T) {
	d := newDirectory(t)
	c := clientOf(t, d.Transport(), d.Credential(d.app))
	stranger := clientOf(t, d.Transport(), d.Credential(d.robot))
	_, err := stranger.Principal(t.Context(), d.alice)
	require.Equal(t, pim.CodeDenied, pim.CodeOf(err))
	_, err = stranger.MemberOf(t.Context(), d.alice, []string{d.ops})
	require.Equal(t, pim.CodeDenied, pim.CodeOf(err))
	d.Delete(d.alice)
	_, err = c.Principal(t.Context(), d.alice)
	require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
	_, err = c.User(t.Context(), "alice@contoso.example")
	require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
}
