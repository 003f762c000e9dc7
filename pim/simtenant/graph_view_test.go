package simtenant_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestRelationsAreExpandedOnEveryNoun(t *testing.T) {
	w := newWorld(t, simtenant.Options{DirectoryDelay: simtenant.None})
	admin := w.admin()
	unit := w.AddAdministrativeUnit("Nordics")
	robot := w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot"})
	inUnit := made(w.graph(admin, "POST", assignRole, ask("adminAssign", w.alice, simtenant.RoleUserAdmin).with("directoryScopeId", unit)))
	made(w.graph(admin, "POST", assignRole, ask("adminAssign", w.alice, simtenant.RoleApplicationAdmin).with("directoryScopeId", "/"+robot)))
	expand := "?$expand=principal,roleDefinition,directoryScope"
	for _, noun := range []string{"ScheduleRequests", "Schedules", "ScheduleInstances"} {
		list := w.follow(admin, roles+"roleAssignment"+noun+expand)
		require.Len(t, list, 2)
		names := map[any]any{}
		for _, item := range list {
			require.Equal(t, "#microsoft.graph.user", item["principal"].(map[string]any)["@odata.type"])
			require.NotEmpty(t, item["roleDefinition"].(map[string]any)["templateId"])
			names[item["directoryScopeId"]] = item["directoryScope"].(map[string]any)["displayName"]
		}
		require.Equal(t, map[any]any{unit: "Nordics", "/" + robot: "robot"}, names)
	}
	r := w.graph(admin, "GET", assignRole+"/"+inUnit["id"].(string)+"?$expand=targetSchedule,activatedUsing&$select=status", nil)
	require.Equal(t, inUnit["id"], r.at("targetSchedule", "id"))
	require.Nil(t, r.at("activatedUsing"))
	require.Len(t, r.at(), 4, "the context, the status and what was expanded")
	w.Delete(w.alice)
	require.Nil(t, w.follow(admin, activeRoles+expand)[0]["principal"], "nobody is behind it any more")
}

// What is wrong in a query is wrong where there is nothing to show.
func TestQueriesOfEmptyListsAreReadToo(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	who := "$filter=principalId eq '" + w.outsider + "'"
	policies := "/v1.0/policies/roleManagementPolicyAssignments?$filter=scopeId eq '" + w.alice + "' and scopeType eq 'Group'"
	noGroups, noEvents := "/v1.0/groups?$filter=displayName eq 'x'", audits+"?$filter=correlationId eq 'x'"
	noRoles := roles + "roleDefinitions?$filter=displayName eq 'x'"
	own := "/filterByCurrentUser(on='principal')"
	for _, empty := range []string{policies, noGroups, noEvents, noRoles, groups + "assignmentScheduleRequests" + own + "?", activeRoles + own + "?"} {
		require.Empty(t, w.follow(admin, empty), empty)
		refused(w.graph(admin, "GET", empty+"&$select=id,nonsense", nil), "BadRequest")
		require.Empty(t, w.follow(admin, empty+"&$select=id"), empty)
	}
	for _, list := range []string{assignRole + "?" + who, roles + "roleEligibilitySchedules?" + who, groups + "assignmentScheduleInstances?" + who,
		groups + "eligibilityScheduleRequests?" + who, activeRoles + own + "?", policies} {
		require.Empty(t, w.follow(admin, list), list)
		for _, expand := range []string{"nonsense", "principal(", "principal)", "principal($select=id", "principal,", "policy(", "*"} {
			refused(w.graph(admin, "GET", list+"&$expand="+expand, nil), "BadRequest")
		}
	}
	for _, list := range []string{assignRole, activeRoles, roles + "roleEligibilitySchedules", groups + "eligibilityScheduleInstances"} {
		refused(w.graph(admin, "GET", list+own+"?$orderby=createdDateTime", nil), "InvalidFilter")
	}
	refused(w.graph(admin, "GET", groups+"assignmentScheduleRequests"+own+"?$orderby=foo", nil), "InvalidFilter")
	require.Empty(t, w.follow(admin, groups+"assignmentScheduleRequests"+own+"?$orderby=createdDateTime desc"))
}

