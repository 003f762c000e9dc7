package simtenant_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

const (
	groups       = "/v1.0/identityGovernance/privilegedAccess/group/"
	joinGroup    = groups + "assignmentScheduleRequests"
	offerGroup   = groups + "eligibilityScheduleRequests"
	activeGroups = groups + "assignmentScheduleInstances"

	writeMembers = "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup"
)

// askGroup is the body of a request for membership in a group.
func askGroup(action, principal, group string) props {
	return props{
		"action": action, "principalId": principal, "groupId": group, "accessId": "member", "justification": "because",
		"scheduleInfo": map[string]any{"expiration": map[string]any{"type": "afterDuration", "duration": "PT1H"}},
	}
}

func TestGroupMembershipLivesFromEligibilityToDeactivation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		admin := w.admin()
		group := w.AddGroup(simtenant.Group{Name: "Operators"})
		members := func() []map[string]any { return w.follow(admin, "/v1.0/groups/"+group+"/members") }

		offer := made(w.graph(admin, "POST", offerGroup, askGroup("AdminAssign", w.alice, group)))
		require.Equal(t, group+"_member_"+offer["id"].(string), offer["targetScheduleId"])
		require.Empty(t, members(), "an eligible member is none yet")

		active := made(w.graph(w.alice, "POST", joinGroup, askGroup("selfActivate", w.alice, strings.ToUpper(group)), writeMembers))
		require.Equal(t, "Provisioned", active["status"])
		require.Equal(t, group, active["groupId"])
		require.Len(t, members(), 1, "the membership is real at once")
		list := activeGroups + "?$filter=groupId eq '" + group + "'&$expand=principal,activatedUsing"
		require.Empty(t, w.follow(admin, list), "PIM's own lists are late by thirty-four seconds")
		time.Sleep(34 * time.Second)
		got := w.follow(admin, list)
		require.Len(t, got, 1)
		require.Equal(t, "activated", got[0]["assignmentType"])
		require.Equal(t, "direct", got[0]["memberType"])
		require.Equal(t, active["targetScheduleId"], got[0]["assignmentScheduleId"])
		require.Regexp(t, "^"+group+"_member_[0-9a-f-]{36}$", got[0]["id"])
		require.Equal(t, "Alice", got[0]["principal"].(map[string]any)["displayName"])
		require.Equal(t, offer["targetScheduleId"], got[0]["activatedUsing"].(map[string]any)["eligibilityScheduleId"])

		refused(w.graph(w.alice, "POST", joinGroup, askGroup("selfDeactivate", w.alice, group), writeMembers), "ActiveDurationTooShort")
		time.Sleep(5 * time.Minute)
		require.Equal(t, "Revoked", made(w.graph(w.alice, "POST", joinGroup, askGroup("selfDeactivate", w.alice, group), writeMembers))["status"])
		require.Empty(t, members())
		made(w.graph(w.alice, "POST", joinGroup, askGroup("selfActivate", w.alice, group), writeMembers))
		time.Sleep(time.Hour + time.Minute)
		require.Empty(t, members(), "an activation ends by itself")
		require.Empty(t, w.follow(admin, list))
	})
}

func TestListsOfGroupsNeedAGroupOrAPrincipal(t *testing.T) {
	w := newWorld(t, simtenant.Options{GroupDelay: simtenant.None})
	admin := w.admin()
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	r := made(w.graph(admin, "POST", joinGroup, askGroup("adminAssign", w.alice, group)))
	target := r["targetScheduleId"].(string)
	for _, noun := range []string{"ScheduleRequests", "Schedules", "ScheduleInstances"} {
		for _, kind := range []string{"assignment", "eligibility"} {
			path := groups + kind + noun
			for _, query := range []string{"", "?$filter=accessId eq 'member'", "?$filter=groupId eq '" + group + "' or principalId eq '" + w.alice + "'",
				"?$filter=groupId eq '" + group + "' and status eq 'Provisioned'"} {
				require.Equal(t, http.StatusBadRequest, w.graph(admin, "GET", path+query, nil).Status, path+query)
			}
			n := map[string]int{"assignment": 1, "eligibility": 0}[kind]
			require.Len(t, w.follow(admin, path+"?$filter=groupId eq '"+strings.ToUpper(group)+"'"), n, path)
			require.Len(t, w.follow(admin, path+"?$filter=principalId eq '"+w.alice+"' and groupId eq '"+group+"'"), n, path)
			require.Empty(t, w.follow(admin, path+"?$filter=principalId eq '"+w.bob+"'"), path)
			require.Len(t, w.follow(admin, path+"?$filter=groupId eq '"+group+"' and accessId eq 'Member'"), n, path)
			require.Empty(t, w.follow(admin, path+"?$filter=(accessId eq 'owner' and groupId eq '"+group+"')"), path)
		}
	}
	found := w.follow(admin, joinGroup+"?$filter=groupId eq '"+group+"' and targetScheduleId eq '"+target+"'&$orderby=createdDateTime desc")
	require.Len(t, found, 1)
	require.Equal(t, r["id"], found[0]["id"])
	require.Equal(t, r["id"], w.graph(admin, "GET", joinGroup+"/"+r["id"].(string), nil).at("id"))
	require.Equal(t, target, w.graph(admin, "GET", groups+"assignmentSchedules/"+target+"?$expand=principal,group", nil).at("id"))
}

