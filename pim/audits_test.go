package pim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

func TestAuditsAreThoseOfPIM(t *testing.T) {
	from := time.Date(2026, 3, 1, 10, 0, 0, 0, time.FixedZone("", 3600))
	path := "GET /v1.0/auditLogs/directoryAudits?$filter=loggedByService eq 'PIM'"
	for _, tt := range []struct {
		name   string
		q      pim.AuditQuery
		filter string
	}{
		{"all", pim.AuditQuery{}, ""},
		{"a time, in UTC", pim.AuditQuery{From: from, To: from.Add(time.Hour)}, " and activityDateTime ge 2026-03-01T09:00:00Z and activityDateTime le 2026-03-01T10:00:00Z"},
		{"about somebody", pim.AuditQuery{Principal: alice}, " and targetResources/any(t:t/id eq '" + alice + "')"},
		{"by somebody", pim.AuditQuery{By: bob}, " and initiatedBy/user/id eq '" + bob + "'"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := play(t, turn{call: path + tt.filter + "&$top=500", answer: `{"value":[{"id":"PIM_1","category":"RoleManagement","loggedByService":"PIM",
				"activityDisplayName":"Add member to role in PIM completed (timebound)","activityDateTime":"2026-03-01T09:00:00.1234567Z","result":"success",
				"initiatedBy":{"user":null,"app":{"appId":null,"displayName":"pim","servicePrincipalId":"` + bob + `"}},
				"targetResources":[{"id":"` + alice + `","displayName":null,"type":"User","userPrincipalName":"alice@contoso.example","modifiedProperties":[]}],
				"additionalDetails":[{"key":"RoleDefinitionOriginType","value":"BuiltInRole"}]}]}`})
			require.Equal(t, []pim.AuditEvent{{
				ID: "PIM_1", Category: "RoleManagement", Service: "PIM", Activity: "Add member to role in PIM completed (timebound)",
				Time: time.Date(2026, 3, 1, 9, 0, 0, 123456700, time.UTC), Result: "success", By: pim.AuditActor{ID: bob, Name: "pim"},
				Targets: []pim.AuditTarget{{ID: alice, Type: "User", UPN: "alice@contoso.example"}},
				Details: []pim.AuditDetail{{Key: "RoleDefinitionOriginType", Value: "BuiltInRole"}},
			}}, all(t, c.Audits(t.Context(), tt.q)))
		})
	}
	require.Equal(t, pim.CodeInvalid, pim.CodeOf(failure(play(t).Audits(t.Context(), pim.AuditQuery{Principal: "x' or 'a' eq 'a"}))))
}
