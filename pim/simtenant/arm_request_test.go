package simtenant_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestARequestIsReadStrictly(t *testing.T) {
	w := newWorld(t)
	good := newProps("AdminAssign", w.alice, subscription)
	expires := func(e map[string]any) props { return good.with("scheduleInfo", map[string]any{"expiration": e}) }
	const badSchedule, badRole = "InvalidRoleAssignmentRequestSchedule", "RoleDefinitionDoesNotExist"
	for _, test := range []struct {
		name  string
		props props
		code  string
	}{
		{"a bare role", good.with("roleDefinitionId", simtenant.RoleContributor), badRole},
		{"a role of the tenant inside a subscription", good.with("roleDefinitionId", rbac+"roleDefinitions/"+simtenant.RoleContributor), badRole},
		{"a role that does not exist", good.with("roleDefinitionId", subscription+rbac+"roleDefinitions/"+uuid.NewString()), badRole},
		{"no principal", good.with("principalId", nil), "InvalidRoleAssignmentRequest"},
		{"a principal by name", good.with("principalId", "alice@contoso.example"), "InvalidRoleAssignmentRequest"},
		{"a principal nobody knows", good.with("principalId", uuid.NewString()), "SubjectNotFound"},
		{"no request type", good.with("requestType", nil), "InvalidRoleAssignmentRequest"},
		{"a request type of the old beta", good.with("requestType", "UserAdd"), "InvalidRoleAssignmentRequest"},
		{"a principal that is a number", good.with("principalId", 7), "InvalidRequestContent"},
		{"a start that is no date", good.with("scheduleInfo", map[string]any{"startDateTime": "tomorrow"}), "InvalidRequestContent"},
		{"no schedule", good.with("scheduleInfo", nil), badSchedule},
		{"a duration and an end", expires(map[string]any{"type": "AfterDuration", "duration": "PT1H", "endDateTime": "2099-01-01T00:00:00Z"}), badSchedule},
		{"a duration that is none", expires(map[string]any{"type": "AfterDuration", "duration": "1h"}), badSchedule},
		{"an end in the past", expires(map[string]any{"type": "AfterDateTime", "endDateTime": "2001-01-01T00:00:00Z"}), badSchedule},
		{"permanence with a duration", expires(map[string]any{"type": "NoExpiration", "duration": "PT1H"}), badSchedule},
		{"an unknown expiration", expires(map[string]any{"type": "Whenever"}), badSchedule},
		{"permanence that the policy forbids", expires(map[string]any{"type": "NoExpiration"}), "RoleAssignmentRequestPolicyValidationFailed"},
		{"longer than the policy", good.lasting("P200D"), "RoleAssignmentRequestPolicyValidationFailed"},
		{"a condition without a version", good.with("condition", "x"), "InvalidRoleAssignmentRequest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := w.put(w.armToken(w.app), subscription, assign, test.props)
			require.Equal(t, http.StatusBadRequest, r.Status, "%s", r.Body)
			require.Equal(t, test.code, r.code(), "%s", r.Body)
		})
	}
	require.Empty(t, w.Requests())
	r := w.putAs(w.armToken(w.app), subscription, assign, "change-1", good)
	require.Equal(t, http.StatusBadRequest, r.Status, "a request name is a GUID")
	r = w.arm(w.armToken(w.app), "PUT", subscription+rbac+assign+"/"+uuid.NewString(), good)
	require.Equal(t, "InvalidRequestContent", r.code(), "a body without properties")
}

