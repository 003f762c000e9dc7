package pim_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

const (
	directoryRequests = "/v1.0/roleManagement/directory/roleAssignmentScheduleRequests"
	groupRequests     = "/v1.0/identityGovernance/privilegedAccess/group/assignmentScheduleRequests"
)

func directoryAccess(t *testing.T) pim.Access {
	return pim.Access{Scope: scope(t, pim.Directory, "/"), Role: pim.Role{ID: reader, Name: "Directory Readers"}, Principal: alice}
}

func groupAccess(t *testing.T) pim.Access {
	return pim.Access{Scope: scope(t, pim.Group, crew), Role: pim.Role{ID: "member", Name: "member"}, Principal: alice}
}

func TestEveryRequestIsSentAsGraphTakesIt(t *testing.T) {
	start := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	end := start.Add(48 * time.Hour)
	unit := directoryAccess(t)
	unit.Scope = scope(t, pim.Directory, "/administrativeUnits/"+bob)
	answer := `{"id":"` + request + `","status":"Provisioned","action":"adminAssign","principalId":"` + alice +
		`","roleDefinitionId":"` + reader + `","directoryScopeId":"/","groupId":"` + crew + `","accessId":"member"}`
	who := `"principalId":"` + alice + `"`
	there := who + `,"roleDefinitionId":"` + reader + `","directoryScopeId":"/"`
	within := who + `,"groupId":"` + crew + `","accessId":"member"`
	for _, tt := range []struct {
		name string
		ask  pim.ScheduleRequest
		path string
		body string
	}{
		{"eligible for a directory role until a date",
			pim.ScheduleRequest{Kind: pim.Eligibility, Type: pim.AdminAssign, Access: directoryAccess(t), Window: pim.Window{Start: &start, End: &end}},
			"/v1.0/roleManagement/directory/roleEligibilityScheduleRequests",
			`{"action":"adminAssign",` + there + `,"scheduleInfo":{"startDateTime":"2026-03-01T09:00:00Z","expiration":{"type":"afterDateTime","endDateTime":"2026-03-03T09:00:00Z"}}}`},
		{"active in an administrative unit, with ticket and mark",
			pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminAssign, Access: unit, Window: pim.Window{Duration: hours(4)},
				Justification: "incident 7", Ticket: pim.Ticket{Number: "INC7", System: "SNOW"}, Mark: "0af31c22-77b1"},
			directoryRequests,
			`{"action":"adminAssign",` + who + `,"roleDefinitionId":"` + reader + `","directoryScopeId":"/administrativeUnits/` + bob + `",
			  "justification":"incident 7 [pim:0af31c22-77b1]","ticketInfo":{"ticketNumber":"INC7","ticketSystem":"SNOW"},
			  "scheduleInfo":{"expiration":{"type":"afterDuration","duration":"PT4H"}}}`},
		{"permanently eligible in a group",
			pim.ScheduleRequest{Kind: pim.Eligibility, Type: pim.AdminAssign, Access: groupAccess(t), Window: pim.Window{Permanent: true}},
			"/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
			`{"action":"adminAssign",` + within + `,"scheduleInfo":{"expiration":{"type":"noExpiration"}}}`},
		{"activated by oneself",
			pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.SelfActivate, Access: groupAccess(t), Window: pim.Window{Duration: hours(2)}, Linked: "not sent", Justification: "deploy"},
			groupRequests,
			`{"action":"selfActivate",` + within + `,"justification":"deploy","scheduleInfo":{"expiration":{"type":"afterDuration","duration":"PT2H"}}}`},
		{"deactivated by oneself, without a schedule",
			pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.SelfDeactivate, Access: directoryAccess(t), Target: "not sent"},
			directoryRequests, `{"action":"selfDeactivate",` + there + `}`},
		{"removed by an administrator, without a schedule",
			pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminRemove, Access: groupAccess(t), Justification: "over"},
			groupRequests, `{"action":"adminRemove",` + within + `,"justification":"over"}`},
		{"updated, which names the schedule",
			pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminUpdate, Access: directoryAccess(t), Window: pim.Window{Duration: hours(1)}, Target: request},
			directoryRequests,
			`{"action":"adminUpdate",` + there + `,"targetScheduleId":"` + request + `","scheduleInfo":{"expiration":{"type":"afterDuration","duration":"PT1H"}}}`},
		{"extended, which names the schedule",
			pim.ScheduleRequest{Kind: pim.Eligibility, Type: pim.AdminExtend, Access: groupAccess(t), Window: pim.Window{Duration: hours(48)}, Target: crew + "_member_" + request},
			"/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleRequests",
			`{"action":"adminExtend",` + within + `,"targetScheduleId":"` + crew + "_member_" + request + `","scheduleInfo":{"expiration":{"type":"afterDuration","duration":"P2D"}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := play(t, turn{call: "POST " + tt.path, body: tt.body, status: http.StatusCreated, answer: answer})
			got, err := c.Submit(t.Context(), tt.ask)
			require.NoError(t, err)
			require.Equal(t, request, got.Name)
			require.Equal(t, pim.Provisioned, got.Status)
			require.Equal(t, tt.ask.Access.Role.Name, got.Access.Role.Name)
		})
	}
}

func TestValidationAsksForNothingElse(t *testing.T) {
	c := play(t, turn{
		call: "POST " + directoryRequests, status: http.StatusCreated,
		body: `{"action":"adminAssign","principalId":"` + alice + `","roleDefinitionId":"` + reader + `","directoryScopeId":"/",
		        "isValidationOnly":true,"scheduleInfo":{"expiration":{"type":"afterDuration","duration":"PT1H"}}}`,
		answer: `{"id":"` + request + `","status":"Granted","directoryScopeId":"/"}`,
	})
	got, err := c.Validate(t.Context(), pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminAssign, Access: directoryAccess(t), Window: pim.Window{Duration: hours(1)}})
	require.NoError(t, err)
	require.Equal(t, pim.Granted, got.Status)
}

func TestAPostIsRepeatedOnlyWhenItWasSurelyNotExecuted(t *testing.T) {
	ask := pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminRemove, Access: directoryAccess(t)}
	body := `{"action":"adminRemove","principalId":"` + alice + `","roleDefinitionId":"` + reader + `","directoryScopeId":"/"}`
	for status, sent := range map[int]int{http.StatusInternalServerError: 1, http.StatusBadGateway: 1, http.StatusServiceUnavailable: 1, http.StatusTooManyRequests: 3} {
		var turns []turn
		for range sent {
			turns = append(turns, turn{call: "POST " + directoryRequests, body: body, status: status, answer: `{"error":{"code":"UnknownError","message":""}}`})
		}
		synctest.Test(t, func(t *testing.T) {
			_, err := play(t, turns...).Submit(t.Context(), ask)
			require.Equal(t, pim.CodeBusy, pim.CodeOf(err), "%d", status)
		})
	}
}

func TestALostAnswerIsFoundAgainByItsMark(t *testing.T) {
	listed := func(id, action, created, text string) string {
		return `{"id":"` + id + `","action":"` + action + `","principalId":"` + alice + `","roleDefinitionId":"` + reader +
			`","directoryScopeId":"/","status":"Provisioned","createdDateTime":"` + created + `","justification":"` + text + `"}`
	}
	ask := pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminAssign, Access: directoryAccess(t), Mark: "0af31c22-77b1"}
	list := "GET " + directoryRequests + "?$filter=principalId eq '" + alice + "' and roleDefinitionId eq '" + reader + "'"
	t.Run("the newest of ours, not another's", func(t *testing.T) {
		c := play(t, turn{call: list, answer: `{"value":[` +
			listed(bob, "adminAssign", "2026-03-01T09:00:00.1234567Z", "x [pim:0af31c22-77b1]") + `,` +
			listed(request, "AdminAssign", "2026-03-02T09:00:00Z", "incident 7 [pim:0af31c22-77b1]") + `,` +
			listed(crew, "adminAssign", "2026-03-03T09:00:00Z", "incident 7 [pim:ffffffff-77b1]") + `,` +
			listed(crew, "adminRemove", "2026-03-03T09:00:00Z", "incident 7 [pim:0af31c22-77b1]") + `,` +
			listed(crew, "adminAssign", "2026-03-03T09:00:00Z", "[pim:0af31c22-77b1] in front") + `]}`})
		got, err := c.Find(t.Context(), ask)
		require.NoError(t, err)
		require.Equal(t, request, got.Name)
		require.Equal(t, "incident 7", got.Justification, "the mark is not shown")
		require.Equal(t, "0af31c22-77b1", got.Mark)
		require.Equal(t, "Directory Readers", got.Access.Role.Name)
	})
	t.Run("none", func(t *testing.T) {
		_, err := play(t, turn{call: list, answer: `{"value":[]}`}).Find(t.Context(), ask)
		require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
	})
	t.Run("by its name, once that is known", func(t *testing.T) {
		named := ask
		named.Name = request
		c := play(t, turn{call: "GET " + directoryRequests + "/" + request, answer: listed(request, "adminAssign", "2026-03-02T09:00:00Z", "")})
		got, err := c.Find(t.Context(), named)
		require.NoError(t, err)
		require.Equal(t, request, got.Name)
	})
	t.Run("not without name and mark", func(t *testing.T) {
		nameless := ask
		nameless.Mark = ""
		_, err := play(t).Find(t.Context(), nameless)
		require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
	})
}

