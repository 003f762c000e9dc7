package pim_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

const (
	contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"
	policyGUID  = "90110000-0000-4000-8000-000000000007"
	armPolicyID = subPath + rbac + "roleManagementPolicies/" + policyGUID
	dirPolicyID = "DirectoryRole_" + bob + "_" + policyGUID
)

// ruleJSON is one rule of each type, with fields that we do not model.
func ruleJSON(p pim.Plane) []string {
	typed := func(suffix string) string {
		if p == pim.Azure {
			return `"ruleType":"RoleManagementPolicy` + suffix + `"`
		}
		return `"@odata.type":"#microsoft.graph.unifiedRoleManagementPolicy` + suffix + `"`
	}
	approver := `{"@odata.type":"#microsoft.graph.groupMembers","groupId":"` + crew + `","isBackup":false,"description":"The Team"}`
	if p == pim.Azure {
		approver = `{"id":"` + crew + `","description":"The Team","isBackup":false,"userType":"Group"}`
	}
	target := `"target":{"caller":"EndUser","operations":["All"],"level":"Assignment","targetObjects":null,"inheritableSettings":null,"enforcedSettings":null}`
	return []string{
		`{"id":"Expiration_EndUser_Assignment",` + typed("ExpirationRule") + `,"isExpirationRequired":true,"maximumDuration":"PT2H30M",` + target + `}`,
		`{"id":"Enablement_EndUser_Assignment",` + typed("EnablementRule") + `,"enabledRules":["MultiFactorAuthentication","Justification"],` + target + `}`,
		`{"id":"Approval_EndUser_Assignment",` + typed("ApprovalRule") + `,"setting":{"isApprovalRequired":true,"isApprovalRequiredForExtension":false,
		  "isRequestorJustificationRequired":true,"approvalMode":"SingleStage","approvalStages":[{"approvalStageTimeOutInDays":3,"isApproverJustificationRequired":true,
		  "escalationTimeInMinutes":0,"primaryApprovers":[` + approver + `],"isEscalationEnabled":false,"escalationApprovers":null}]},` + target + `}`,
		`{"id":"AuthenticationContext_EndUser_Assignment",` + typed("AuthenticationContextRule") + `,"isEnabled":true,"claimValue":"c3",` + target + `}`,
		`{"id":"Notification_Admin_EndUser_Assignment",` + typed("NotificationRule") + `,"notificationType":"Email","recipientType":"Admin",
		  "notificationLevel":"Critical","isDefaultRecipientsEnabled":false,"notificationRecipients":["ops@contoso.example"],` + target + `}`,
		`{"id":"Future_Rule",` + typed("PIMOnlyModeRule") + `,"mode":"strict",` + target + `}`,
	}
}

func rulesJSON(p pim.Plane) string { return "[" + strings.Join(ruleJSON(p), ",") + "]" }

// readARM, readDirectory and readGroup are the calls by which a policy is read.
func readARM() turn {
	role := subPath + rbac + "roleDefinitions/" + contributor
	return turn{
		call: "GET " + subPath + rbac + "roleManagementPolicyAssignments?$filter=roleDefinitionId eq '" + role + "'&api-version=2020-10-01",
		answer: `{"value":[
			{"properties":{"scope":"/subscriptions/` + bob + `","roleDefinitionId":"` + role + `","policyId":"another scope's","effectiveRules":[]}},
			{"properties":{"scope":"` + subPath + `","roleDefinitionId":"` + strings.Replace(role, contributor, reader, 1) + `","policyId":"another role's","effectiveRules":[]}},
			{"properties":{"scope":"` + strings.ToUpper(subPath) + `","roleDefinitionId":"` + strings.ToUpper(role) + `","policyId":"` + armPolicyID + `","effectiveRules":` + rulesJSON(pim.Azure) + `}}]}`,
	}
}

func readDirectory() turn {
	return turn{
		call: "GET /v1.0/policies/roleManagementPolicyAssignments?$expand=policy($expand=rules)&$filter=scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '" + reader + "'",
		answer: `{"value":[{"policyId":"` + dirPolicyID + `","scopeId":"/","scopeType":"DirectoryRole","roleDefinitionId":"` + reader + `",
			"policy":{"rules":` + rulesJSON(pim.Directory) + `}}]}`,
	}
}

func readGroup(name string) turn {
	return turn{
		call: "GET /v1.0/policies/roleManagementPolicyAssignments?$expand=policy($expand=rules)&$filter=scopeId eq '" + crew + "' and scopeType eq 'Group' and roleDefinitionId eq 'member'",
		answer: `{"value":[{"policyId":"Group_` + crew + `_` + name + `","scopeId":"` + crew + `","scopeType":"Group","roleDefinitionId":"member",
			"policy":{"rules":` + rulesJSON(pim.Group) + `}}]}`,
	}
}

func TestPoliciesOfAllPlanesReadAlike(t *testing.T) {
	for _, tt := range []struct {
		scope pim.Scope
		role  string
		turn  turn
		id    string
	}{
		{scope(t, pim.Azure, subPath), contributor, readARM(), armPolicyID},
		{scope(t, pim.Directory, "/"), reader, readDirectory(), dirPolicyID},
		{scope(t, pim.Group, crew), "member", readGroup(policyGUID), "Group_" + crew + "_" + policyGUID},
	} {
		t.Run(string(tt.scope.Plane()), func(t *testing.T) {
			p, err := play(t, tt.turn).Policy(t.Context(), tt.scope, pim.Role{ID: tt.role})
			require.NoError(t, err)
			require.Equal(t, tt.id, p.ID)
			require.Equal(t, hours(5)/2, p.MaxActivation())
			require.True(t, p.NeedsMFA())
			require.True(t, p.NeedsJustification())
			require.False(t, p.NeedsTicket())
			require.True(t, p.NeedsApproval())
			require.Equal(t, "c3", p.NeedsContext())
			require.Equal(t, []pim.Approver{{ID: crew, Group: true}}, p.Rules[2].Approval.Approvers)
			require.Equal(t, &pim.PolicyNotice{Recipient: "Admin", Level: "Critical", Recipients: []string{"ops@contoso.example"}}, p.Rules[4].Notification)
			require.Equal(t, "PIMOnlyModeRule", p.Rules[5].Type, "a rule of tomorrow is listed by its name")
		})
	}
}