func TestIDsAreTakenInAnyCaseAndAnsweredInTheServicesOwn(t *testing.T) {
	w := newWorld(t)
	p := newProps("adminassign", strings.ToUpper(w.alice), subscription)
	path := "/providers/Microsoft.Subscription/SUBSCRIPTIONS/" + strings.ToUpper(subscriptionID)
	r := w.arm(w.armToken(w.app), "PUT", path+"/Providers/microsoft.authorization/RoleAssignmentScheduleRequests/"+uuid.NewString(), p.body())
	require.Equal(t, http.StatusCreated, r.Status, "%s", r.Body)
	require.Equal(t, subscription, r.at("properties", "scope"), "the provider in front of a subscription goes")
	require.Contains(t, r.at("id"), subscription+rbac+"RoleAssignmentScheduleRequests/")
	require.Equal(t, "Microsoft.Authorization/RoleAssignmentScheduleRequests", r.at("type"))
	require.Equal(t, w.alice, r.at("properties", "principalId"))
	require.Equal(t, "AdminAssign", r.at("properties", "requestType"))
	require.Equal(t, "Alice", r.at("properties", "expandedProperties", "principal", "displayName"))
}

func TestTheFrontChecksVersionScopeTokenAndRights(t *testing.T) {
	w := newWorld(t)
	app := w.armToken(w.app)
	body := newProps("AdminAssign", w.alice, subscription).body()
	name := "/" + uuid.NewString()
	on := func(path string) string { return path + rbac + assign + name }
	for _, test := range []struct {
		name, token, path string
		status            int
		code              string
	}{
		{"no token", "", on(subscription), 401, "AuthenticationFailed"},
		{"a forged token", "abc.def.ghi", on(subscription), 401, "InvalidAuthenticationToken"},
		{"a token for Graph", w.UserToken(w.app, simtenant.AudienceGraph), on(subscription), 401, "InvalidAuthenticationToken"},
		{"an expired token", w.armToken(w.app, simtenant.WithLife(-1)), on(subscription), 401, "InvalidAuthenticationToken"},
		{"a token of another tenant", w.armToken(w.app, simtenant.WithClaim("iss", "https://sts.windows.net/x/")), on(subscription), 401, "InvalidAuthenticationToken"},
		{"no api-version", app, on(subscription) + "?api-version=", 400, "MissingApiVersionParameter"},
		{"the api-version of plain roles", app, on(subscription) + "?api-version=2022-04-01", 400, "InvalidApiVersionParameter"},
		{"an unknown subscription", app, on("/subscriptions/" + uuid.NewString()), 404, "SubscriptionNotFound"},
		{"an unknown resource group", app, on(subscription + "/resourceGroups/none"), 404, "ResourceGroupNotFound"},
		{"a scope that climbs", app, on(subscription + "/../" + subscriptionID), 404, "ResourceNotFound"},
		{"an unknown type", app, subscription + rbac + "roleAssignmentWishes" + name, 404, "InvalidResourceType"},
		{"a reader", w.armToken(w.carol), on(subscription), 403, "AuthorizationFailed"},
		{"a stranger", w.armToken(w.outsider), on(subscription), 403, "AuthorizationFailed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := w.arm(test.token, "PUT", test.path, body)
			require.Equal(t, test.status, r.Status, "%s", r.Body)
			require.Equal(t, test.code, r.code())
		})
	}
	require.Empty(t, w.Requests())
}

func TestWhoMayAssignAtAScope(t *testing.T) {
	for role, want := range map[string]int{
		"Owner": 201, "User Access Administrator": 201, "Role Based Access Control Administrator": 201,
		"Contributor": 403, "Reader": 403, "Virtual Machine Contributor": 403,
	} {
		t.Run(role, func(t *testing.T) {
			w := newWorld(t)
			team := w.AddGroup(simtenant.Group{Name: "team", Members: []string{w.bob}})
			w.Assign(simtenant.Grant{Scope: w.group, Role: role, Principal: team})
			r := w.put(w.armToken(w.bob), w.rg, assign, newProps("AdminAssign", w.alice, w.rg))
			require.Equal(t, want, r.Status, "a right held by a group at the management group above: %s", r.Body)
		})
	}
}

