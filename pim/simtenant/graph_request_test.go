package simtenant_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const (
	roles       = "/v1.0/roleManagement/directory/"
	assignRole  = roles + "roleAssignmentScheduleRequests"
	offerRole   = roles + "roleEligibilityScheduleRequests"
	activeRoles = roles + "roleAssignmentScheduleInstances"

	writeAssignments = "RoleAssignmentSchedule.ReadWrite.Directory"
	writeOffers      = "RoleEligibilitySchedule.ReadWrite.Directory"
)

// admin is an application that may do everything on the planes of Graph.
func (w *world) admin() string {
	return w.reader(writeAssignments, writeOffers, "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
		"PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup", "RoleManagementPolicy.ReadWrite.Directory",
		"RoleManagementPolicy.ReadWrite.AzureADGroup", "Directory.Read.All", "AuditLog.Read.All")
}

// ask is the body of a request for a directory role.
func ask(action, principal, role string) props {
	return props{
		"action": action, "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/", "justification": "because",
		"scheduleInfo": map[string]any{"expiration": map[string]any{"type": "afterDuration", "duration": "PT1H"}},
	}
}

// follow reads a list on Graph to its end.
func (w *world) follow(principal, path string, scopes ...string) []map[string]any {
	w.t.Helper()
	token := w.UserToken(principal, simtenant.AudienceGraph, simtenant.WithScopes(scopes...), simtenant.WithMFA())
	var out []map[string]any
	for r := w.graphAs(token, "GET", path, nil); ; {
		require.Equal(w.t, http.StatusOK, r.Status, "%s", r.Body)
		for _, v := range r.values() {
			out = append(out, v.(map[string]any))
		}
		next, _ := r.at().(map[string]any)["@odata.nextLink"].(string)
		if next == "" {
			return out
		}
		r = w.send(token, "GET", next, nil)
	}
}

// made requires that a request was taken, and returns it.
func made(r reply) map[string]any {
	r.t.Helper()
	require.Equal(r.t, http.StatusCreated, r.Status, "%s", r.Body)
	return r.at().(map[string]any)
}

// refused requires the error code of a refusal with HTTP 400.
func refused(r reply, code string) {
	r.t.Helper()
	require.Equal(r.t, http.StatusBadRequest, r.Status, "%s", r.Body)
	require.Equal(r.t, code, r.code(), "%s", r.Body)
}

func TestDirectoryRoleLivesFromEligibilityToDeactivation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin := w.admin()
		offer := made(w.graph(admin, "POST", offerRole, ask("AdminAssign", w.alice, simtenant.RoleGroupsAdmin)))
		require.Equal(t, "Provisioned", offer["status"])
		require.Equal(t, "adminAssign", offer["action"], "any case goes in, camel case comes out")
		require.Equal(t, offer["id"], offer["targetScheduleId"])
		require.Equal(t, map[string]any{"application": map[string]any{"id": admin, "displayName": nil}, "device": nil, "user": nil}, offer["createdBy"])
		require.NotEqual(t, offer["id"], made(w.graph(admin, "POST", offerRole, ask("adminAssign", w.bob, simtenant.RoleGroupsAdmin)))["id"])

		active := made(w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleGroupsAdmin), writeAssignments))
		require.Equal(t, "Provisioned", active["status"])
		require.Equal(t, map[string]any{"application": nil, "device": nil, "user": map[string]any{"id": w.alice, "displayName": nil}}, active["createdBy"])
		require.Equal(t, map[string]any{"type": "afterDuration", "duration": "PT1H", "endDateTime": nil},
			active["scheduleInfo"].(map[string]any)["expiration"])

		mine := func() []map[string]any {
			return w.follow(w.alice, activeRoles+"/filterByCurrentUser(on='principal')?$expand=activatedUsing,roleDefinition($select=displayName)", writeAssignments)
		}
		require.Empty(t, mine(), "lists are late by twelve seconds")
		refused(w.graph(w.alice, "POST", assignRole, ask("selfDeactivate", w.alice, simtenant.RoleGroupsAdmin), writeAssignments), "RoleAssignmentDoesNotExist")
		refused(w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleGroupsAdmin), writeAssignments), "RoleAssignmentExists")
		time.Sleep(12 * time.Second)
		got := mine()
		require.Len(t, got, 1)
		require.Equal(t, "Activated", got[0]["assignmentType"])
		require.Equal(t, active["id"], got[0]["roleAssignmentScheduleId"])
		require.Regexp(t, `^[\w-]{40}-1$`, got[0]["id"], "ids of instances are opaque")
		require.Equal(t, offer["id"], got[0]["activatedUsing"].(map[string]any)["roleEligibilityScheduleId"])
		require.Equal(t, map[string]any{"displayName": "Groups Administrator"}, got[0]["roleDefinition"])
		refused(w.graph(w.alice, "POST", assignRole, ask("selfDeactivate", w.alice, simtenant.RoleGroupsAdmin), writeAssignments), "ActiveDurationTooShort")

		time.Sleep(5 * time.Minute)
		ended := made(w.graph(w.alice, "POST", assignRole, ask("selfDeactivate", w.alice, simtenant.RoleGroupsAdmin), writeAssignments))
		require.Equal(t, "Revoked", ended["status"])
		for _, member := range []string{"scheduleInfo", "targetScheduleId", "completedDateTime"} {
			require.Nil(t, ended[member], member)
		}
		made(w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleGroupsAdmin), writeAssignments))
	})
}

