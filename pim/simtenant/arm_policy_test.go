package simtenant_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

// policyID finds the policy of Contributor at a scope as clients do.
func (w *world) policyID(token, scope string) string {
	w.t.Helper()
	role := subscription + rbac + "roleDefinitions/" + simtenant.RoleContributor
	r := w.arm(token, "GET", scope+rbac+"roleManagementPolicyAssignments?$filter="+url.QueryEscape("roleDefinitionId eq '"+role+"'"), nil)
	require.Equal(w.t, http.StatusOK, r.Status, "%s", r.Body)
	require.Len(w.t, r.values(), 1)
	return r.values()[0].(map[string]any)["properties"].(map[string]any)["policyId"].(string)
}

func patch(rules ...any) any { return map[string]any{"properties": map[string]any{"rules": rules}} }

// rule is a rule of a kind with its target, which its id tells.
func rule(id, kind string, members map[string]any) any {
	parts := strings.Split("__"+id, "_")
	r := map[string]any{"id": id, "ruleType": "RoleManagementPolicy" + kind, "target": map[string]any{
		"caller": parts[len(parts)-2], "operations": []string{"All"}, "level": parts[len(parts)-1],
		"targetObjects": nil, "inheritableSettings": nil, "enforcedSettings": nil,
	}}
	maps.Copy(r, members)
	return r
}

func enablement(id string, rules ...string) any {
	return rule(id, "EnablementRule", map[string]any{"enabledRules": rules})
}

func expiration(id, longest string) any {
	return rule(id, "ExpirationRule", map[string]any{"isExpirationRequired": true, "maximumDuration": longest})
}

func approval(required bool, approvers ...any) any {
	return rule("Approval_EndUser_Assignment", "ApprovalRule", map[string]any{"setting": map[string]any{
		"isApprovalRequired": required, "approvalMode": "SingleStage", "approvalStages": []any{map[string]any{
			"approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": true, "primaryApprovers": approvers}}}})
}

func TestPatchedRulesBindTheNextRequestAndOnlyAtTheirScope(t *testing.T) {
	w := newWorld(t)
	token := w.armToken(w.app)
	r := w.arm(token, "PATCH", w.policyID(token, subscription), patch(expiration("Expiration_Admin_Assignment", "PT30M")))
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.Len(t, r.at("properties", "rules"), 17)
	require.Contains(t, w.put(token, subscription, assign, newProps("AdminAssign", w.alice, subscription)).message(), "ExpirationRule")
	require.Equal(t, http.StatusCreated, w.put(token, w.rg, assign, newProps("AdminAssign", w.alice, w.rg)).Status, "a resource group has a policy of its own")
}

func TestAPolicyIsFoundByRoleAgainAfterEachChange(t *testing.T) {
	w := newWorld(t)
	token := w.armToken(w.app)
	before := w.policyID(token, subscription)
	w.arm(token, "PATCH", before, patch(enablement("Enablement_EndUser_Assignment", "Justification")))
	require.Equal(t, http.StatusNotFound, w.arm(token, "GET", before, nil).Status)
	require.NotEqual(t, before, w.policyID(token, subscription))
}

func TestBadRulesChangeNothing(t *testing.T) {
	w := newWorld(t)
	token := w.armToken(w.app)
	id := w.policyID(token, subscription)
	user := func(id, kind string) any { return map[string]any{"id": id, "userType": kind} }
	context := rule("AuthenticationContext_EndUser_Assignment", "AuthenticationContextRule", map[string]any{"isEnabled": true, "claimValue": "c1"})
	aimless := rule("Expiration_Admin_Assignment", "ExpirationRule", map[string]any{"maximumDuration": "P1D", "target": nil})
	astray := rule("Expiration_Admin_Assignment", "ExpirationRule", map[string]any{"maximumDuration": "P1D", "target": map[string]any{"caller": "EndUser", "level": "Assignment"}})
	strange := rule("Approval_EndUser_Assignment", "ApprovalRule", map[string]any{"setting": map[string]any{"approvalMode": "Lottery"}})
	for name, body := range map[string]any{
		"an unknown rule":                patch(enablement("Enablement_EndUser_Eligibility", "Justification")),
		"the wrong type":                 patch(rule("Expiration_Admin_Assignment", "EnablementRule", nil)),
		"a rule without its target":      patch(aimless),
		"the target of another rule":     patch(astray),
		"a mode that there is not":       patch(strange),
		"an activation of two days":      patch(expiration("Expiration_EndUser_Assignment", "PT48H")),
		"no duration":                    patch(expiration("Expiration_Admin_Assignment", "")),
		"an unknown requirement":         patch(enablement("Enablement_EndUser_Assignment", "Captcha")),
		"an approver of the wrong type":  patch(approval(true, user(w.bob, "Group"))),
		"an approver nobody knows":       patch(approval(true, user(subscriptionID, "User"))),
		"a second factor and a context":  patch(context),
		"one good rule and one bad rule": patch(expiration("Expiration_Admin_Assignment", "P1D"), enablement("x")),
	} {
		r := w.arm(token, "PATCH", id, body)
		require.Equal(t, http.StatusBadRequest, r.Status, name)
		require.Equal(t, "InvalidPolicy", r.code(), name)
	}
	require.Equal(t, http.StatusOK, w.arm(token, "GET", id, nil).Status, "it still has its id")
	r := w.arm(w.armToken(w.carol), "PATCH", id, patch(expiration("Expiration_Admin_Assignment", "P1D")))
	require.Equal(t, http.StatusForbidden, r.Status, "a reader cannot")
}

