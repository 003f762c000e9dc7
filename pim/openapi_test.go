package pim_test

import (
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/openapi"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// simulate makes a tenant whose every exchange with us is held against Microsoft's
// OpenAPI documents, where they are: what we send, and what is answered.
func simulate(t *testing.T, o simtenant.Options) *simtenant.Tenant {
	t.Helper()
	tenant := simtenant.New(o)
	documents, ok := openapi.Beside()
	if !ok {
		return tenant
	}
	var said sync.Map
	tenant.Observe(func(r *http.Request, sent []byte, status int, _ http.Header, got []byte) {
		for _, found := range append(documents.Request(r, sent), documents.Answer(r, status, got)...) {
			if _, before := said.LoadOrStore(found, true); !before {
				t.Errorf("not as documented: %s", found)
			}
		}
	})
	return tenant
}

// All other tests on a simulated tenant contribute, see simulate.
func TestExchangesAreAsMicrosoftDocumentsThem(t *testing.T) {
	documents, ok := openapi.Beside()
	if !ok {
		t.Skip("Microsoft's OpenAPI documents are not beside this checkout: nothing was held against them")
	}
	for _, plane := range pim.Planes() {
		t.Run(string(plane), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				s := newScene(t, plane)
				described := 0
				s.tenant.Observe(func(r *http.Request, _ []byte, _ int, _ http.Header, _ []byte) {
					if documents.Described(r) {
						described++
					}
				})
				s.drive(s.request("CR1", s.ada, `"action":"grant"`))
				require.Greater(t, described, 6, "policy, lists, two requests, the look afterwards")
			})
		})
	}
}

func TestDeviationsAreExplained(t *testing.T) {
	page, err := os.ReadFile("../docs/pim-api.md")
	require.NoError(t, err)
	for _, d := range openapi.Deviations {
		require.Contains(t, string(page), "| `"+d.Finding+"` |")
	}
}