func TestOnlyThePrincipalActivatesAndNeverAnApplication(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	for _, who := range []string{w.alice, admin} {
		w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: who})
	}
	for _, action := range []string{"selfActivate", "selfDeactivate", "selfExtend", "selfRenew"} {
		require.Equal(t, http.StatusForbidden, w.graph(admin, "POST", assignRole, ask(action, w.alice, simtenant.RoleUserAdmin)).Status, action)
		require.Equal(t, http.StatusForbidden, w.graph(admin, "POST", assignRole, ask(action, admin, simtenant.RoleUserAdmin)).Status, action)
	}
	r := w.graph(w.bob, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleUserAdmin), writeAssignments)
	refused(r, "RoleAssignmentRequestPolicyValidationFailed")
	require.Contains(t, r.message(), "EligibilityRule")
	require.Equal(t, http.StatusForbidden, w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleUserAdmin)).Status, "without the scope")
	require.Empty(t, w.Requests())
	made(w.graph(w.alice, "POST", assignRole, ask("selfActivate", w.alice, simtenant.RoleUserAdmin), writeAssignments))
}

func TestAdministratorsNeedARoleBesideTheScope(t *testing.T) {
	w := newWorld(t)
	w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RolePrivilegedRoleAdmin, Principal: w.carol})
	w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleGlobalReader, Principal: w.bob})
	body := ask("adminAssign", w.alice, simtenant.RoleUserAdmin)
	require.Equal(t, http.StatusForbidden, w.graph(w.outsider, "POST", assignRole, body, writeAssignments).Status)
	require.Equal(t, http.StatusForbidden, w.graph(w.bob, "POST", assignRole, body, writeAssignments).Status)
	made(w.graph(w.carol, "POST", assignRole, body, writeAssignments))

	require.Equal(t, http.StatusForbidden, w.graph(w.outsider, "GET", activeRoles, nil, writeAssignments).Status)
	require.Len(t, w.follow(w.bob, activeRoles, writeAssignments), 2)
}

func TestListsOfRequestsNeedAWritePermissionAndSayNoInAString(t *testing.T) {
	w := newWorld(t)
	reader := w.reader("RoleAssignmentSchedule.Read.Directory", "RoleEligibilitySchedule.Read.Directory")
	for path, missing := range map[string]string{
		assignRole: "RoleAssignmentSchedule.ReadWrite.Directory,RoleManagement.ReadWrite.Directory,RoleAssignmentSchedule.Remove.Directory.",
		offerRole:  "RoleEligibilitySchedule.ReadWrite.Directory,RoleManagement.ReadWrite.Directory,RoleEligibilitySchedule.Remove.Directory.",
	} {
		r := w.graph(reader, "GET", path, nil)
		require.Equal(t, http.StatusForbidden, r.Status)
		require.Equal(t, "UnknownError", r.code())
		var inner map[string]any
		require.NoError(t, json.Unmarshal([]byte(r.message()), &inner))
		require.Equal(t, map[string]any{
			"errorCode": "PermissionScopeNotGranted", "instanceAnnotations": []any{},
			"message": "Authorization failed due to missing permission scope " + missing,
		}, inner)
		require.Equal(t, 404, w.graph(reader, "GET", path+"/"+uuid.NewString(), nil).Status, "one by its id may be read")
		require.Equal(t, 200, w.graph(reader, "GET", strings.Replace(path, "Requests", "s", 1), nil).Status)
		require.Equal(t, 403, w.graph(reader, "POST", path, ask("adminAssign", w.alice, simtenant.RoleUserAdmin)).Status)
	}
	remover := w.reader("RoleAssignmentSchedule.Remove.Directory")
	w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice, Ago: time.Hour})
	require.Equal(t, 200, w.graph(remover, "GET", assignRole, nil).Status)
	require.Equal(t, 403, w.graph(remover, "POST", assignRole, ask("adminAssign", w.bob, simtenant.RoleUserAdmin)).Status)
	made(w.graph(remover, "POST", assignRole, ask("adminRemove", w.alice, simtenant.RoleUserAdmin)))
}