// What nothing enforces is kept too: a rule is what was sent, whole.
func TestAnApprovalRuleIsKeptAsItWasSent(t *testing.T) {
	w := newWorld(t)
	token := w.armToken(w.app)
	setting := map[string]any{
		"isApprovalRequired": true, "isApprovalRequiredForExtension": true, "isRequestorJustificationRequired": false, "approvalMode": "Serial",
		"approvalStages": []any{map[string]any{
			"approvalStageTimeOutInDays": 3, "isApproverJustificationRequired": false, "escalationTimeInMinutes": 60, "isEscalationEnabled": true,
			"primaryApprovers":    []any{map[string]any{"id": w.bob, "userType": "User", "isBackup": true, "description": "boss"}},
			"escalationApprovers": []any{map[string]any{"id": w.alice, "userType": "User", "isBackup": false, "description": "deputy"}},
		}},
	}
	want, err := json.Marshal(setting)
	require.NoError(t, err)
	kept := func() string {
		for _, r := range w.arm(token, "GET", w.policyID(token, subscription), nil).at("properties", "rules").([]any) {
			if r := r.(map[string]any); r["id"] == "Approval_EndUser_Assignment" {
				b, err := json.Marshal(r["setting"])
				require.NoError(t, err)
				return string(b)
			}
		}
		return ""
	}
	r := w.arm(token, "PATCH", w.policyID(token, subscription), patch(rule("Approval_EndUser_Assignment", "ApprovalRule", map[string]any{"setting": setting})))
	require.Equal(t, http.StatusOK, r.Status, "%s", r.Body)
	require.JSONEq(t, string(want), kept())

	require.Equal(t, http.StatusOK, w.arm(token, "PATCH", w.policyID(token, subscription), patch(approval(true, map[string]any{"id": w.bob, "userType": "User"}))).Status)
	require.NotContains(t, kept(), w.alice, "what was left out is gone")
	require.Contains(t, kept(), `"isRequestorJustificationRequired":false`)
}

func TestApproversClashWithNotificationRecipientsOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	token := w.armToken(w.app)
	notification := func(recipients ...string) any {
		return rule("Notification_Approver_EndUser_Assignment", "NotificationRule", map[string]any{
			"notificationType": "Email", "recipientType": "Approver", "notificationLevel": "All",
			"isDefaultRecipientsEnabled": true, "notificationRecipients": recipients})
	}
	bob := map[string]any{"id": w.bob, "userType": "User"}
	require.Equal(t, http.StatusOK, w.arm(token, "PATCH", w.policyID(token, subscription), patch(notification("x@contoso.example"))).Status)
	r := w.arm(token, "PATCH", w.policyID(token, subscription), patch(approval(true, bob)))
	require.Equal(t, "ActivationCustomApproversNotEmpty", r.code())
	r = w.arm(token, "PATCH", w.policyID(token, subscription), patch(approval(true, bob), notification()))
	require.Equal(t, http.StatusOK, r.Status, "one patch with both repairs it: %s", r.Body)
}

func TestAnAdministratorsSecondFactorIsOutOfAnApplicationsReach(t *testing.T) {
	w := newWorld(t)
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) {
		p.RequireOnAssignment(simtenant.RequireMFA, simtenant.RequireJustification)
	})
	r := w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.alice, subscription))
	require.Contains(t, r.message(), "MfaRule")
	require.Equal(t, http.StatusCreated, w.put(w.armToken(w.app), subscription, eligible, newProps("AdminAssign", w.alice, subscription)).Status,
		"the rules for eligibilities are others")
}

func TestAMaximumOfNothingLetsNothingPass(t *testing.T) {
	w := newWorld(t)
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.AssignmentExpiration.Maximum = "PT0S" })
	p := newProps("AdminAssign", w.alice, subscription)
	require.Contains(t, w.put(w.armToken(w.app), subscription, assign, p).message(), "ExpirationRule")
	w.UpdatePolicy(simtenant.PlaneAzure, subscription, "Contributor", func(p *simtenant.Policy) { p.AllowPermanent(simtenant.Assignment) })
	p = p.with("scheduleInfo", map[string]any{"expiration": map[string]any{"type": "NoExpiration"}})
	require.Contains(t, w.put(w.armToken(w.app), subscription, assign, p).message(), "ExpirationRule")
}

func TestFutureValuesAppearWhereReadersMustBearThem(t *testing.T) {
	w := newWorld(t, simtenant.Options{FutureValues: true})
	token := w.armToken(w.app)
	require.Len(t, w.arm(token, "GET", w.policyID(token, subscription), nil).at("properties", "rules"), 18)
	one := w.list(token, subscription+rbac+"roleAssignmentScheduleInstances", "")[0]["properties"].(map[string]any)
	require.Equal(t, "AcceptedForReview", one["status"])
	require.Contains(t, one, "resourceVersion")
}