func TestAPolicyIsRememberedForFiveMinutesAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := play(t, readDirectory(), readDirectory())
		read := func(s string) pim.Policy {
			p, err := c.Policy(t.Context(), scope(t, pim.Directory, s), pim.Role{ID: reader})
			require.NoError(t, err)
			return p
		}
		read("/").Rules[0].Expiration.Most = hours(1000) // the caller's copy alone
		time.Sleep(5*time.Minute - time.Second)
		require.Equal(t, hours(5)/2, read("/administrativeUnits/"+crew).MaxActivation(), "a unit has no policy of its own")
		time.Sleep(2 * time.Second)
		read("/")
	})
}

// The first request brings a group under PIM, and gives it other policies.
func TestTheFirstRequestForAGroupForgetsItsPolicy(t *testing.T) {
	c := play(t, readGroup(policyGUID),
		turn{call: "POST " + groupRequests, status: http.StatusCreated,
			body:   `{"action":"adminRemove","principalId":"` + alice + `","groupId":"` + crew + `","accessId":"member"}`,
			answer: `{"id":"` + request + `","groupId":"` + crew + `"}`},
		readGroup(request))
	read := func() string {
		p, err := c.Policy(t.Context(), scope(t, pim.Group, crew), pim.Role{ID: "member"})
		require.NoError(t, err)
		return p.ID
	}
	before := read()
	_, err := c.Submit(t.Context(), pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminRemove, Access: groupAccess(t)})
	require.NoError(t, err)
	require.NotEqual(t, before, read())
}

func TestAPolicyThatIsNotThereIsNotFoundAndNotRemembered(t *testing.T) {
	none := readARM()
	none.answer = `{"value":[]}`
	c := play(t, none, none)
	for range 2 {
		_, err := c.Policy(t.Context(), scope(t, pim.Azure, subPath), pim.Role{ID: contributor})
		require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
	}
}

func TestBoundsAreNeverReadAsLongerThanTheyAre(t *testing.T) {
	for text, want := range map[string]pim.Duration{
		`"PT0S"`: hours(8), `null`: hours(8), `"PT30M"`: hours(1) / 2, `"P1M"`: hours(28 * 24), `"P1Y"`: hours(365 * 24),
		`"P2W"`: hours(14 * 24), `"P99999Y"`: pim.MaxDuration,
	} {
		read := readDirectory()
		read.answer = strings.Replace(read.answer, `"PT2H30M"`, text, 1)
		p, err := play(t, read).Policy(t.Context(), scope(t, pim.Directory, "/"), pim.Role{ID: reader})
		require.NoError(t, err)
		require.Equal(t, want, p.MaxActivation(), text)
	}
	read := readDirectory()
	read.answer = strings.Replace(read.answer, `"PT2H30M"`, `"forever"`, 1)
	_, err := play(t, read).Policy(t.Context(), scope(t, pim.Directory, "/"), pim.Role{ID: reader})
	require.Equal(t, pim.CodeInternal, pim.CodeOf(err), "unknown means no")
}

func TestThePolicyOfASimulatedSubscription(t *testing.T) {
	w := simulate(t, simtenant.Options{})
	w.AddSubscription(subID, "Payments", w.AddManagementGroup("prod", ""))
	app := w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "pim"})
	w.Assign(simtenant.Grant{Scope: subPath, Role: "Owner", Principal: app})
	w.AddUser(simtenant.User{ID: alice, Name: "Alice"})
	c := clientOf(t, w.Transport(), w.Credential(app))
	p, err := c.Policy(t.Context(), scope(t, pim.Azure, subPath), pim.Role{ID: contributor})
	require.NoError(t, err)
	require.Len(t, p.Rules, 17)
	require.Equal(t, hours(8), p.MaxActivation())
	require.False(t, p.NeedsApproval())

	approval, longest := rule(t, p, "Approval_EndUser_Assignment"), rule(t, p, "Expiration_EndUser_Assignment")
	approval.Approval.Required, approval.Approval.Approvers = true, []pim.Approver{{ID: alice}}
	longest.Expiration.Most = hours(2)
	updated, err := c.UpdatePolicy(t.Context(), p, approval, longest)
	require.NoError(t, err)
	again, err := c.Policy(t.Context(), p.Scope, p.Role)
	require.NoError(t, err)
	require.Equal(t, updated.ID, again.ID)
	require.True(t, again.NeedsApproval())
	require.Equal(t, []pim.Approver{{ID: alice}}, rule(t, again, approval.ID).Approval.Approvers)
	require.Equal(t, hours(2), again.MaxActivation())
	require.Equal(t, p.MaxEligible(), again.MaxEligible())
}

func rule(t *testing.T, p pim.Policy, id string) pim.PolicyRule {
	t.Helper()
	for _, r := range p.Rules {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("no rule %s", id)
	return pim.PolicyRule{}
}