// The documentation lists neither for groups.
func TestNobodyAsksForAnExtensionOfAGroup(t *testing.T) {
	w := newWorld(t)
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: group, Role: "member", Principal: w.alice, For: 24 * time.Hour})
	for _, action := range []string{"selfExtend", "SelfRenew"} {
		r := w.graph(w.alice, "POST", groups+"eligibilityScheduleRequests", askGroup(action, w.alice, group), "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup")
		refused(r, "InvalidRoleAssignmentRequest")
		require.Contains(t, r.message(), "not supported")
	}
}

func TestTheOtherKindOfAccessDoesNotExist(t *testing.T) {
	w := newWorld(t)
	group := w.AddGroup(simtenant.Group{Name: "Operators"})
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: group, Role: "owner", Principal: w.alice})
	activate := askGroup("selfActivate", w.alice, group)
	refused(w.graph(w.alice, "POST", joinGroup, activate, writeMembers), "RoleAssignmentDoesNotExist")
	refused(w.graph(w.alice, "POST", joinGroup, activate.with("accessId", "guest"), writeMembers), "InvalidRoleAssignmentRequest")
	refused(w.graph(w.bob, "POST", joinGroup, activate.with("principalId", w.bob), writeMembers), "RoleAssignmentRequestPolicyValidationFailed")
	made(w.graph(w.alice, "POST", joinGroup, activate.with("accessId", "Owner"), writeMembers))
	require.Len(t, w.follow(w.admin(), "/v1.0/groups/"+group+"/owners"), 1)
	require.Empty(t, w.follow(w.admin(), "/v1.0/groups/"+group+"/members"))
}

func TestGroupsThatOthersManageAreRefused(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	dynamic := w.AddGroup(simtenant.Group{Name: "Dynamic", Dynamic: true})
	synced := w.AddGroup(simtenant.Group{Name: "Synced", OnPremises: true})
	for _, group := range []string{dynamic, synced} {
		r := w.graph(admin, "POST", offerGroup, askGroup("adminAssign", w.alice, group))
		refused(r, "InvalidResourceType")
		require.Equal(t, "Resource type not supported for onboarding", r.message())
	}
	refused(w.graph(admin, "POST", offerGroup, askGroup("adminAssign", w.alice, uuid.NewString())), "InvalidResource")
	powerful := w.AddGroup(simtenant.Group{Name: "Powerful", RoleAssignable: true})
	refused(w.graph(admin, "POST", offerGroup, askGroup("adminAssign", synced, powerful)), "Request_BadRequest")
}

func TestTheFirstRequestBringsAGroupUnderPIM(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	group := w.AddGroup(simtenant.Group{Name: "Operators", Members: []string{w.bob}, Owners: []string{w.carol}})
	list := activeGroups + "?$filter=groupId eq '" + group + "'"
	policies := func() (ids []any) {
		for _, p := range w.follow(admin, "/v1.0/policies/roleManagementPolicyAssignments?$filter=scopeId eq '"+group+"' and scopeType eq 'Group'") {
			ids = append(ids, p["policyId"])
		}
		return ids
	}
	before := policies()
	require.Len(t, before, 2)
	require.Empty(t, w.follow(admin, list))

	made(w.graph(admin, "POST", offerGroup, askGroup("adminAssign", w.alice, group)))
	after := policies()
	require.NotContains(t, after, before[0])
	require.NotContains(t, after, before[1])
	require.Equal(t, 404, w.graph(admin, "GET", "/v1.0/policies/roleManagementPolicies/"+before[0].(string), nil).Status)
	made(w.graph(admin, "POST", offerGroup, askGroup("adminAssign", w.carol, group)))
	require.Equal(t, after, policies(), "only the first time")

	w.AddMember(group, w.outsider)
	for _, i := range w.follow(admin, list) {
		require.Nil(t, i["startDateTime"])
		require.Nil(t, i["endDateTime"])
		require.Equal(t, i["id"], i["assignmentScheduleId"])
	}
	require.Len(t, w.follow(admin, list), 3, "members and owners from before, and who was added since without PIM")
	require.Len(t, w.follow(admin, "/v1.0/groups/"+group+"/members"), 2)
	refused(w.graph(admin, "POST", joinGroup, askGroup("adminAssign", w.bob, group)), "RoleAssignmentExists")
	w.Advance(time.Hour)
	made(w.graph(admin, "POST", joinGroup, askGroup("adminRemove", w.bob, group)))
	require.Len(t, w.follow(admin, "/v1.0/groups/"+group+"/members"), 1)
}

