package simtenant_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/openapi"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// asDocumented reports every answer that Microsoft's OpenAPI documents do not
// describe. Requests count only if they were accepted, for these tests send bad ones.
func asDocumented(t *testing.T) simtenant.Observer {
	documents, ok := openapi.Beside()
	if !ok {
		return func(*http.Request, []byte, int, http.Header, []byte) {}
	}
	return func(r *http.Request, sent []byte, status int, _ http.Header, got []byte) {
		found := documents.Answer(r, status, got)
		if status < 300 && documents.Described(r) {
			found = append(found, documents.Request(r, sent)...)
		}
		for _, f := range found {
			t.Errorf("not as documented: %s", f)
		}
	}
}

// The answers of all other tests are compared too, see newWorld. These are the lists
// that no other test may happen to ask for.
func TestListsAreAsMicrosoftDocumentsThem(t *testing.T) {
	documents, ok := openapi.Beside()
	if !ok {
		t.Skip("Microsoft's OpenAPI documents are not beside this checkout: no answer was held against them")
	}
	w := newWorld(t)
	described := 0
	w.Observe(func(r *http.Request, _ []byte, _ int, _ http.Header, _ []byte) {
		if documents.Described(r) {
			described++
		}
	})
	token := w.armToken(w.app)
	for _, kind := range []string{
		assign, eligible, "roleAssignmentSchedules", "roleEligibilitySchedules", "roleAssignmentScheduleInstances",
		"roleEligibilityScheduleInstances", "roleManagementPolicies", "roleManagementPolicyAssignments", "eligibleChildResources",
	} {
		require.Equal(t, http.StatusOK, w.arm(token, "GET", subscription+rbac+kind, nil).Status, kind)
	}
	require.Equal(t, 9, described)
}
