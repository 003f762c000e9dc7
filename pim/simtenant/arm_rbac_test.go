package simtenant_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const rbacVersion = "?api-version=2022-04-01"

// plain lists the role assignments at a scope.
func (w *world) plain(token, scope, filter string) reply {
	return w.arm(token, "GET", scope+rbac+"roleAssignments"+rbacVersion+"&$filter="+url.QueryEscape(filter), nil)
}

func TestRoleAssignmentsShowActivationsAtOnceAndWhatIsInherited(t *testing.T) {
	w := newWorld(t)
	w.put(w.armToken(w.app), w.rg, assign, newProps("AdminAssign", w.alice, w.rg))
	carol := w.armToken(w.carol)
	mine := w.plain(carol, w.rg, "principalId eq '"+w.alice+"'").values()
	require.Len(t, mine, 1, "Azure enforces before PIM lists")
	require.Len(t, w.plain(carol, w.rg, "").values(), 3, "with the reader of the subscription and the owner of the tenant")
	require.Len(t, w.plain(carol, w.rg, "atScope()").values(), 3)
	require.Len(t, w.plain(carol, w.rg, "assignedTo('"+w.carol+"')").values(), 1)
	require.Equal(t, "InvalidFilter", w.plain(carol, w.rg, "asTarget()").code())
	require.Equal(t, http.StatusForbidden, w.plain(w.armToken(w.outsider), w.rg, "").Status, "unlike PIM's lists")

	id := mine[0].(map[string]any)["id"].(string)
	require.Equal(t, http.StatusOK, w.arm(carol, "GET", id+rbacVersion, nil).Status)
	require.Equal(t, http.StatusForbidden, w.arm(carol, "DELETE", id+rbacVersion, nil).Status, "a reader cannot")
	require.Equal(t, http.StatusNotFound, w.arm(carol, "GET", id[:len(id)-1]+"x"+rbacVersion, nil).Status)
	require.Equal(t, http.StatusForbidden, w.arm(w.armToken(w.outsider), "GET", id+rbacVersion, nil).Status)
}

func TestSchedulesAndInstancesAreReadByName(t *testing.T) {
	w := newWorld(t)
	id := w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice, For: time.Hour})
	path := subscription + rbac + "roleEligibilitySchedules/" + id
	r := w.arm(w.armToken(w.alice), "GET", path, nil)
	require.Equal(t, http.StatusOK, r.Status, "one's own: %s", r.Body)
	require.Contains(t, r.at("id"), "/RoleEligibilitySchedules/")
	require.Equal(t, http.StatusOK, w.arm(w.armToken(w.carol), "GET", path, nil).Status)
	require.Equal(t, http.StatusForbidden, w.arm(w.armToken(w.outsider), "GET", path, nil).Status)
	require.Equal(t, http.StatusNotFound, w.arm(w.armToken(w.carol), "GET", subscription+rbac+"roleEligibilityScheduleInstances/"+id, nil).Status,
		"the id of an instance is another")
	require.Equal(t, http.StatusMethodNotAllowed, w.arm(w.armToken(w.app), "DELETE", path, nil).Status, "nothing is deleted")
	w.Advance(time.Hour)
	require.Equal(t, http.StatusNotFound, w.arm(w.armToken(w.carol), "GET", path, nil).Status)
}

func TestPermanenceNeedsAPolicyThatAllowsIt(t *testing.T) {
	w := newWorld(t)
	p := newProps("AdminAssign", w.alice, subscription).with("scheduleInfo", map[string]any{"expiration": map[string]any{"type": "noexpiration"}})
	require.Contains(t, w.put(w.armToken(w.app), subscription, eligible, p).message(), "ExpirationRule")
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.AllowPermanent(simtenant.Eligibility) })
	require.Equal(t, http.StatusCreated, w.put(w.armToken(w.app), subscription, eligible, p).Status)
	require.True(t, w.Eligibilities()[0].End.IsZero())
	require.Contains(t, w.put(w.armToken(w.app), subscription, assign, p).message(), "ExpirationRule", "the other kind has a rule of its own")
}

func TestAnActivationGivesTheRightsOfItsRole(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Owner", Principal: w.alice})
	p := newProps("SelfActivate", w.alice, subscription)
	p["roleDefinitionId"] = subscription + rbac + "roleDefinitions/" + simtenant.RoleOwner
	alice := w.armToken(w.alice, simtenant.WithMFA())
	grant := newProps("AdminAssign", w.bob, subscription)
	require.Equal(t, "AuthorizationFailed", w.put(alice, subscription, assign, grant).code(), "eligible is not active")
	require.Equal(t, http.StatusCreated, w.put(alice, subscription, assign, p).Status)
	require.Equal(t, http.StatusCreated, w.put(alice, subscription, assign, grant).Status)
	w.Advance(time.Hour)
	require.Equal(t, "AuthorizationFailed", w.put(alice, subscription, eligible, grant).code(), "and active is not for ever")
}

func TestOldRequestsAreForgottenAfterFortyFiveDays(t *testing.T) {
	w := newWorld(t)
	r := w.put(w.armToken(w.app), subscription, eligible, newProps("AdminAssign", w.alice, subscription).lasting("P90D"))
	path := r.at("id").(string)
	w.Advance(45*24*time.Hour - time.Minute)
	require.Equal(t, http.StatusOK, w.arm(w.armToken(w.carol), "GET", path, nil).Status)
	w.Advance(2 * time.Minute)
	require.Equal(t, http.StatusNotFound, w.arm(w.armToken(w.carol), "GET", path, nil).Status)
	require.Empty(t, w.list(w.armToken(w.carol), subscription+rbac+eligible, ""))
	require.Len(t, w.Eligibilities(), 1, "what it made lives on")
}

func TestRequestsAreReadByThoseTheyConcern(t *testing.T) {
	w := newWorld(t)
	r := w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.alice, subscription))
	path := r.at("id").(string)
	for who, want := range map[string]int{w.alice: 200, w.app: 200, w.carol: 200, w.outsider: 403} {
		require.Equal(t, want, w.arm(w.armToken(who), "GET", path, nil).Status)
	}
	require.Len(t, w.list(w.armToken(w.app), rbac+assign, "asRequestor()"), 1)
	require.Empty(t, w.list(w.armToken(w.alice), rbac+assign, "asRequestor()"))
	require.Len(t, w.list(w.armToken(w.alice), rbac+assign, "asTarget()"), 1)
}
