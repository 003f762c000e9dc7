package simtenant_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestOnlyThePersonActivatesAndOnlyWhatThePolicyAllows(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) {
		p.RequireOnActivation(simtenant.RequireMFA, simtenant.RequireJustification, simtenant.RequireTicket)
	})
	ticket := map[string]any{"ticketNumber": "INC1", "ticketSystem": "desk"}
	good := newProps("SelfActivate", w.alice, subscription).with("ticketInfo", ticket)
	alice := w.armToken(w.alice, simtenant.WithMFA())
	const policyFailed = "RoleAssignmentRequestPolicyValidationFailed"

	for _, test := range []struct {
		name  string
		token string
		props props
		code  string
		rules []string
	}{
		{"an application for a user", w.armToken(w.app), good, policyFailed, []string{"EligibilityRule"}},
		{"one user for another", w.armToken(w.bob, simtenant.WithMFA()), good, policyFailed, []string{"EligibilityRule"}},
		{"a user who is not eligible", w.armToken(w.bob, simtenant.WithMFA()), good.with("principalId", w.bob), policyFailed, []string{"EligibilityRule"}},
		{"a link to something else", alice, good.with("linkedRoleEligibilityScheduleId", w.bob), policyFailed, []string{"EligibilityRule"}},
		{"no second factor", w.armToken(w.alice), good, policyFailed, []string{"MfaRule"}},
		{"no reason", alice, good.with("justification", "  "), policyFailed, []string{"JustificationRule"}},
		{"no ticket system", alice, good.with("ticketInfo", map[string]any{"ticketNumber": "INC1"}), policyFailed, []string{"TicketingRule"}},
		{"longer than the policy", alice, good.lasting("PT9H"), policyFailed, []string{"ExpirationRule"}},
		{"for ever", alice, good.with("scheduleInfo", map[string]any{"expiration": map[string]any{"type": "NoExpiration"}}), policyFailed, []string{"ExpirationRule"}},
		{"everything at once", w.armToken(w.alice), good.lasting("PT9H").with("justification", nil), policyFailed, []string{"ExpirationRule", "JustificationRule", "MfaRule"}},
		{"too short", alice, good.lasting("PT4M"), "ActiveDurationTooShort", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := w.put(test.token, subscription, assign, test.props)
			require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
			require.Equal(t, test.code, r.code())
			for _, rule := range test.rules {
				require.Contains(t, r.message(), rule)
			}
			require.Empty(t, w.Requests(), "a refused request leaves no trace")
		})
	}
	require.Equal(t, http.StatusCreated, w.put(alice, subscription, assign, good).Status)
	require.Equal(t, "RoleAssignmentExists", w.put(alice, subscription, assign, good).code(), "an activation is not extended by another")
}

func TestPolicyFailuresComeInBothWordings(t *testing.T) {
	for _, test := range []struct {
		messages simtenant.Messages
		want     []string
	}{
		{simtenant.MessagesList, []string{`The following policy rules failed: ["JustificationRule"]`}},
		{simtenant.MessagesReason, []string{"The following policy rules failed: JustificationRule - Justification is required"}},
		{simtenant.MessagesAlternate, []string{`The following policy rules failed: ["JustificationRule"]`,
			"The following policy rules failed: JustificationRule - Justification is required"}},
	} {
		w := newWorld(t, simtenant.Options{Messages: test.messages})
		p := newProps("AdminAssign", w.alice, subscription).with("justification", nil)
		for _, want := range test.want {
			require.Equal(t, want, w.put(w.armToken(w.app), subscription, assign, p).message())
		}
	}
}

func TestAnAuthenticationContextIsAskedForWithItsClaims(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) {
		p.RequireOnActivation(simtenant.RequireJustification)
		p.AuthenticationContext = "c1"
	})
	p := newProps("SelfActivate", w.alice, subscription)
	encoded, lower := 0, 0
	for range 4 {
		r := w.put(w.armToken(w.alice, simtenant.WithContext("c2")), subscription, assign, p)
		require.Equal(t, http.StatusBadRequest, r.Status, "a challenge of PIM is a 400, not a 401")
		require.Equal(t, "RoleAssignmentRequestAcrsValidationFailed", r.code())
		_, claims, found := strings.Cut(r.message(), "claims=")
		require.True(t, found)
		if strings.HasPrefix(claims, "%") {
			encoded++
		}
		if strings.HasPrefix(claims, "%7b") {
			lower++
		}
		plain, err := url.QueryUnescape(claims)
		require.NoError(t, err)
		require.JSONEq(t, `{"access_token":{"acrs":{"essential":true,"value":"c1"}}}`, plain)
	}
	require.Equal(t, 2, encoded, "the claims come plain and encoded in turns")
	require.Equal(t, 1, lower, "the encoded in either letter case")
	require.Equal(t, http.StatusCreated, w.put(w.armToken(w.alice, simtenant.WithContext("c1")), subscription, assign, p).Status)
}