func TestTheMarkSurvivesALongJustification(t *testing.T) {
	long := strings.Repeat("ä", 500)
	ask := pim.ScheduleRequest{Kind: pim.Assignment, Type: pim.AdminRemove, Access: directoryAccess(t), Justification: long, Mark: "0af31c22-77b1"}
	cut := strings.Repeat("ä", 479)
	c := play(t, turn{call: "POST " + directoryRequests, status: http.StatusCreated,
		body: `{"action":"adminRemove","principalId":"` + alice + `","roleDefinitionId":"` + reader + `","directoryScopeId":"/",
		        "justification":"` + cut + `… [pim:0af31c22-77b1]"}`,
		answer: `{"id":"` + request + `","directoryScopeId":"/","justification":"` + cut + `… [pim:0af31c22-77b1]"}`})
	got, err := c.Submit(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, "0af31c22-77b1", got.Mark)
}

func TestCancelling(t *testing.T) {
	ask := pim.ScheduleRequest{Kind: pim.Eligibility, Access: groupAccess(t), Name: request}
	cancel := "POST /v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleRequests/" + request + "/cancel"
	require.NoError(t, play(t, turn{call: cancel, status: http.StatusNoContent}).CancelRequest(t.Context(), ask))
	err := play(t, turn{call: cancel, status: http.StatusBadRequest, answer: `{"error":{"code":"InvalidRequestState","message":"m"}}`}).CancelRequest(t.Context(), ask)
	require.Equal(t, pim.CodeRejected, pim.CodeOf(err))
}