func TestWhatWasAssignedOutsidePIMHasNoDatesAndAnOpaqueSchedule(t *testing.T) {
	w := newWorld(t)
	id := w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.alice, Ago: time.Hour})
	instance := w.follow(w.admin(), activeRoles)[0]
	require.Equal(t, id, instance["id"])
	require.Equal(t, id, instance["roleAssignmentScheduleId"])
	require.Nil(t, instance["startDateTime"])
	require.Nil(t, instance["endDateTime"])
	require.Equal(t, "Assigned", instance["assignmentType"])
	schedule := w.follow(w.admin(), roles+"roleAssignmentSchedules")[0]
	require.Equal(t, id, schedule["id"])
	require.Equal(t, "0001-01-01T08:00:00Z", schedule["modifiedDateTime"])
	require.Nil(t, schedule["createdUsing"])
}

func TestBodiesAreReadAsODataReadsThem(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	unit := w.AddAdministrativeUnit("Nordics")
	plain := w.AddGroup(simtenant.Group{Name: "Plain"})
	robot := w.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot"})
	good := ask("adminAssign", w.alice, simtenant.RoleUserAdmin)
	expires := func(kind string, more map[string]any) map[string]any {
		e := map[string]any{"type": kind}
		maps.Copy(e, more)
		return map[string]any{"expiration": e}
	}
	tests := []struct {
		name string
		body props
		code string
	}{
		{"a member that the type has not", good.with("ttl", "PT1H"), "BadRequest"},
		{"a member that the schedule has not", good.with("scheduleInfo", map[string]any{"endDateTime": nil, "expiration": map[string]any{"type": "noExpiration"}}), "BadRequest"},
		{"a member that the expiration has not", good.with("scheduleInfo", expires("noExpiration", map[string]any{"foo": 1})), "BadRequest"},
		{"a member that the ticket has not", good.with("ticketInfo", map[string]any{"number": "CR1"}), "BadRequest"},
		{"a member of the other plane", good.with("groupId", plain), "BadRequest"},
		{"an unknown action", good.with("action", "selfAssign"), "InvalidRoleAssignmentRequest"},
		{"no principal", good.with("principalId", nil), "InvalidRoleAssignmentRequest"},
		{"a principal that is nobody", good.with("principalId", uuid.NewString()), "SubjectNotFound"},
		{"two kinds of scope", good.with("appScopeId", "/"), "InvalidRoleAssignmentRequest"},
		{"no scope", good.with("directoryScopeId", nil), "InvalidRoleAssignmentRequest"},
		{"a unit that does not exist", good.with("directoryScopeId", "/administrativeUnits/"+uuid.NewString()), "Request_BadRequest"},
		{"a role that no unit has", good.with("directoryScopeId", unit).with("roleDefinitionId", simtenant.RoleGlobalAdmin), "Request_BadRequest"},
		{"a role that no application has", good.with("directoryScopeId", "/"+robot), "Request_BadRequest"},
		{"a group that cannot have roles", good.with("principalId", plain), "Request_BadRequest"},
		{"no schedule", good.with("scheduleInfo", nil), "InvalidRoleAssignmentRequestSchedule"},
		{"no end in words", good.with("scheduleInfo", expires("notSpecified", nil)), "InvalidRoleAssignmentRequestSchedule"},
		{"a month, which OData has not", good.with("scheduleInfo", expires("afterDuration", map[string]any{"duration": "P1M"})), "BadRequest"},
		{"recurrence", good.with("scheduleInfo", map[string]any{"recurrence": map[string]any{}, "expiration": map[string]any{"type": "noExpiration"}}), "InvalidRoleAssignmentRequestSchedule"},
		{"four minutes", good.with("scheduleInfo", expires("afterDuration", map[string]any{"duration": "PT4M"})), "ActiveDurationTooShort"},
		{"longer than the policy allows", good.with("scheduleInfo", expires("afterDuration", map[string]any{"duration": "P181D"})), "RoleAssignmentRequestPolicyValidationFailed"},
		{"no justification", good.with("justification", nil), "RoleAssignmentRequestPolicyValidationFailed"},
	}
	for _, tt := range tests {
		r := w.graph(admin, "POST", assignRole, tt.body)
		require.Equal(t, http.StatusBadRequest, r.Status, "%s: %s", tt.name, r.Body)
		require.Equal(t, tt.code, r.code(), tt.name)
	}
	r := w.graph(admin, "POST", assignRole, good.with("roleDefinitionId", uuid.NewString()))
	require.Equal(t, http.StatusNotFound, r.Status)
	require.Equal(t, "RoleNotFound", r.code())
	require.Empty(t, w.Requests())

	made(w.graph(admin, "POST", assignRole, good.with("directoryScopeId", strings.ToUpper(unit)).with("id", uuid.NewString())))
	require.Equal(t, unit, w.Requests()[0].Scope)
	made(w.graph(admin, "POST", assignRole, good.with("directoryScopeId", "/"+robot).with("roleDefinitionId", simtenant.RoleApplicationAdmin)))
	made(w.graph(admin, "POST", assignRole, good.with("principalId", w.bob).with("scheduleInfo", expires("NoExpiration", nil))))
}