func TestActivatingBelowTheEligibilityNeedsTheFullLinkAndSight(t *testing.T) {
	w := newWorld(t)
	id := w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	full := subscription + rbac + "RoleEligibilitySchedules/" + id
	token := w.armToken(w.alice, simtenant.WithMFA())
	p := newProps("SelfActivate", w.alice, w.rg)

	require.Equal(t, "AuthorizationFailed", w.put(token, w.rg, assign, p.with("linkedRoleEligibilityScheduleId", full)).code(), "she cannot see the group")
	w.Assign(simtenant.Grant{Scope: w.rg, Role: "Reader", Principal: w.alice})
	require.Contains(t, w.put(token, w.rg, assign, p).message(), "EligibilityRule", "without a link")
	require.Contains(t, w.put(token, w.rg, assign, p.with("linkedRoleEligibilityScheduleId", id)).message(), "EligibilityRule", "with a bare one")
	for _, odd := range []string{"garbage/" + id, w.rg + rbac + "RoleEligibilitySchedules/" + id, subscription + rbac + "RoleEligibilityScheduleInstances/" + id} {
		require.Contains(t, w.put(token, w.rg, assign, p.with("linkedRoleEligibilityScheduleId", odd)).message(), "EligibilityRule", odd)
		own := newProps("SelfActivate", w.alice, subscription).with("linkedRoleEligibilityScheduleId", odd)
		require.Contains(t, w.put(token, subscription, assign, own).message(), "EligibilityRule", odd)
	}
	r := w.put(token, w.rg, assign, p.with("linkedRoleEligibilityScheduleId", "/providers/Microsoft.Subscription"+strings.ToUpper(full)))
	require.Equal(t, http.StatusCreated, r.Status, "%s", r.Body)
	require.Equal(t, id, r.at("properties", "linkedRoleEligibilityScheduleId"))

	r = w.put(token, subscription, assign, newProps("SelfActivate", w.alice, subscription).with("linkedRoleEligibilityScheduleId", strings.ToUpper(id)))
	require.Equal(t, http.StatusCreated, r.Status, "at its own scope the bare id will do: %s", r.Body)
}

func TestAGroupsEligibilityServesItsMembersHoweverNested(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		inner := w.AddGroup(simtenant.Group{Name: "inner", Members: []string{w.alice}})
		outer := w.AddGroup(simtenant.Group{Name: "outer", Members: []string{inner}})
		w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: outer})
		token := w.armToken(w.alice, simtenant.WithMFA())

		mine := w.list(token, rbac+"roleEligibilityScheduleInstances", "asTarget()")
		require.Len(t, mine, 1)
		require.Equal(t, "Group", mine[0]["properties"].(map[string]any)["memberType"])
		require.Equal(t, outer, mine[0]["properties"].(map[string]any)["principalId"])

		forGroup := newProps("SelfActivate", outer, subscription)
		require.Contains(t, w.put(token, subscription, assign, forGroup).message(), "EligibilityRule", "nobody activates for the whole group")
		require.Equal(t, http.StatusCreated, w.put(token, subscription, assign, newProps("SelfActivate", w.alice, subscription)).Status)
		time.Sleep(5 * time.Minute)
		end := newProps("SelfDeactivate", w.alice, subscription).with("scheduleInfo", nil)
		require.Equal(t, "Revoked", w.put(token, subscription, assign, end).at("properties", "status"))
	})
}

func TestSelfDeactivateDoesNotEndWhatAnAdministratorAssigned(t *testing.T) {
	w := newWorld(t)
	w.Assign(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice, Ago: time.Hour})
	end := newProps("SelfDeactivate", w.alice, subscription).with("scheduleInfo", nil)
	require.Equal(t, "RoleAssignmentDoesNotExist", w.put(w.armToken(w.alice), subscription, assign, end).code())
}

func TestAServicePrincipalMayActivateItsOwnIfNobodyAsksForASecondFactor(t *testing.T) {
	w := newWorld(t)
	robot := w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot"})
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: robot})
	p := newProps("SelfActivate", robot, subscription)
	require.Contains(t, w.put(w.armToken(robot), subscription, assign, p).message(), "MfaRule")
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.RequireOnActivation() })
	require.Equal(t, http.StatusCreated, w.put(w.armToken(robot), subscription, assign, p).Status)
}

func TestMandatoryMFABindsUsersAndNotApplications(t *testing.T) {
	w := newWorld(t, simtenant.Options{MandatoryMFA: true})
	w.Assign(simtenant.Grant{Scope: subscription, Role: "Owner", Principal: w.bob})
	p := newProps("AdminAssign", w.alice, subscription)
	r := w.put(w.armToken(w.bob), subscription, assign, p)
	require.Equal(t, http.StatusForbidden, r.Status)
	require.Equal(t, "RequestDisallowedByAzure", r.code())
	require.Equal(t, http.StatusCreated, w.put(w.armToken(w.app), subscription, assign, p).Status)
}
