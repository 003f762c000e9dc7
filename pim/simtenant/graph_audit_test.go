package simtenant_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const audits = "/v1.0/auditLogs/directoryAudits"

func TestTheAuditLogIsLateAndHoldsWhatPIMDidOnAllPlanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simtenant.Options{AuditDelay: 10 * time.Minute})
		admin := w.admin()
		group := w.AddGroup(simtenant.Group{Name: "Operators"})
		w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice})
		began := time.Now().UTC().Format(time.RFC3339)
		activation := made(w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleUserAdmin), writeAssignments))
		made(w.graph(admin, "POST", joinGroup, askGroup("adminAssign", w.bob, group)))
		require.Equal(t, 201, w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.carol, subscription)).Status)

		find := func(filter string) []map[string]any { return w.follow(admin, audits+"?$filter="+filter) }
		pim := "loggedByService eq 'PIM'"
		require.Empty(t, find(pim))
		time.Sleep(10 * time.Minute)
		require.Len(t, find(pim), 6)
		require.Empty(t, find("loggedByService eq 'Core Directory'"))
		for category, n := range map[string]int{"RoleManagement": 2, "GroupManagement": 2, "ResourceManagement": 2} {
			require.Len(t, find("category eq '"+category+"'"), n, category)
		}
		require.Len(t, find(pim+" and activityDateTime ge "+began+" and activityDateTime le 2100-01-01T00:00:00Z"), 6)
		require.Empty(t, find(pim+" and activityDateTime le "+began))
		require.Len(t, find("correlationId eq '"+activation["id"].(string)+"'"), 2)
		require.Len(t, find("initiatedBy/user/id eq '"+w.alice+"'"), 2)
		require.Empty(t, find("initiatedBy/user/id eq '"+admin+"'"), "an application is no user")
		require.Len(t, find("targetResources/any(t:t/id eq '"+w.bob+"')"), 2)
		require.Len(t, find("startswith(activityDisplayName,'Add member to role completed')"), 1)
		require.Len(t, find("activityDisplayName eq 'Add member to role in PIM completed (timebound)'"), 2)

		event := find("correlationId eq '" + activation["id"].(string) + "'")[0]
		require.Equal(t, "Add member to role completed (PIM activation)", event["activityDisplayName"])
		require.Equal(t, "success", event["result"])
		require.Equal(t, "Alice", event["initiatedBy"].(map[string]any)["user"].(map[string]any)["displayName"])
		require.Equal(t, event["id"], w.graph(admin, "GET", audits+"/"+event["id"].(string), nil).at("id"))
		byApp := find("targetResources/any(t:t/id eq '" + w.bob + "')")[0]["initiatedBy"].(map[string]any)
		require.Nil(t, byApp["user"])
		require.Equal(t, admin, byApp["app"].(map[string]any)["servicePrincipalId"])

		oldest := w.follow(admin, audits+"?$orderby=activityDateTime&$top=2")
		newest := w.follow(admin, audits+"?$orderby=activityDateTime desc")
		require.Equal(t, oldest[0]["activityDateTime"], newest[5]["activityDateTime"])
		time.Sleep(2 * time.Hour)
		expired := find("activityDisplayName eq 'Remove member from role (PIM activation expired)'")
		require.Len(t, expired, 1)
		require.Equal(t, "Azure AD PIM", expired[0]["initiatedBy"].(map[string]any)["app"].(map[string]any)["displayName"])
		time.Sleep(31 * 24 * time.Hour)
		require.Empty(t, find(pim), "events are kept for thirty days")
	})
}

func TestTheAuditLogNeedsTwoPermissionsAndOfPeopleARole(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, 403, w.graph(w.reader("AuditLog.Read.All"), "GET", audits, nil).Status)
	require.Equal(t, 403, w.graph(w.reader("Directory.Read.All"), "GET", audits, nil).Status)
	require.Equal(t, 200, w.graph(w.reader("AuditLog.Read.All", "Directory.Read.All"), "GET", audits, nil).Status)
	require.Equal(t, 403, w.graph(w.alice, "GET", audits, nil, "AuditLog.Read.All", "Directory.Read.All").Status)
	w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleSecurityReader, Principal: w.alice})
	require.Equal(t, 200, w.graph(w.alice, "GET", audits, nil, "AuditLog.Read.All", "Directory.Read.All").Status)
}

func TestTheAuditLogRefusesOtherFilters(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{
		"$filter=result eq 'success'", "$filter=activityDateTime gt 2026-01-01T00:00:00Z", "$filter=activityDateTime ge yesterday",
		"$filter=targetResources/any(t:x/id eq 'a')", "$filter=category ne 'RoleManagement'",
		"$filter=category eq 'a' or category eq 'b'", "$orderby=category",
	} {
		require.Equal(t, 400, w.graph(w.admin(), "GET", audits+"?"+query, nil).Status, query)
	}
}

func TestAnApprovalIsTheDeedOfTheApproverInTheLog(t *testing.T) {
	for _, s := range approvalSurfaces {
		w := newWorld(t)
		id := s.waiting(w)
		path, _ := s.stage(w, w.bob, id)
		require.Equal(t, 204, w.graph(w.bob, "PATCH", path, decision("Approve"), s.scope).Status)
		w.Advance(5 * time.Minute)
		log := w.follow(w.admin(), audits+"?$filter=correlationId eq '"+id+"'&$orderby=activityDateTime asc")
		var said []string
		for _, e := range log {
			who := e["initiatedBy"].(map[string]any)["user"].(map[string]any)["displayName"].(string)
			said = append(said, who+": "+e["activityDisplayName"].(string))
		}
		require.ElementsMatch(t, []string{
			"Alice: Add member to role requested (PIM activation)", "Bob: Add member to role request approved (PIM activation)",
			"Alice: Add member to role completed (PIM activation)",
		}, said)
	}
}

func TestChangesOfSettingsAreInTheLog(t *testing.T) {
	w := newWorld(t)
	tie := w.policyOf(w.admin(), "/", "DirectoryRole", simtenant.RoleUserAdmin)
	rule := ruleOf(tie, "Expiration_EndUser_Assignment")
	path := policies + "roleManagementPolicies/" + tie["policyId"].(string) + "/rules/Expiration_EndUser_Assignment"
	require.Equal(t, 204, w.graph(w.admin(), "PATCH", path, rule).Status)
	w.Advance(5 * time.Minute)
	found := w.follow(w.admin(), audits+"?$filter=startswith(activityDisplayName,'Update role setting')")
	require.Len(t, found, 1)
	require.Equal(t, "Update", found[0]["operationType"])
}