func TestDryRunsPassTheSameChecksAndLeaveNothing(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	body := ask("adminAssign", w.alice, simtenant.RoleUserAdmin).with("isValidationOnly", true)
	before := w.Assignments()
	got := made(w.graph(admin, "POST", assignRole, body))
	require.Equal(t, "Granted", got["status"])
	require.Equal(t, true, got["isValidationOnly"])
	refused(w.graph(admin, "POST", assignRole, body.with("justification", nil)), "RoleAssignmentRequestPolicyValidationFailed")
	require.Empty(t, w.Requests())
	require.Equal(t, before, w.Assignments())
}

func TestFutureRequestsAreGrantedAndCanBeWithdrawnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin := w.admin()
		start := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		body := ask("adminAssign", w.alice, simtenant.RoleUserAdmin).with("scheduleInfo", map[string]any{
			"startDateTime": start, "expiration": map[string]any{"type": "AfterDuration", "duration": "PT2H"}})
		r := made(w.graph(admin, "POST", assignRole, body))
		require.Equal(t, "Granted", r["status"])
		require.Equal(t, start, r["completedDateTime"])
		refused(w.graph(admin, "POST", assignRole, body), "PendingRoleAssignmentRequest")

		cancel := assignRole + "/" + r["id"].(string) + "/microsoft.graph.cancel"
		require.Equal(t, 403, w.graph(w.outsider, "POST", cancel, nil, writeAssignments).Status)
		require.Equal(t, http.StatusNoContent, w.graph(admin, "POST", cancel, nil).Status)
		require.Equal(t, 400, w.graph(admin, "POST", cancel, nil).Status)
		require.Equal(t, 404, w.graph(admin, "POST", assignRole+"/"+uuid.NewString()+"/cancel", nil).Status)

		require.Equal(t, "Canceled", w.graph(admin, "GET", assignRole+"/"+r["id"].(string), nil).at("status"))
		time.Sleep(31 * 24 * time.Hour)
		require.Equal(t, 404, w.graph(admin, "GET", assignRole+"/"+r["id"].(string), nil).Status)
	})
}

