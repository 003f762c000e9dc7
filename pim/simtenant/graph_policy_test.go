package simtenant_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const policies = "/v1.0/policies/"

// policyOf finds the policy of a role, with its rules.
func (w *world) policyOf(reader, scope, kind, role string) map[string]any {
	w.t.Helper()
	found := w.follow(reader, policies+"roleManagementPolicyAssignments?$filter=scopeId eq '"+scope+"' and scopeType eq '"+kind+
		"' and roleDefinitionId eq '"+role+"'&$expand=policy($expand=rules)")
	require.Len(w.t, found, 1)
	return found[0]
}

// ruleOf takes a rule out of a policy.
func ruleOf(tie map[string]any, id string) map[string]any {
	for _, r := range tie["policy"].(map[string]any)["rules"].([]any) {
		if r.(map[string]any)["id"] == id {
			return r.(map[string]any)
		}
	}
	return nil
}

// TestDefaultsAreThoseOfThePublishedExample compares all seventeen rules.
func TestDefaultsAreThoseOfThePublishedExample(t *testing.T) {
	b, err := os.ReadFile("../../../shared/specs/graph/examples/policy-assignments-directory-expand-rules.json")
	if err != nil {
		t.Skip("the published examples are not beside this checkout: the defaults were not compared")
	}
	var example struct {
		Response struct {
			Body struct{ Value []map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(b, &example))
	w := newWorld(t)
	got := w.policyOf(w.admin(), "/", "DirectoryRole", simtenant.RoleGlobalAdmin)
	require.ElementsMatch(t, example.Response.Body.Value[0]["policy"].(map[string]any)["rules"], got["policy"].(map[string]any)["rules"])
}

func TestEveryPolicyHasSeventeenRules(t *testing.T) {
	w := newWorld(t)
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	for _, tie := range []map[string]any{
		w.policyOf(w.admin(), "/", "DirectoryRole", simtenant.RoleUserAdmin), w.policyOf(w.admin(), group, "Group", "owner"),
	} {
		require.Len(t, tie["policy"].(map[string]any)["rules"], 17)
		id := tie["policyId"].(string)
		require.Len(t, w.follow(w.admin(), policies+"roleManagementPolicies/"+id+"/rules"), 17)
		require.Equal(t, tie["id"], w.graph(w.admin(), "GET", policies+"roleManagementPolicyAssignments/"+tie["id"].(string), nil).at("id"))
	}
}

func TestPoliciesAreListedByScopeAndItsTypeOnly(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	list := policies + "roleManagementPolicyAssignments"
	for _, filter := range []string{
		"", "scopeId eq '/'", "scopeType eq 'DirectoryRole'", "scopeId eq '/' and scopeType eq 'Planet'",
		"scopeId eq '/' and scopeType eq 'DirectoryRole' and policyId eq 'x'",
		"scopeId eq '/' and scopeType eq 'DirectoryRole' and (roleDefinitionId eq 'a' or roleDefinitionId eq 'b')",
	} {
		refused(w.graph(admin, "GET", list+"?$filter="+filter, nil), "InvalidFilter")
	}
	for _, kind := range []string{"DirectoryRole", "Directory"} {
		all := w.follow(admin, list+"?$filter=scopeId eq '/' and scopeType eq '"+kind+"'")
		require.Greater(t, len(all), 20)
		for _, tie := range all {
			require.True(t, strings.HasPrefix(tie["id"].(string), kind+"_"+w.ID()+"_"), tie["id"])
			require.Equal(t, tie["policyId"].(string)+"_"+tie["roleDefinitionId"].(string), tie["id"])
			require.Equal(t, kind, tie["scopeType"])
			require.NotContains(t, tie, "policy")
		}
	}
	require.Equal(t, 400, w.graph(admin, "GET", list+"?$filter=scopeId eq '/' and scopeType eq 'Directory'&$expand=policy($expand=secrets)", nil).Status)
}

func TestAChangedRuleBindsFromThenOn(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice})
	tie := w.policyOf(admin, "/", "DirectoryRole", simtenant.RoleUserAdmin)
	path := policies + "roleManagementPolicies/" + tie["policyId"].(string) + "/rules/"
	rule := ruleOf(tie, "Expiration_EndUser_Assignment")
	rule["maximumDuration"] = "PT30M"
	require.Equal(t, http.StatusNoContent, w.graph(admin, "PATCH", path+"Expiration_EndUser_Assignment", rule).Status)
	require.Equal(t, "PT30M", w.graph(admin, "GET", path+"Expiration_EndUser_Assignment", nil).at("maximumDuration"))
	r := w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleUserAdmin), writeAssignments)
	require.Contains(t, r.message(), "ExpirationRule")

	// The same settings count in a part of the directory.
	unit := w.AddAdministrativeUnit("Nordics")
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: unit, Role: simtenant.RoleUserAdmin, Principal: w.bob})
	r = w.graph(w.bob, "POST", assignRole, ask("selfActivate", w.bob, simtenant.RoleUserAdmin).with("directoryScopeId", unit), writeAssignments)
	require.Contains(t, r.message(), "ExpirationRule")

	for name, tt := range map[string]struct {
		path string
		body any
		want int
	}{
		"no type":             {path + "Expiration_EndUser_Assignment", map[string]any{"maximumDuration": "PT1H"}, 400},
		"the wrong type":      {path + "Expiration_EndUser_Assignment", ruleOf(tie, "Enablement_EndUser_Assignment"), 400},
		"the id of another":   {path + "Expiration_Admin_Assignment", rule, 400},
		"longer than a day":   {path + "Expiration_EndUser_Assignment", map[string]any{"@odata.type": rule["@odata.type"], "maximumDuration": "PT25H"}, 400},
		"a rule it has not":   {path + "Expiration_Nobody", rule, 404},
		"a policy never made": {strings.Replace(path, tie["policyId"].(string), "DirectoryRole_"+w.ID()+"_"+uuid.NewString(), 1) + "Expiration_EndUser_Assignment", rule, 404},
	} {
		require.Equal(t, tt.want, w.graph(admin, "PATCH", tt.path, tt.body).Status, name)
	}
	require.Equal(t, 403, w.graph(w.reader("RoleManagementPolicy.Read.Directory"), "PATCH", path+"Expiration_EndUser_Assignment", rule).Status)
	require.Equal(t, 403, w.graph(w.reader(writeAssignments), "GET", path+"Expiration_EndUser_Assignment", nil).Status)
	require.Equal(t, 403, w.graph(w.alice, "PATCH", path+"Expiration_EndUser_Assignment", rule, "RoleManagementPolicy.ReadWrite.Directory").Status)
}