// What the service may say tomorrow must not stop us reading what it says today.
func TestAnswersAreReadWithGoodWill(t *testing.T) {
	c := play(t, turn{call: "GET " + groupRequests + "?$filter=groupId eq '" + crew + "'", answer: `{"value":[{
		"id":"` + request + `","status":"PendingSomethingNew","action":"ADMINASSIGN","principalId":"A11CE000-0000-4000-8000-000000000001",
		"groupId":"` + crew + `","accessId":"owner","createdDateTime":"2026-03-01T09:00:00.1234567Z","customData":"x","brandNew":{"a":1},
		"createdBy":{"user":null,"application":{"id":"` + bob + `"}},"ticketInfo":{"ticketNumber":null,"ticketSystem":null},
		"scheduleInfo":{"startDateTime":"0001-01-01T08:00:00Z","recurrence":null,"expiration":{"type":"noExpiration","duration":null,"endDateTime":null}}},
		{"id":"` + bob + `","action":"adminDance","principalId":"` + alice + `","groupId":"` + crew + `","accessId":"member"}]}`})
	got := all(t, c.Requests(t.Context(), pim.Assignment, pim.Query{Plane: pim.Group, Scope: scope(t, pim.Group, crew)}))
	require.Len(t, got, 2)
	require.Equal(t, pim.Working, got[0].Status.Class())
	require.Equal(t, pim.AdminAssign, got[0].Type)
	require.Equal(t, alice, got[0].Access.Principal)
	require.Equal(t, "owner", got[0].Access.Role.ID)
	require.Equal(t, bob, got[0].Requestor)
	require.Nil(t, got[0].Window.Start)
	require.True(t, got[0].Window.Permanent)
	require.Equal(t, pim.RequestType("adminDance"), got[1].Type)
}

func TestListsAreFilteredAsGraphAllows(t *testing.T) {
	directory, group := pim.Query{Plane: pim.Directory}, pim.Query{Plane: pim.Group}
	with := func(q pim.Query, change func(*pim.Query)) pim.Query { change(&q); return q }
	for _, tt := range []struct {
		name, filter string
		q            pim.Query
	}{
		{"everything", "", directory},
		{"the whole directory is no narrowing", "", with(directory, func(q *pim.Query) { q.Scope = scope(t, pim.Directory, "/") })},
		{"an administrative unit", "&$filter=directoryScopeId eq '/administrativeUnits/" + crew + "'",
			with(directory, func(q *pim.Query) { q.Scope = scope(t, pim.Directory, "/administrativeUnits/"+crew) })},
		{"principal and role", "&$filter=principalId eq '" + alice + "' and roleDefinitionId eq '" + reader + "'",
			with(directory, func(q *pim.Query) { q.Principal, q.Role.ID = alice, reader })},
		{"a group", "&$filter=groupId eq '" + crew + "'", with(group, func(q *pim.Query) { q.Scope = scope(t, pim.Group, crew) })},
		{"a group's member", "&$filter=groupId eq '" + crew + "' and principalId eq '" + alice + "'",
			with(group, func(q *pim.Query) { q.Scope, q.Principal = scope(t, pim.Group, crew), alice })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances?$expand=principal,roleDefinition"
			if tt.q.Plane == pim.Group {
				path = "/v1.0/identityGovernance/privilegedAccess/group/eligibilityScheduleInstances?$expand=principal"
			}
			c := play(t, turn{call: "GET " + path + tt.filter, answer: `{"value":[]}`})
			require.Empty(t, all(t, c.Eligibilities(t.Context(), tt.q)))
		})
	}
	t.Run("all groups at once are refused before Graph is asked", func(t *testing.T) {
		require.Equal(t, pim.CodeInvalid, pim.CodeOf(failure(play(t).Assignments(t.Context(), group))))
		require.Equal(t, pim.CodeInvalid, pim.CodeOf(failure(play(t).Requests(t.Context(), pim.Assignment, group))))
	})
}

