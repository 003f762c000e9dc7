package openapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/openapi"
)

const (
	arm     = "https://management.azure.com/subscriptions/s/providers/Microsoft.Authorization/"
	graph   = "https://graph.microsoft.com/v1.0/"
	request = "roleManagement/directory/roleAssignmentScheduleRequests"
	version = "?api-version=2020-10-01"
)

// The comparison bites: each line is one exchange, and what is wrong with it.
func TestWhatIsNotDocumentedIsFound(t *testing.T) {
	documents, ok := openapi.Beside()
	if !ok {
		t.Skip("Microsoft's OpenAPI documents are not beside this checkout")
	}
	put := arm + "roleAssignmentScheduleRequests/g" + version
	props := `"principalId":"p","roleDefinitionId":"r","requestType":"AdminAssign"`
	rule := `{"@odata.type":"#microsoft.graph.unifiedRoleManagementPolicyExpirationRule",`
	for _, tt := range []struct {
		name         string
		call         string
		sent, answer string
		status       int
		want         []string // how what is found ends
	}{
		{"a good request to ARM", "PUT " + put, `{"properties":{` + props + `}}`, "", 0, nil},
		{"in the letters of Graph", "PUT " + put, `{"properties":{` + strings.NewReplacer("principalId", "principalid", "AdminAssign", "adminAssign").Replace(props) + `}}`, "", 0,
			[]string{"there is no member principalid", "principalId is missing"}},
		{"of an unknown type", "PUT " + put, `{"properties":{` + strings.Replace(props, "Admin", "User", 1) + `}}`, "", 0,
			[]string{"UserAssign is none of [AdminAssign AdminRemove AdminUpdate AdminExtend AdminRenew SelfActivate SelfDeactivate SelfExtend SelfRenew]"}},
		{"with what is the service's to say", "PUT " + put, `{"properties":{` + props + `,"status":"Granted"}}`, "", 0, []string{"status is the service's to say"}},
		{"with a member of no schema", "PUT " + put, `{"properties":{` + props + `,"justify":"x"}}`, "", 0, []string{"there is no member justify"}},
		{"with a date that is none", "PUT " + put, `{"properties":{` + props + `,"scheduleInfo":{"startDateTime":"tomorrow"}}}`, "", 0, []string{`"tomorrow" is no date and time`}},
		{"with a word for a number", "PUT " + put, `{"properties":[]}`, "", 0, []string{"[] is no object"}},
		{"that is no JSON", "PUT " + put, `{`, "", 0, []string{"no JSON: unexpected end of JSON input"}},
		{"with a body that nobody reads", "POST " + arm + "roleAssignmentScheduleRequests/g/cancel" + version, `{}`, "", 0, []string{"it has no body"}},
		{"with a query of its own", "GET " + arm + "roleAssignmentScheduleRequests" + version + "&$top=5", "", "", 0, []string{"there is no $top"}},
		{"of another version", "GET " + arm + "roleAssignmentScheduleRequests?api-version=2015-07-01", "", "", 0, []string{"it is not described"}},
		{"of no known path", "GET " + graph + "me/everything", "", "", 0, []string{"it is not described"}},

		{"an answer of ARM", "GET " + arm + "roleAssignmentScheduleRequests" + version, "", `{"value":[{"properties":{"status":"Wishful"}}]}`, 200,
			[]string{"principalId is missing", "requestType is missing", "roleDefinitionId is missing", "status: Wishful is none of"}},
		{"a status that ARM does not answer", "PUT " + put, "", `{}`, 200, []string{"an answer of 200 is not described"}},
		{"an error of ARM", "PUT " + put, "", `{"error":{"code":5}}`, 409, []string{"5 is no string"}},
		{"an answer that is not there", "GET " + arm + "roleAssignmentScheduleRequests" + version, "", "", 200, []string{"the answer of 200 has no body"}},

		{"a good answer of Graph", "GET " + graph + request, "", `{"value":[{"status":"Granted","action":"adminAssign","serviceInfo":{}}]}`, 200, nil},
		{"a wrong letter each", "GET " + graph + request, "", `{"value":[{"Status":"Granted","action":"AdminAssign"}]}`, 200,
			[]string{"there is no member Status", "AdminAssign is none of"}},
		{"a function's answer", "GET " + graph + request + "/filterByCurrentUser(on='approver')", "", `{"value":[{"scheduleInfo":{"expiration":{"type":"AfterDuration"}}}]}`, 200,
			[]string{"AfterDuration is none of"}},
		{"years, which Graph has not", "POST " + graph + request, `{"scheduleInfo":{"expiration":{"duration":"P1Y"}}}`, "", 0, []string{`"P1Y" is not of the form`}},
		{"a member of another rule", "GET " + graph + "policies/roleManagementPolicies/x/rules", "", `{"value":[` + rule + `"enabledRules":[]}]}`, 200, []string{"there is no member enabledRules"}},
		{"a type of no schema", "GET " + graph + "policies/roleManagementPolicies/x/rules", "", `{"value":[{"@odata.type":"#microsoft.graph.wish"}]}`, 200,
			[]string{"the @odata.type #microsoft.graph.wish is not described"}},

		{"a known deviation", "GET " + arm + "roleManagementPolicyAssignments" + version + "&$filter=x", "", "", 0, nil},
		{"what follows a page", "GET " + graph + request + "?$skiptoken=x", "", "", 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method, url, _ := strings.Cut(tt.call, " ")
			r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
			require.NoError(t, err)
			var found []string
			if tt.status == 0 {
				found = documents.Request(r, []byte(tt.sent))
			} else {
				found = documents.Answer(r, tt.status, []byte(tt.answer))
			}
			require.Len(t, found, len(tt.want), "%q", found)
			all := strings.Join(found, "\n")
			for _, want := range tt.want {
				require.Contains(t, all, want)
			}
		})
	}
}
