package sweep_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// trap panics at what is asked of a path.
type trap struct {
	policy.Transporter
	path string
}

func (tr trap) Do(r *http.Request) (*http.Response, error) {
	if strings.Contains(r.URL.Path, tr.path) {
		panic("a bug at " + tr.path)
	}
	return tr.Transporter.Do(r)
}

// A panic beside the sweep is the sweep's own, with the place it came from: whoever
// called it recovers it, and the process lives.
func TestPanicOfAReaderIsThatOfTheSweep(t *testing.T) {
	for name, tt := range map[string]struct{ path, place string }{
		"where requests are read":        {"roleEligibilityScheduleRequests", "requests.go"},
		"where entries are read":         {"roleAssignmentScheduleInstances", "scan.go"},
		"where a principal is looked up": {"/v1.0/users/", "principals.go"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				for range 3 * 4 { // more targets than readers, and more principals than look-ups
					sub := w.tenant.AddSubscription("", "", w.mg)
					w.tenant.MakeEligible(simtenant.Grant{Scope: sub, Role: "Owner", Principal: w.tenant.AddUser(simtenant.User{}), For: 20 * day})
				}
				var err error
				w.Client, err = pim.NewClient(w.tenant.Credential(w.app), &pim.ClientOptions{
					ClientOptions: azcore.ClientOptions{Transport: trap{w.tenant.Transport(), tt.path}}})
				require.NoError(t, err)
				defer func() {
					said, _ := recover().(string)
					require.Contains(t, said, "a bug at "+tt.path)
					require.Contains(t, said, tt.place)
				}()
				_, _ = w.Plan(t.Context())
				t.Fatal("nothing panicked")
			})
		})
	}
}