func TestValidateAnswersAsThePutWouldAndKeepsNothing(t *testing.T) {
	w := newWorld(t)
	w.MakeEligible(simtenant.Grant{Scope: subscription, Role: "Contributor", Principal: w.alice})
	alice := w.armToken(w.alice, simtenant.WithMFA())
	validate := func(token string, p props) reply {
		return w.arm(token, "POST", subscription+rbac+assign+"/"+uuid.NewString()+"/validate", p.body())
	}
	p := newProps("SelfActivate", w.alice, subscription)
	r := validate(alice, p)
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Equal(t, "Granted", r.at("properties", "status"))
	require.Contains(t, validate(alice, p.lasting("PT9H")).message(), "ExpirationRule")
	require.Contains(t, validate(w.armToken(w.app), p).message(), "EligibilityRule", "it runs as the caller")

	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.RequireApproval(w.bob) })
	require.Equal(t, "PendingApproval", validate(alice, p).at("properties", "status"))
	require.Empty(t, w.Requests())
	require.Len(t, w.Assignments(), 2)
}

func TestADeletedRoleAssignmentLeavesItsScheduleBehind(t *testing.T) {
	w := newWorld(t, simtenant.Options{AzureDelay: simtenant.None})
	token := w.armToken(w.app)
	w.put(token, subscription, assign, newProps("AdminAssign", w.alice, subscription))
	instances := w.list(token, subscription+rbac+"roleAssignmentScheduleInstances", "principalId eq '"+w.alice+"'")
	origin := instances[0]["properties"].(map[string]any)["originRoleAssignmentId"].(string)

	r := w.arm(token, "DELETE", origin+"?api-version=2022-04-01", nil)
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Equal(t, http.StatusNoContent, w.arm(token, "DELETE", origin+"?api-version=2022-04-01", nil).Status)
	require.Len(t, w.Assignments(), 2, "the right is gone")
	require.Len(t, w.list(token, subscription+rbac+"roleAssignmentScheduleInstances", "principalId eq '"+w.alice+"'"), 1, "PIM's books still have it")
}

func TestAPlainRoleAssignmentShowsInPIMAndIsNotMadeTwice(t *testing.T) {
	w := newWorld(t, simtenant.Options{AzureDelay: simtenant.None})
	token := w.armToken(w.app)
	plain := props{"principalId": w.alice, "roleDefinitionId": subscription + rbac + "roleDefinitions/" + simtenant.RoleContributor}
	path := func() string {
		return subscription + rbac + "roleAssignments/" + uuid.NewString() + "?api-version=2022-04-01"
	}
	require.Equal(t, http.StatusCreated, w.arm(token, "PUT", path(), plain.body()).Status)
	require.Equal(t, http.StatusConflict, w.arm(token, "PUT", path(), plain.body()).Status)
	require.Equal(t, "RoleAssignmentExists", w.put(token, subscription, assign, newProps("AdminAssign", w.alice, subscription)).code())
	instances := w.list(token, subscription+rbac+"roleAssignmentScheduleInstances", "principalId eq '"+w.alice+"'")
	require.Len(t, instances, 1)
	require.Nil(t, instances[0]["properties"].(map[string]any)["endDateTime"])
}

func TestOfManyAtOnceOneGetsThrough(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w)
	defer server.Close()
	token := w.armToken(w.app)
	statuses := make(chan int, 20)
	for range cap(statuses) {
		go func() {
			body, _ := json.Marshal(newProps("AdminAssign", w.alice, subscription).body())
			req, _ := http.NewRequest("PUT", server.URL+subscription+rbac+assign+"/"+uuid.NewString()+"?api-version=2020-10-01", bytes.NewReader(body))
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := server.Client().Do(req)
			if err != nil {
				statuses <- 0
				return
			}
			resp.Body.Close()
			statuses <- resp.StatusCode
		}()
	}
	count := map[int]int{}
	for range cap(statuses) {
		count[<-statuses]++
	}
	require.Equal(t, map[int]int{http.StatusCreated: 1, http.StatusBadRequest: 19}, count)
	require.Len(t, w.Requests(), 1)
}