func TestEligibilityOfANestedGroupCountsForItsMembers(t *testing.T) {
	w := newWorld(t)
	admin := w.admin()
	inner := w.AddGroup(simtenant.Group{Name: "Inner", Members: []string{w.alice}})
	outer := w.AddGroup(simtenant.Group{Name: "Outer"})
	made(w.graph(admin, "POST", offerGroup, askGroup("adminAssign", inner, outer)))
	w.Advance(time.Minute)

	mine := w.follow(w.alice, groups+"eligibilityScheduleInstances/filterByCurrentUser(on='principal')", writeMembers,
		"PrivilegedEligibilitySchedule.Read.AzureADGroup")
	require.Len(t, mine, 1)
	require.Equal(t, "group", mine[0]["memberType"])
	require.Equal(t, inner, mine[0]["principalId"])
	refused(w.graph(w.bob, "POST", joinGroup, askGroup("selfActivate", w.bob, outer), writeMembers), "RoleAssignmentRequestPolicyValidationFailed")
	made(w.graph(w.alice, "POST", joinGroup, askGroup("selfActivate", w.alice, outer), writeMembers))
	var names []any
	for _, g := range w.follow(admin, "/v1.0/users/"+w.alice+"/transitiveMemberOf") {
		names = append(names, g["displayName"])
	}
	require.ElementsMatch(t, []any{"Inner", "Outer"}, names)
}

func TestDirectoryRoleOfAGroupIsItsMembersWhileTheyAreMembers(t *testing.T) {
	w := newWorld(t)
	admins := w.AddGroup(simtenant.Group{Name: "Admins", RoleAssignable: true})
	w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RolePrivilegedRoleAdmin, Principal: admins})
	w.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: admins, Role: "member", Principal: w.alice})
	assignBob := func() reply {
		return w.graph(w.alice, "POST", assignRole, ask("adminAssign", w.bob, simtenant.RoleUserAdmin), writeAssignments)
	}
	require.Equal(t, http.StatusForbidden, assignBob().Status)
	made(w.graph(w.alice, "POST", joinGroup, askGroup("selfActivate", w.alice, admins), writeMembers))
	made(assignBob())
	w.Advance(2 * time.Hour)
	require.Equal(t, http.StatusForbidden, assignBob().Status)
}

func TestWhoMayManageAGroupDependsOnWhetherItCanHoldRoles(t *testing.T) {
	w := newWorld(t)
	plain := w.AddGroup(simtenant.Group{Name: "Plain", Owners: []string{w.bob}})
	powerful := w.AddGroup(simtenant.Group{Name: "Powerful", RoleAssignable: true, Owners: []string{w.bob}})
	for who, role := range map[string]string{w.alice: simtenant.RoleGroupsAdmin, w.carol: simtenant.RolePrivilegedRoleAdmin} {
		w.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: role, Principal: who})
	}
	for _, tt := range []struct {
		who, group string
		want       int
	}{
		{w.outsider, plain, 403}, {w.alice, plain, 201}, {w.bob, plain, 201}, {w.carol, plain, 201},
		{w.outsider, powerful, 403}, {w.alice, powerful, 403}, {w.bob, powerful, 201}, {w.carol, powerful, 201},
	} {
		target := w.AddUser(simtenant.User{Name: "Target"})
		r := w.graph(tt.who, "POST", joinGroup, askGroup("adminAssign", target, tt.group), writeMembers)
		require.Equal(t, tt.want, r.Status, "%s", r.Body)
	}
}
