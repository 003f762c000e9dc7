package simtenant_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// TestAnAssignmentLivesByTheClock walks one assignment through the delays that
// were observed: late in lists, too young to end, too fresh to repeat.
func TestAnAssignmentLivesByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token := w.armToken(w.app)
		grant := newProps("AdminAssign", w.alice, subscription)
		remove := grant.with("requestType", "AdminRemove").with("scheduleInfo", nil)
		seen := func() int {
			return len(w.list(token, subscription+rbac+"roleAssignmentScheduleInstances", "principalId eq '"+w.alice+"'"))
		}

		r := w.put(token, subscription, assign, grant)
		require.Equal(t, http.StatusCreated, r.Status, "%s", r.Body)
		require.Equal(t, "Provisioned", r.at("properties", "status"))
		require.Len(t, w.Assignments(), 3, "it is in force at once")
		require.Equal(t, 0, seen(), "but lists are late")

		time.Sleep(44 * time.Second)
		require.Equal(t, "RoleAssignmentDoesNotExist", w.put(token, subscription, assign, remove).code(), "what lists hide cannot be removed")
		time.Sleep(48 * time.Second)
		require.Equal(t, 1, seen())
		r = w.put(token, subscription, assign, remove)
		require.Equal(t, http.StatusBadRequest, r.Status)
		require.Equal(t, "ActiveDurationTooShort", r.code())
		require.Contains(t, r.message(), "Miniumum", "the misspelling is the service's own")

		time.Sleep(3*time.Minute + 28*time.Second)
		r = w.put(token, subscription, assign, remove)
		require.Equal(t, "Revoked", r.at("properties", "status"))
		require.Equal(t, 1, seen(), "lists are late with removals too")
		time.Sleep(time.Minute)
		require.Equal(t, 0, seen())
		require.Equal(t, "RoleAssignmentDoesNotExist", w.put(token, subscription, assign, remove).code())

		time.Sleep(time.Minute)
		require.Equal(t, "RoleAssignmentExists", w.put(token, subscription, assign, grant).code())
		time.Sleep(2 * time.Minute)
		require.Equal(t, http.StatusCreated, w.put(token, subscription, assign, grant).Status)

		time.Sleep(time.Hour)
		require.Equal(t, 0, seen(), "it ends by itself")
		require.Len(t, w.Assignments(), 2)
	})
}

func TestAFutureStartIsGrantedAndBeginsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token, name := w.armToken(w.app), uuid.NewString()
		p := newProps("AdminAssign", w.alice, subscription).with("scheduleInfo", map[string]any{
			"startDateTime": time.Now().Add(time.Hour),
			"expiration":    map[string]any{"type": "AfterDuration", "duration": "PT2H"},
		})
		path := subscription + rbac + assign + "/" + name
		require.Equal(t, "Granted", w.putAs(token, subscription, assign, name, p).at("properties", "status"))
		require.Equal(t, "PendingRoleAssignmentRequest", w.put(token, subscription, assign, p).code())
		require.Len(t, w.Assignments(), 2)

		time.Sleep(time.Hour)
		require.Equal(t, "Provisioned", w.arm(token, "GET", path, nil).at("properties", "status"))
		require.Len(t, w.Assignments(), 3)
		r := w.arm(token, "POST", path+"/cancel", nil)
		require.Equal(t, http.StatusBadRequest, r.Status, "what was provisioned cannot be cancelled")
	})
}

func TestCancelWithdrawsWhatIsStillToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		token, name := w.armToken(w.app), uuid.NewString()
		p := newProps("AdminAssign", w.alice, subscription).with("scheduleInfo", map[string]any{
			"startDateTime": time.Now().Add(time.Hour),
			"expiration":    map[string]any{"type": "AfterDuration", "duration": "PT2H"},
		})
		path := subscription + rbac + assign + "/" + name
		w.putAs(token, subscription, assign, name, p)

		r := w.arm(w.armToken(w.carol), "POST", path+"/cancel", nil)
		require.Equal(t, http.StatusForbidden, r.Status, "a reader cannot")
		r = w.arm(token, "POST", path+"/cancel", nil)
		require.Equal(t, http.StatusOK, r.Status)
		require.Empty(t, r.Body)
		require.Equal(t, http.StatusBadRequest, w.arm(token, "POST", path+"/cancel", nil).Status, "the second cancel is refused")
		require.Equal(t, "Canceled", w.arm(token, "GET", path, nil).at("properties", "status"))
		time.Sleep(2 * time.Hour)
		require.Len(t, w.Assignments(), 2, "it never began")
		require.Equal(t, http.StatusCreated, w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.alice, subscription)).Status)
	})
}