func TestSchedulesByIDAreForTheirHoldersAndReaders(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	id := w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice})
	late := made(w.graph(admin, "POST", offerRole, ask("adminAssign", w.bob, simtenant.RoleUserAdmin)))["id"].(string)
	path := roles + "roleEligibilitySchedules/"
	scope := "RoleEligibilitySchedule.Read.Directory"
	require.Equal(t, http.StatusOK, w.graph(w.alice, "GET", path+id, nil, scope).Status)
	require.Equal(t, http.StatusForbidden, w.graph(w.bob, "GET", path+id, nil, scope).Status)
	require.Equal(t, http.StatusForbidden, w.graph(w.alice, "GET", path+id, nil).Status)
	require.Equal(t, http.StatusNotFound, w.graph(admin, "GET", path+uuid.NewString(), nil).Status)
	require.Equal(t, http.StatusNotFound, w.graph(admin, "GET", path+late, nil).Status, "not yet")
	w.Advance(12 * time.Second)
	require.Equal(t, late, w.graph(admin, "GET", path+late, nil).at("createdUsing"))
	instance := w.follow(admin, roles+"roleEligibilityScheduleInstances?$filter=principalId eq '"+w.bob+"'")[0]
	require.Regexp(t, "-1-e$", instance["id"])
	require.Equal(t, late, w.graph(admin, "GET", roles+"roleEligibilityScheduleInstances/"+instance["id"].(string), nil).at("roleEligibilityScheduleId"))
	require.Equal(t, 400, w.graph(w.alice, "GET", path+"filterByCurrentUser(on='approver')", nil, scope).Status)
	refused(w.graph(w.alice, "GET", path+"filterByCurrentUser(on='principal')?$filter=status eq 'x'", nil, scope), "InvalidFilter")
	require.Equal(t, 405, w.graph(admin, "PATCH", path+late, map[string]any{}).Status, "schedules are made by requests alone")
}

func TestApprovalsAreReadByThoseWhomTheyConcern(t *testing.T) {
	for _, s := range approvalSurfaces {
		w := newWorld(t)
		id := s.waiting(w)
		stage, _ := s.stage(w, w.bob, id)
		for _, path := range []string{s.approvals + id + "?$expand=" + s.stages, stage} {
			require.Equal(t, http.StatusOK, w.graph(w.bob, "GET", path, nil, s.scope).Status)
			require.Equal(t, http.StatusOK, w.graph(w.alice, "GET", path, nil, s.scope).Status)
			require.Equal(t, http.StatusForbidden, w.graph(w.outsider, "GET", path, nil, s.scope).Status)
			require.Equal(t, http.StatusForbidden, w.graph(w.admin(), "GET", path, nil).Status, "applications have no business there")
			require.Equal(t, http.StatusForbidden, w.graph(w.bob, "GET", path, nil).Status)
		}
		r := w.graph(w.bob, "GET", s.approvals+id, nil, s.scope)
		_, inline := r.at().(map[string]any)[s.stages]
		require.Equal(t, s.stages == "steps", inline, "steps come unasked, stages do not")
		require.Equal(t, 400, w.graph(w.bob, "GET", s.approvals+id+"?$expand=request", nil, s.scope).Status)
	}
}

func TestPoliciesAreReadWithoutTheirAssignmentsToo(t *testing.T) {
	w := newWorld(t)
	reader := w.reader("RoleManagementPolicy.Read.Directory")
	list := policies + "roleManagementPolicies"
	found := w.follow(reader, list+"?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'&$expand=rules")
	require.Len(t, found[0]["rules"], 17)
	one := w.graph(reader, "GET", list+"/"+found[0]["id"].(string)+"?$expand=effectiveRules", nil)
	require.Len(t, one.at("effectiveRules"), 17)
	require.Nil(t, one.at("lastModifiedDateTime"))
	refused(w.graph(reader, "GET", list, nil), "InvalidFilter")
	require.Equal(t, 400, w.graph(reader, "GET", list+"/"+found[0]["id"].(string)+"?$expand=assignments", nil).Status)
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	require.Equal(t, 403, w.graph(reader, "GET", list+"?$filter=scopeId eq '"+group+"' and scopeType eq 'Group'", nil).Status)
	require.Equal(t, 403, w.graph(w.alice, "GET", list+"/"+found[0]["id"].(string), nil, "RoleManagementPolicy.Read.Directory").Status)
	require.Equal(t, 404, w.graph(reader, "GET", policies+"roleManagementPolicyAssignments/"+found[0]["id"].(string)+"_"+uuid.NewString(), nil).Status)
}

func TestExtensionOfAnEligibilityWaitsForAnAdministrator(t *testing.T) {
	w := newWorld(t, simtenant.Options{DirectoryDelay: simtenant.None})
	week := 7 * 24 * time.Hour
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice, For: week})
	longer := func(action string) props {
		return ask(action, w.alice, simtenant.RoleUserAdmin).with("scheduleInfo", map[string]any{
			"expiration": map[string]any{"type": "afterDateTime", "endDateTime": w.Now().Add(4 * week).Format(time.RFC3339)}})
	}
	r := made(w.graph(w.alice, "POST", offerRole, longer("selfExtend"), writeOffers))
	require.Equal(t, "PendingAdminDecision", r["status"])
	extended := made(w.graph(w.admin(), "POST", offerRole, longer("adminExtend")))
	require.Equal(t, "Provisioned", extended["status"])
	require.Equal(t, "AdminApproved", w.graph(w.alice, "GET", offerRole+"/"+r["id"].(string), nil, writeOffers).at("status"))
	schedule := w.follow(w.admin(), roles+"roleEligibilitySchedules")[0]
	require.Equal(t, extended["targetScheduleId"], schedule["id"], "each manipulation changes the id")
	require.NotEqual(t, "0001-01-01T08:00:00Z", schedule["modifiedDateTime"])
}