func TestApproversAndTheirMailsChangeTogether(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	approvers := w.AddGroup(simtenant.Group{Name: "Approvers", Members: []string{w.bob}})
	tie := func() map[string]any { return w.policyOf(admin, group, "Group", "member") }
	mails := ruleOf(tie(), "Notification_Approver_EndUser_Assignment")
	mails["notificationRecipients"] = []string{"desk@contoso.example"}
	path := func() string { return policies + "roleManagementPolicies/" + tie()["policyId"].(string) }
	old := path()
	require.Equal(t, 204, w.graph(admin, "PATCH", old+"/rules/Notification_Approver_EndUser_Assignment", mails).Status)
	require.Equal(t, 404, w.graph(admin, "GET", old, nil).Status, "the change brought the group under PIM")

	rule := ruleOf(tie(), "Approval_EndUser_Assignment")
	setting := rule["setting"].(map[string]any)
	setting["isApprovalRequired"] = true
	stage := setting["approvalStages"].([]any)[0].(map[string]any)
	stage["primaryApprovers"] = []any{
		map[string]any{"@odata.type": "#microsoft.graph.groupMembers", "groupId": approvers},
		map[string]any{"@odata.type": "#microsoft.graph.singleUser", "userId": w.carol},
	}
	refused(w.graph(admin, "PATCH", path()+"/rules/Approval_EndUser_Assignment", rule), "ActivationCustomApproversNotEmpty")
	mails["notificationRecipients"] = []string{}
	require.Equal(t, 204, w.graph(admin, "PATCH", path(), map[string]any{"rules": []any{rule, mails}}).Status)

	got := ruleOf(tie(), "Approval_EndUser_Assignment")["setting"].(map[string]any)["approvalStages"].([]any)[0].(map[string]any)["primaryApprovers"].([]any)
	require.Len(t, got, 2)
	require.Equal(t, approvers, got[0].(map[string]any)["groupId"])
	require.Equal(t, w.carol, got[1].(map[string]any)["userId"])

	stage["primaryApprovers"] = []any{map[string]any{"@odata.type": "#microsoft.graph.singleUser", "userId": approvers}}
	refused(w.graph(admin, "PATCH", path()+"/rules/Approval_EndUser_Assignment", rule), "InvalidPolicy")
	mfa := ruleOf(tie(), "Enablement_EndUser_Assignment")
	context := ruleOf(tie(), "AuthenticationContext_EndUser_Assignment")
	context["isEnabled"], context["claimValue"] = true, "c1"
	refused(w.graph(admin, "PATCH", path(), map[string]any{"rules": []any{context, mfa}}), "InvalidPolicy")
	mfa["enabledRules"] = []string{"Ticketing"}
	require.Equal(t, 204, w.graph(admin, "PATCH", path(), map[string]any{"rules": []any{context, mfa}}).Status)
}

