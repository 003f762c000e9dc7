package pim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

func getARM() turn {
	return turn{
		call:   "GET " + armPolicyID + "?api-version=2020-10-01",
		answer: `{"id":"` + armPolicyID + `","properties":{"rules":` + rulesJSON(pim.Azure) + `,"effectiveRules":[]}}`,
	}
}

func patchARM(rules ...string) turn {
	return turn{
		call:   "PATCH " + armPolicyID + "?api-version=2020-10-01",
		body:   `{"properties":{"rules":[` + strings.Join(rules, ",") + `]}}`,
		answer: `{"id":"` + strings.Replace(armPolicyID, policyGUID, request, 1) + `","properties":{"rules":[]}}`,
	}
}

// A rule goes back whole: what we do not model must come back as it was.
func TestAnUnchangedRuleGoesBackAsItCame(t *testing.T) {
	for i, raw := range ruleJSON(pim.Azure) {
		c := play(t, readARM(), readARM(), getARM(), patchARM(raw))
		p, err := c.Policy(t.Context(), scope(t, pim.Azure, subPath), pim.Role{ID: contributor})
		require.NoError(t, err)
		_, err = c.UpdatePolicy(t.Context(), p, p.Rules[i])
		require.NoError(t, err)
	}
	for i, raw := range ruleJSON(pim.Directory) {
		patch := turn{call: "PATCH /v1.0/policies/roleManagementPolicies/" + dirPolicyID, body: `{"rules":` + rulesJSON(pim.Directory) + `}`, status: http.StatusNoContent}
		p := readPolicy(t, readDirectory(), scope(t, pim.Directory, "/"), reader)
		if p.Rules[i].Type != "ApprovalRule" {
			patch.call, patch.body = patch.call+"/rules/"+p.Rules[i].ID, raw
		}
		_, err := play(t, readDirectory(), patch).UpdatePolicy(t.Context(), p, p.Rules[i])
		require.NoError(t, err)
	}
}

// A bound in months is read shorter than it may be, and must not be written so.
func TestABoundThatNobodyChangedKeepsItsWords(t *testing.T) {
	months := func(s string) string { return strings.Replace(s, "PT2H30M", "P3M", 1) }
	read, get, patch := readARM(), getARM(), patchARM(strings.Replace(months(ruleJSON(pim.Azure)[0]), `"isExpirationRequired":true`, `"isExpirationRequired":false`, 1))
	read.answer, get.answer = months(read.answer), months(get.answer)
	p := readPolicy(t, read, scope(t, pim.Azure, subPath), contributor)
	p.Rules[0].Expiration.Required = false
	_, err := play(t, read, get, patch).UpdatePolicy(t.Context(), p, p.Rules[0], p.Rules[0])
	require.NoError(t, err)
}

func readPolicy(t *testing.T, read turn, s pim.Scope, role string) pim.Policy {
	t.Helper()
	p, err := play(t, read).Policy(t.Context(), s, pim.Role{ID: role})
	require.NoError(t, err)
	return p
}

func TestChangedRulesAreSentWholeAndTogether(t *testing.T) {
	rules := ruleJSON(pim.Azure)
	p := readPolicy(t, readARM(), scope(t, pim.Azure, subPath), contributor)
	longest, enabled, approval, contextual, mail := p.Rules[0], p.Rules[1], p.Rules[2], p.Rules[3], p.Rules[4]
	longest.Expiration.Most = hours(4)
	enabled.Enabled = nil
	approval.Approval.Approvers = []pim.Approver{{ID: strings.ToUpper(crew), Group: true}, {ID: alice}}
	contextual.AuthContext.Enabled = false
	mail.Notification.Recipients = nil
	c := play(t, readARM(), getARM(), patchARM(
		strings.Replace(rules[0], "PT2H30M", "PT4H", 1),
		strings.Replace(rules[1], `["MultiFactorAuthentication","Justification"]`, `[]`, 1),
		strings.Replace(rules[2], `"userType":"Group"}`, `"userType":"Group"},{"id":"`+alice+`","description":"","isBackup":false,"userType":"User"}`, 1),
		strings.Replace(rules[3], `"isEnabled":true`, `"isEnabled":false`, 1),
		strings.Replace(rules[4], `["ops@contoso.example"]`, `[]`, 1),
	))
	got, err := c.UpdatePolicy(t.Context(), p, longest, enabled, approval, contextual, mail)
	require.NoError(t, err)
	require.Equal(t, hours(4), got.MaxActivation())
	require.Equal(t, strings.Replace(armPolicyID, policyGUID, request, 1), got.ID, "an update gives the policy another id")
}

func TestApproversAreSentAsEachServiceNamesThem(t *testing.T) {
	rules := ruleJSON(pim.Directory)
	p := readPolicy(t, readDirectory(), scope(t, pim.Directory, "/"), reader)
	approval := p.Rules[2]
	approval.Approval.Approvers = []pim.Approver{{ID: alice}, {ID: bob, Group: true}}
	was := `{"@odata.type":"#microsoft.graph.groupMembers","groupId":"` + crew + `","isBackup":false,"description":"The Team"}`
	rules[2] = strings.Replace(rules[2], was, `{"@odata.type":"#microsoft.graph.singleUser","userId":"`+alice+`"},{"@odata.type":"#microsoft.graph.groupMembers","groupId":"`+bob+`"}`, 1)
	c := play(t, readDirectory(), turn{
		call: "PATCH /v1.0/policies/roleManagementPolicies/" + dirPolicyID, body: `{"rules":[` + strings.Join(rules, ",") + `]}`, status: http.StatusNoContent,
	})
	got, err := c.UpdatePolicy(t.Context(), p, approval)
	require.NoError(t, err)
	require.ElementsMatch(t, approval.Approval.Approvers, got.Rules[2].Approval.Approvers)
}

func TestUpdatesThatMustNotBeSent(t *testing.T) {
	p := readPolicy(t, readARM(), scope(t, pim.Azure, subPath), contributor)
	stale := p
	stale.ID = strings.Replace(p.ID, policyGUID, request, 1)
	nobody := p.Rules[2]
	nobody.Approval = &pim.PolicyApproval{Required: true, Approvers: []pim.Approver{{ID: "the boss"}}}
	for _, tt := range []struct {
		name string
		p    pim.Policy
		rule pim.PolicyRule
		want pim.Code
	}{
		{"the policy has changed since it was read", stale, p.Rules[0], pim.CodeConflict},
		{"a rule that the policy does not have", p, pim.PolicyRule{ID: "Expiration_Of_Milk"}, pim.CodeInvalid},
		{"an approver without an object id", p, nobody, pim.CodeInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := play(t, readARM(), getARM()).UpdatePolicy(t.Context(), tt.p, tt.rule)
			require.Equal(t, tt.want, pim.CodeOf(err))
		})
	}
}

func TestAPolicyIdFromElsewhereIsNotFollowed(t *testing.T) {
	for _, id := range []string{"https://evil.example" + armPolicyID, subPath + "/../x" + rbac + "roleManagementPolicies/" + policyGUID, subPath + rbac + "roleManagementPolicies/x", "", "/"} {
		read := readARM()
		read.answer = `{"value":[{"properties":{"scope":"` + subPath + `","roleDefinitionId":"` + contributor + `","policyId":"` + id + `","effectiveRules":[]}}]}`
		_, err := play(t, read).Policy(t.Context(), scope(t, pim.Azure, subPath), pim.Role{ID: contributor})
		require.Equal(t, pim.CodeInternal, pim.CodeOf(err), id)
	}
}