func TestListsTakeTheDocumentedFiltersAndNoOthers(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	for _, who := range []string{w.alice, w.bob, w.carol} {
		made(w.graph(admin, "POST", assignRole, ask("adminAssign", who, simtenant.RoleUserAdmin)))
	}
	for filter, n := range map[string]int{
		"": 3,
		"principalId eq '" + strings.ToUpper(w.alice) + "'":                                   1,
		"principalId eq '" + w.alice + "' and roleDefinitionId eq '" + uuid.NewString() + "'": 0,
		"directoryScopeId eq '/' and roleDefinitionId eq '" + simtenant.RoleUserAdmin + "'":   3,
		"(principalId eq '" + w.bob + "') and (directoryScopeId eq '/')":                      1,
	} {
		require.Len(t, w.follow(admin, assignRole+"?$filter="+filter), n, filter)
	}
	for _, query := range []string{
		"$filter=status eq 'PendingApproval'", "$filter=principalId ne '" + w.alice + "'", "$orderby=createdDateTime desc",
		"$filter=principalId eq '" + w.alice + "' or principalId eq '" + w.bob + "'", "$filter=startswith(principalId,'a')",
		"$filter=action eq 'adminAssign'",
	} {
		refused(w.graph(admin, "GET", assignRole+"?"+query, nil), "InvalidFilter")
	}
	require.Contains(t, w.graph(admin, "GET", assignRole+"?$filter=status eq 'PendingApproval'", nil).message(),
		"The status eq 'PendingApproval' filter is invalid.")
}

func TestGraphListsComeInPagesWithAnEmptyOneBetween(t *testing.T) {
	w := newWorld(t, simtenant.Options{PageSize: 2, DirectoryDelay: simtenant.None})
	admin := w.admin()
	for range 5 {
		who := w.AddUser(simtenant.User{Name: "Many"})
		w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: who})
	}
	var sizes []int
	token := w.UserToken(admin, simtenant.AudienceGraph)
	r := w.graphAs(token, "GET", activeRoles+"?$top=50&$select=id,principalId&$expand=principal", nil)
	for {
		sizes = append(sizes, len(r.values()))
		for _, v := range r.values() {
			item := v.(map[string]any)
			require.Len(t, item, 3)
			require.Equal(t, "Many", item["principal"].(map[string]any)["displayName"])
		}
		next, ok := r.at().(map[string]any)["@odata.nextLink"].(string)
		if !ok {
			break
		}
		require.Regexp(t, regexp.QuoteMeta(graphHost+activeRoles), next)
		r = w.send(token, "GET", next, nil)
	}
	require.Equal(t, []int{2, 0, 2, 1}, sizes)
	require.Equal(t, 400, w.graph(admin, "GET", activeRoles+"?$top=0", nil).Status)
	require.Equal(t, 400, w.graph(admin, "GET", activeRoles+"?$expand=manager", nil).Status)
	require.Equal(t, 400, w.graph(admin, "GET", activeRoles+"?$select=manager", nil).Status)
}

func TestRoleDefinitionsAreFoundByNameIDAndOrigin(t *testing.T) {
	w := newWorld(t)
	reader := w.reader("RoleManagement.Read.Directory")
	custom := w.AddDirectoryRole("Badge printer", "prints badges")
	definitions := roles + "roleDefinitions"
	found := w.follow(reader, definitions+"?$filter=displayName eq 'groups administrator'")
	require.Len(t, found, 1)
	require.Equal(t, simtenant.RoleGroupsAdmin, found[0]["id"])
	require.Equal(t, found[0]["id"], found[0]["templateId"])
	require.Len(t, w.follow(reader, definitions+"?$filter=isBuiltIn eq false"), 1)
	require.Len(t, w.follow(reader, definitions+"?$filter=id eq '"+custom+"'"), 1)
	refused(w.graph(reader, "GET", definitions+"?$filter=description eq 'x'", nil), "InvalidFilter")
	require.Equal(t, "Badge printer", w.graph(reader, "GET", definitions+"/"+custom, nil).at("displayName"))
	require.Equal(t, 404, w.graph(reader, "GET", definitions+"/"+uuid.NewString(), nil).Status)
	require.Equal(t, 403, w.graph(w.reader(), "GET", definitions, nil).Status)
}

func TestFreshPrincipalsAreNotYetSubjects(t *testing.T) {
	w := newWorld(t)
	fresh := w.AddUser(simtenant.User{Name: "Fresh", FreshFor: time.Minute})
	admin := w.admin()
	refused(w.graph(admin, "POST", assignRole, ask("adminAssign", fresh, simtenant.RoleUserAdmin)), "SubjectNotFound")
	w.Advance(time.Minute)
	made(w.graph(admin, "POST", assignRole, ask("adminAssign", fresh, simtenant.RoleUserAdmin)))
}