// Graph knows one approver more: the manager of whoever asks. Nobody here has one, so
// that nobody decides, not even who would if no approver were named.
func TestAnApprovalByTheManagerIsKeptAsItWasSent(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	tie := func() map[string]any { return w.policyOf(admin, "/", "DirectoryRole", simtenant.RoleUserAdmin) }
	rule := ruleOf(tie(), "Approval_EndUser_Assignment")
	setting := rule["setting"].(map[string]any)
	setting["isApprovalRequired"], setting["isApprovalRequiredForExtension"], setting["isRequestorJustificationRequired"] = true, true, false
	stage := setting["approvalStages"].([]any)[0].(map[string]any)
	stage["isEscalationEnabled"], stage["escalationTimeInMinutes"] = true, float64(90)
	stage["primaryApprovers"] = []any{map[string]any{"@odata.type": "#microsoft.graph.requestorManager", "managerLevel": float64(2)}}
	stage["escalationApprovers"] = []any{map[string]any{"@odata.type": "#microsoft.graph.singleUser", "userId": w.carol, "description": "deputy"}}
	path := policies + "roleManagementPolicies/" + tie()["policyId"].(string) + "/rules/Approval_EndUser_Assignment"
	require.Equal(t, 204, w.graph(admin, "PATCH", path, rule).Status)
	require.Equal(t, setting, ruleOf(tie(), "Approval_EndUser_Assignment")["setting"])

	boss := w.AddUser(simtenant.User{Name: "Boss"})
	w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleGlobalAdmin, Principal: boss})
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice})
	r := made(w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleUserAdmin), writeAssignments))
	require.Equal(t, "PendingApproval", r["status"])
	require.Empty(t, w.follow(boss, assignRole+"/filterByCurrentUser(on='approver')", writeAssignments))
}

func TestFutureValuesDoNotHideWhatIsKnown(t *testing.T) {
	w := newWorld(t, simtenant.Options{FutureValues: true})
	tie := w.policyOf(w.admin(), "/", "DirectoryRole", simtenant.RoleUserAdmin)
	require.Len(t, tie["policy"].(map[string]any)["rules"], 18)
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice})
	schedule := w.follow(w.admin(), roles+"roleEligibilitySchedules")[0]
	require.NotEqual(t, "Provisioned", schedule["status"])
	require.Equal(t, "noExpiration", schedule["scheduleInfo"].(map[string]any)["expiration"].(map[string]any)["type"])
}
