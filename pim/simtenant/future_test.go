package simtenant_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// after is when something begins that lasts two hours.
func after(d time.Duration) map[string]any {
	return map[string]any{"startDateTime": time.Now().Add(d).UTC(), "expiration": map[string]any{"type": "AfterDuration", "duration": "PT2H"}}
}

// What begins later is listed among the schedules as soon as anything, and among the
// instances once it has begun, as late as anything.
func TestWhatStartsLaterHasAScheduleNowAndAnInstanceThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin, token := w.admin(), w.armToken(w.app, simtenant.WithLife(24*time.Hour))
		group := w.AddGroup(simtenant.Group{Name: "Operators"})
		w.put(token, subscription, assign, newProps("AdminAssign", w.alice, subscription).with("scheduleInfo", after(time.Hour)))
		made(w.graph(admin, "POST", assignRole, ask("adminAssign", w.alice, simtenant.RoleUserAdmin).with("scheduleInfo", after(time.Hour))))
		made(w.graph(admin, "POST", joinGroup, askGroup("adminAssign", w.alice, group).with("scheduleInfo", after(time.Hour))))

		const his = "principalId eq '"
		lists := func(noun string) [][]map[string]any {
			return [][]map[string]any{
				w.list(token, subscription+rbac+"roleAssignment"+noun, his+w.alice+"'"),
				w.follow(admin, roles+"roleAssignment"+noun+"?$filter="+his+w.alice+"'"),
				w.follow(admin, groups+"assignment"+noun+"?$filter="+his+w.alice+"'"),
			}
		}
		status := func(item map[string]any) any {
			if p, ok := item["properties"].(map[string]any); ok {
				return p["status"]
			}
			return item["status"]
		}
		shows := func(noun string, want int, when string) {
			for _, list := range lists(noun) {
				require.Len(t, list, want, when)
			}
		}
		shows("Schedules", 0, "lists are late")
		time.Sleep(61 * time.Second)
		shows("ScheduleInstances", 0, "it has not begun")
		for _, list := range lists("Schedules") {
			require.Len(t, list, 1)
			require.Equal(t, "Granted", status(list[0]))
		}
		time.Sleep(59*time.Minute - time.Second/2)
		require.Len(t, w.Assignments(), 2+3, "it has begun")
		shows("ScheduleInstances", 0, "lists are late")
		require.Equal(t, "RoleAssignmentDoesNotExist", w.put(token, subscription, assign, newProps("AdminRemove", w.alice, subscription)).code())
		time.Sleep(61 * time.Second)
		shows("ScheduleInstances", 1, "and show it")
		for _, list := range lists("Schedules") {
			require.Equal(t, "Provisioned", status(list[0]))
		}
	})
}
