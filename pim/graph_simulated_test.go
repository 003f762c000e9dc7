package pim_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// asUser is a client with a user's own token, as an On-Behalf-Of exchange gives it.
func (d directory) asUser(t *testing.T, id string) *pim.Client {
	t.Helper()
	return clientOf(t, d.Transport(), d.Credential(id, simtenant.WithMFA(), simtenant.WithScopes(
		"RoleAssignmentSchedule.ReadWrite.Directory", "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup")))
}

// The life of an access is the same on both planes of Graph.
func onBothPlanes(t *testing.T, test func(t *testing.T, d directory, a pim.Access)) {
	for _, plane := range []pim.Plane{pim.Directory, pim.Group} {
		t.Run(string(plane), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDirectory(t)
				a := pim.Access{Scope: scope(t, pim.Directory, "/"), Role: pim.Role{ID: reader}, Principal: d.alice}
				if plane == pim.Group {
					managed := d.AddGroup(simtenant.Group{Name: "managed"})
					a.Scope, a.Role.ID = scope(t, pim.Group, managed), "member"
				}
				test(t, d, a)
			})
		})
	}
}

func TestTheLifeOfAnAccessOnGraph(t *testing.T) {
	onBothPlanes(t, func(t *testing.T, d directory, a pim.Access) {
		ctx := t.Context()
		ours := clientOf(t, d.Transport(), d.Credential(d.app))
		user := d.asUser(t, d.alice)
		q := pim.Query{Plane: a.Plane(), Scope: a.Scope, Role: a.Role, Principal: a.Principal}
		submit := func(c *pim.Client, r pim.ScheduleRequest) pim.ScheduleRequest {
			t.Helper()
			r.Access, r.Justification = a, "incident 7"
			got, err := c.Submit(ctx, r)
			require.NoError(t, err)
			return got
		}

		made := submit(ours, pim.ScheduleRequest{Kind: pim.Eligibility, Type: pim.AdminAssign, Window: pim.Window{Duration: hours(48)}, Mark: "0af31c22-77b1"})
		require.Equal(t, pim.Good, made.Status.Class())
		found, err := ours.Find(ctx, pim.ScheduleRequest{Kind: pim.Eligibility, Type: pim.AdminAssign, Access: a, Mark: "0af31c22-77b1"})
		require.NoError(t, err)
		require.Equal(t, made.Name, found.Name)
		require.Equal(t, "incident 7", found.Justification)
		require.Equal(t, d.app, found.Requestor)
		time.Sleep(time.Minute)
		eligible := all(t, ours.Eligibilities(ctx, q))
		require.Len(t, eligible, 1)
		require.Equal(t, pim.Direct, eligible[0].Member)
		require.WithinDuration(t, time.Now().Add(48*time.Hour), *eligible[0].End, 2*time.Minute)

		activation := submit(user, pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.SelfActivate, Window: pim.Window{Duration: hours(1)}})
		require.Equal(t, pim.Good, activation.Status.Class())
		time.Sleep(time.Minute)
		active := all(t, ours.Assignments(ctx, q))
		require.Len(t, active, 1)
		require.True(t, active[0].Activated)
		require.Equal(t, "Alice", active[0].PrincipalName)
		require.Equal(t, "User", active[0].PrincipalType)

		_, err = user.Submit(ctx, pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.SelfDeactivate, Access: a})
		require.Equal(t, pim.CodeBusy, pim.CodeOf(err), "not in the first five minutes")
		time.Sleep(5 * time.Minute)
		require.Equal(t, pim.Revoked, submit(user, pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.SelfDeactivate}).Status)
		require.Equal(t, pim.Revoked, submit(ours, pim.ScheduleRequest{Kind: pim.Eligibility, Type: pim.AdminRemove}).Status)
		time.Sleep(time.Minute)
		require.Empty(t, all(t, ours.Assignments(ctx, q)))
		require.Empty(t, all(t, ours.Eligibilities(ctx, q)))
	})
}

func TestARequestForTomorrowCanBeCancelledOnce(t *testing.T) {
	onBothPlanes(t, func(t *testing.T, d directory, a pim.Access) {
		c := clientOf(t, d.Transport(), d.Credential(d.app))
		tomorrow := time.Now().Add(24 * time.Hour)
		r, err := c.Submit(t.Context(), pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminAssign, Access: a, Justification: "x",
			Window: pim.Window{Start: &tomorrow, Duration: hours(1)}})
		require.NoError(t, err)
		require.Equal(t, pim.Granted, r.Status)
		require.NoError(t, c.CancelRequest(t.Context(), r))
		require.Error(t, c.CancelRequest(t.Context(), r))
		again, err := c.Find(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, pim.Canceled, again.Status)
	})
}

func TestValidationChangesNothing(t *testing.T) {
	onBothPlanes(t, func(t *testing.T, d directory, a pim.Access) {
		c := clientOf(t, d.Transport(), d.Credential(d.app))
		ask := pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminAssign, Access: a, Justification: "x", Window: pim.Window{Duration: hours(1)}}
		_, err := c.Validate(t.Context(), ask)
		require.NoError(t, err)
		ask.Window.Duration = hours(24 * 1000)
		_, err = c.Validate(t.Context(), ask)
		require.Equal(t, pim.CodeUnmet, pim.CodeOf(err))
		time.Sleep(time.Hour)
		require.Empty(t, all(t, c.Assignments(t.Context(), pim.Query{Plane: a.Plane(), Scope: a.Scope, Principal: a.Principal})))
	})
}

func TestDirectoryRolesOfASimulatedTenant(t *testing.T) {
	d := newDirectory(t)
	c := clientOf(t, d.Transport(), d.Credential(d.app))
	role, err := c.Role(t.Context(), scope(t, pim.Directory, "/"), "Directory Readers")
	require.NoError(t, err)
	require.Equal(t, reader, role.ID)
	_, err = c.Role(t.Context(), scope(t, pim.Directory, "/"), "No Such Role")
	require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
	require.True(t, slices.ContainsFunc(all(t, c.Roles(t.Context(), scope(t, pim.Directory, "/"))), func(d pim.RoleDefinition) bool {
		return d.Role == role && !d.Custom
	}))
}

func TestDatesAreChangedByAnotherRequest(t *testing.T) {
	onBothPlanes(t, func(t *testing.T, d directory, a pim.Access) {
		c := clientOf(t, d.Transport(), d.Credential(d.app))
		q := pim.Query{Plane: a.Plane(), Scope: a.Scope, Principal: a.Principal}
		ask := pim.ScheduleRequest{Kind: pim.Eligibility, Type: pim.AdminAssign, Access: a, Justification: "x", Window: pim.Window{Duration: hours(48)}}
		for _, step := range []struct {
			typ  pim.RequestType
			last pim.Duration
		}{{pim.AdminAssign, hours(48)}, {pim.AdminUpdate, hours(24)}, {pim.AdminExtend, hours(72)}} {
			ask.Type, ask.Window.Duration = step.typ, step.last
			r, err := c.Submit(t.Context(), ask)
			require.NoError(t, err, step.typ)
			require.Equal(t, pim.Good, r.Status.Class())
			time.Sleep(time.Minute)
			stands := all(t, c.Eligibilities(t.Context(), q))
			require.Len(t, stands, 1)
			require.WithinDuration(t, time.Now().Add(time.Duration(step.last)), *stands[0].End, 3*time.Minute, step.typ)
			ask.Target = stands[0].Schedule
		}
	})
}