func TestAFreshPrincipalIsUnknownForAWhileAndItsRequestNameStaysFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		fresh := w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "fresh", FreshFor: 2 * time.Minute})
		token, name := w.armToken(w.app), uuid.NewString()
		p := newProps("AdminAssign", fresh, subscription)
		require.Equal(t, "SubjectNotFound", w.putAs(token, subscription, assign, name, p).code())
		plain := map[string]any{"principalId": fresh, "roleDefinitionId": p["roleDefinitionId"]}
		path := subscription + rbac + "roleAssignments/" + uuid.NewString() + "?api-version=2022-04-01"
		require.Equal(t, "PrincipalNotFound", w.arm(token, "PUT", path, props(plain).body()).code())

		time.Sleep(2 * time.Minute)
		require.Equal(t, http.StatusCreated, w.putAs(token, subscription, assign, name, p).Status)
		w.Delete(fresh)
		require.Equal(t, "SubjectNotFound", w.put(token, subscription, eligible, p).code(), "nor does PIM know the deleted")
	})
}

func TestAFreshRoleIsUnknownToPIMForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		role := w.AddRole(simtenant.Role{Name: "Keys", Actions: []string{"*/read"}, Scopes: []string{w.group}, FreshFor: time.Minute})
		p := newProps("AdminAssign", w.alice, subscription).with("roleDefinitionId", subscription+rbac+"roleDefinitions/"+role)
		require.Equal(t, "RoleNotFound", w.put(w.armToken(w.app), subscription, assign, p).code())
		time.Sleep(time.Minute)
		require.Equal(t, http.StatusCreated, w.put(w.armToken(w.app), subscription, assign, p).Status)
		r := w.put(w.armToken(w.app), "/", assign, p.scoped("/"))
		require.Equal(t, "RoleDefinitionDoesNotExist", r.code(), "it cannot be assigned above its scopes")
	})
}

func TestARequestNameServesOnce(t *testing.T) {
	for _, status := range []int{http.StatusConflict, http.StatusBadRequest} {
		w := newWorld(t, simtenant.Options{RequestExistsStatus: status})
		token, name := w.armToken(w.app), uuid.NewString()
		p := newProps("AdminAssign", w.alice, subscription)
		require.Equal(t, http.StatusCreated, w.putAs(token, subscription, assign, name, p).Status)
		r := w.putAs(token, subscription, assign, strings.ToUpper(name), p)
		require.Equal(t, status, r.Status)
		require.Equal(t, "RoleAssignmentRequestExists", r.code())
		require.Contains(t, r.message(), name)
		require.Len(t, w.Requests(), 1)
	}
}

func TestDatesHaveSevenDigitsAndStartNowIsTheServersOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.alice, subscription))
		require.Regexp(t, regexp.MustCompile(`\.\d{7}Z$`), r.at("properties", "createdOn"))
		require.Regexp(t, regexp.MustCompile(`\.\d{7}Z$`), r.at("properties", "scheduleInfo", "startDateTime"))
		require.Nil(t, r.at("properties", "scheduleInfo", "expiration", "endDateTime"), "only instances carry the computed end")
		require.Equal(t, "PT1H", r.at("properties", "scheduleInfo", "expiration", "duration"), "a duration is echoed")
		require.Contains(t, r.at("properties", "ticketInfo"), "ticketNumber", "nulls are there")
	})
}

func TestProvisioningCanTakeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simtenant.Options{Provisioning: 20 * time.Second})
		token, name := w.armToken(w.app), uuid.NewString()
		r := w.putAs(token, subscription, assign, name, newProps("AdminAssign", w.alice, subscription))
		require.Equal(t, "PendingProvisioning", r.at("properties", "status"))
		require.Len(t, w.Assignments(), 2)
		time.Sleep(20 * time.Second)
		r = w.arm(token, "GET", subscription+rbac+assign+"/"+name, nil)
		require.Equal(t, "Provisioned", r.at("properties", "status"))
		require.Len(t, w.Assignments(), 3)
	})
}

// Terraform takes back what it finds in the hands of the service.
func TestWhatTheServiceStillWorksOnCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simtenant.Options{Provisioning: 20 * time.Second, ApprovalDelay: 20 * time.Second})
		w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
		w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) {
			p.RequireOnActivation()
			p.RequireApproval(w.bob)
		})
		held := len(w.Assignments())
		for status, r := range map[string]reply{
			"PendingProvisioning":         w.put(w.armToken(w.app), w.rg, assign, newProps("AdminAssign", w.alice, w.rg)),
			"PendingApprovalProvisioning": w.put(w.armToken(w.alice), subscription, assign, newProps("SelfActivate", w.alice, subscription)),
		} {
			require.Equal(t, status, r.at("properties", "status"))
			id := r.at("id").(string)
			require.Equal(t, http.StatusOK, w.arm(w.armToken(w.app), "POST", id+"/cancel", nil).Status)
			time.Sleep(time.Minute)
			require.Equal(t, "Canceled", w.arm(w.armToken(w.app), "GET", id, nil).at("properties", "status"))
		}
		require.Len(t, w.Assignments(), held)

		r := made(w.graph(w.admin(), "POST", assignRole, ask("adminAssign", w.alice, simtenant.RoleUserAdmin)))
		require.Equal(t, "PendingProvisioning", r["status"])
		require.Equal(t, 400, w.graph(w.admin(), "POST", assignRole+"/"+r["id"].(string)+"/cancel", nil).Status, "Graph takes back what waits for people alone")
	})
}

