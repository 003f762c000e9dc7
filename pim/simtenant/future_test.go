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

// An activation rests on its eligibility when it starts, not when it is asked for.
func TestAnActivationForLaterNeedsItsEligibilityThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.RequireOnActivation() })
		admin := w.armToken(w.app, simtenant.WithLife(24*time.Hour))
		for _, who := range []string{w.alice, w.bob, w.carol} {
			w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: who, For: 4 * time.Hour})
		}
		ask := func(who string, in time.Duration) reply {
			p := newProps("SelfActivate", who, subscription).with("scheduleInfo", after(in))
			return w.put(w.armToken(who, simtenant.WithLife(24*time.Hour)), subscription, assign, p)
		}
		require.Contains(t, ask(w.alice, 5*time.Hour).message(), "EligibilityRule", "it has ended by then")
		names := map[string]any{}
		for _, who := range []string{w.alice, w.bob, w.carol} {
			r := ask(who, 3*time.Hour)
			require.Equal(t, "Granted", r.at("properties", "status"), "%s", r.Body)
			names[who] = r.at("id")
		}
		time.Sleep(10 * time.Minute)
		require.Equal(t, 201, w.put(admin, subscription, eligible, newProps("AdminRemove", w.bob, subscription)).Status)
		require.Equal(t, 201, w.put(admin, subscription, eligible, newProps("AdminUpdate", w.carol, subscription).lasting("P1D")).Status)
		held := len(w.Assignments())
		time.Sleep(3 * time.Hour)
		for who, want := range map[string]string{w.alice: "Provisioned", w.bob: "Failed", w.carol: "Provisioned"} {
			require.Equal(t, want, w.arm(admin, "GET", names[who].(string), nil).at("properties", "status"))
		}
		require.Len(t, w.Assignments(), held+2)
		require.Empty(t, w.list(admin, subscription+rbac+"roleAssignmentSchedules", "principalId eq '"+w.bob+"'"))
	})
}