func TestInstancesOfGraph(t *testing.T) {
	c := play(t, turn{call: "GET /v1.0/roleManagement/directory/roleAssignmentScheduleInstances?$expand=principal,roleDefinition", answer: `{"value":[
		{"id":"lAPpYvVpN0KRkAEhdxReEJC2sEqbR_9Hr48lds9SGHI-1","principalId":"` + alice + `","roleDefinitionId":"` + reader + `","directoryScopeId":"/","appScopeId":null,
		 "startDateTime":null,"endDateTime":null,"memberType":"Direct","assignmentType":"Assigned","roleAssignmentScheduleId":"lAPpYvVpN0KRkAEhdxReEJC2sEqbR_9Hr48lds9SGHI-1",
		 "principal":{"@odata.type":"#microsoft.graph.servicePrincipal","id":"` + alice + `","displayName":"robot"},"roleDefinition":{"displayName":"Directory Readers"}},
		{"id":"x","principalId":"` + bob + `","roleDefinitionId":"` + reader + `","directoryScopeId":null,"appScopeId":"/","memberType":"Direct","assignmentType":"Assigned"},
		{"id":"y","principalId":"` + bob + `","roleDefinitionId":"` + reader + `","directoryScopeId":"/attributeSets/Engineering","memberType":"Direct","assignmentType":"Assigned"},
		{"id":"z","principalId":"` + bob + `","roleDefinitionId":"` + reader + `","directoryScopeId":"/administrativeUnits/` + crew + `","memberType":"Inherited","assignmentType":"Activated",
		 "startDateTime":"2026-03-01T09:00:00Z","endDateTime":"2026-03-01T17:00:00Z","roleAssignmentScheduleId":"` + request + `"}]}`})
	got := all(t, c.Assignments(t.Context(), pim.Query{Plane: pim.Directory}))
	require.Len(t, got, 2, "what lies in an app's own scope or an attribute set has no name here")
	outside, activated := got[0], got[1]
	require.Nil(t, outside.Start)
	require.Nil(t, outside.End)
	require.False(t, outside.Activated)
	require.Equal(t, "ServicePrincipal", outside.PrincipalType)
	require.Equal(t, "robot", outside.PrincipalName)
	require.Equal(t, "Directory Readers", outside.Role.Name)
	require.Equal(t, outside.ID, outside.Schedule)
	require.True(t, activated.Activated)
	require.Equal(t, pim.Inherited, activated.Member)
	require.Equal(t, "/administrativeUnits/"+crew, activated.Scope.String())
	require.Equal(t, request, activated.Schedule)
}

func TestDirectoryRolesByName(t *testing.T) {
	role := `{"id":"` + request + `","displayName":"Bob's Helpers","description":"help","isBuiltIn":false,"resourceScopes":["/"]}`
	c := play(t,
		turn{call: "GET /v1.0/roleManagement/directory/roleDefinitions?$filter=displayName eq 'Bob''s Helpers'", answer: `{"value":[` + role + `]}`},
		turn{call: "GET /v1.0/roleManagement/directory/roleDefinitions", answer: `{"value":[` + role + `]}`})
	directory := scope(t, pim.Directory, "/")
	for range 2 { // the second time it is remembered
		r, err := c.Role(t.Context(), directory, "Bob's Helpers")
		require.NoError(t, err)
		require.Equal(t, pim.Role{ID: request, Name: "Bob's Helpers"}, r)
	}
	require.Equal(t, []pim.RoleDefinition{{
		Role: pim.Role{ID: request, Name: "Bob's Helpers"}, Description: "help", Custom: true, AssignableScopes: []string{"/"},
	}}, all(t, c.Roles(t.Context(), directory)))
}