func TestARequestCanHangInGranted(t *testing.T) {
	w := newWorld(t)
	w.Stall(w.alice)
	token := w.armToken(w.app)
	r := w.put(token, subscription, assign, newProps("AdminAssign", w.alice, subscription))
	require.Equal(t, "Granted", r.at("properties", "status"))
	w.Advance(30 * time.Minute)
	path := r.at("id").(string)
	require.Equal(t, "Granted", w.arm(token, "GET", path, nil).at("properties", "status"))
	require.Len(t, w.Assignments(), 2, "and nothing comes of it")
	require.Equal(t, http.StatusOK, w.arm(token, "POST", path+"/cancel", nil).Status)
}

func TestExtendAndRenewKeepTheirWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin := w.armToken(w.app, simtenant.WithLife(365*24*time.Hour))
		w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice, For: 30 * 24 * time.Hour})
		p := newProps("AdminExtend", w.alice, subscription).lasting("P60D")

		require.Equal(t, "InvalidRoleAssignmentRequest", w.put(admin, subscription, eligible, p).code(), "30 days before the end is too early")
		time.Sleep(20 * 24 * time.Hour)
		ask := p.with("requestType", "SelfExtend")
		r := w.put(w.armToken(w.alice, simtenant.WithMFA()), subscription, eligible, ask)
		require.Equal(t, "PendingAdminDecision", r.at("properties", "status"), "a user's wish waits for an administrator")
		r = w.put(admin, subscription, eligible, p)
		require.Equal(t, "Provisioned", r.at("properties", "status"))
		require.Len(t, w.Eligibilities(), 1)
		require.Equal(t, "AdminApproved", w.Requests()[0].Status)

		time.Sleep(61 * 24 * time.Hour)
		require.Empty(t, w.Eligibilities())
		require.Equal(t, "RoleAssignmentDoesNotExist", w.put(admin, subscription, eligible, p).code(), "what has ended cannot be extended")
		r = w.put(admin, subscription, eligible, p.with("requestType", "AdminRenew"))
		require.Equal(t, http.StatusCreated, r.Status, "%s", r.Body)
		require.Len(t, w.Eligibilities(), 1)
	})
}

func TestAdminUpdateChangesTheEndAndTheSchedulesID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin := w.armToken(w.app)
		before := w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice, For: 30 * 24 * time.Hour})
		r := w.put(admin, subscription, eligible, newProps("AdminUpdate", w.alice, subscription).lasting("P5D"))
		require.Equal(t, http.StatusCreated, r.Status, "%s", r.Body)
		got := w.Eligibilities()
		require.Len(t, got, 1)
		require.NotEqual(t, before, got[0].ScheduleID)
		require.WithinDuration(t, time.Now().Add(5*24*time.Hour), got[0].End, time.Minute)
	})
}

func TestAdminUpdateLeavesAnActivationWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin := w.armToken(w.app)
		link := w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
		w.put(w.armToken(w.alice, simtenant.WithMFA()), subscription, assign, newProps("SelfActivate", w.alice, subscription))
		time.Sleep(2 * time.Minute)
		require.Equal(t, http.StatusCreated, w.put(admin, subscription, assign, newProps("AdminUpdate", w.alice, subscription).lasting("PT2H")).Status)
		p := w.list(admin, subscription+rbac+"roleAssignmentScheduleInstances", "principalId eq '"+w.alice+"'")[0]["properties"].(map[string]any)
		require.Equal(t, "Activated", p["assignmentType"])
		require.Equal(t, link, p["linkedRoleEligibilityScheduleId"])
	})
}

func TestARequestThatNamesAnotherInstanceFindsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin := w.armToken(w.app)
		for kind, target := range map[string]string{assign: "targetRoleAssignmentScheduleInstanceId", eligible: "targetRoleEligibilityScheduleInstanceId"} {
			w.put(admin, subscription, kind, newProps("AdminAssign", w.alice, subscription))
			time.Sleep(10 * time.Minute)
			noun := strings.TrimSuffix(kind, "Requests") + "Instances"
			instance := w.list(admin, subscription+rbac+noun, "principalId eq '"+w.alice+"'")[0]["id"].(string)
			remove := newProps("AdminRemove", w.alice, subscription)
			require.Equal(t, "RoleAssignmentDoesNotExist", w.put(admin, subscription, kind, remove.with(target, uuid.NewString())).code(), kind)
			require.Equal(t, http.StatusCreated, w.put(admin, subscription, kind, remove.with(target, instance)).Status, kind)
		}
	})
}
