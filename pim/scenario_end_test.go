package pim_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// A decision grows old within minutes, and is taken anew. That is no reason to try
// for ever what never passes.
func TestWhatNeverPassesFails(t *testing.T) {
	refused := func(code string) simtenant.Fault {
		return simtenant.Fault{Match: writes, Status: http.StatusBadRequest, Code: code, Times: simtenant.Always}
	}
	for _, tt := range []struct {
		name   string
		ask    string
		fault  simtenant.Fault
		code   pim.Code
		within time.Duration
	}{
		{"the services are down", `"action":"grant"`, simtenant.Fault{Path: "Schedule", Status: 503, Times: simtenant.Always}, pim.CodeBusy, 3 * time.Hour},
		{"nothing can be written", `"action":"grant"`, simtenant.Fault{Match: writes, DropRequest: true, Times: simtenant.Always}, pim.CodeBusy, 3 * time.Hour},
		{"throttled for ever", `"action":"grant"`, simtenant.Fault{Match: writes, Status: 429, RetryAfter: 15 * time.Minute, Times: simtenant.Always}, pim.CodeBusy, 3 * time.Hour},
		{"PIM never hears of the principal", `"action":"grant"`, refused("SubjectNotFound"), pim.CodeNotFound, 20 * time.Minute},
		{"PIM says that it is there, and it is not", `"action":"grant"`, refused("RoleAssignmentExists"), pim.CodeConflict, 20 * time.Minute},
		{"PIM says that something is pending, and nothing is", `"action":"grant"`, refused("PendingRoleAssignmentRequest"), pim.CodeConflict, 20 * time.Minute},
		{"PIM lists what it will not end", `"action":"removeEligible"`, refused("RoleAssignmentDoesNotExist"), pim.CodeNotFound, 20 * time.Minute},
		{"PIM finds it too young for ever", `"action":"removeEligible"`, refused("ActiveDurationTooShort"), pim.CodeBusy, 3 * time.Hour},
		{"there is nothing to renew", `"action":"renew","duration":"PT8H","kind":"assignment"`, simtenant.Fault{Path: "nowhere"}, pim.CodeNotFound, 20 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				s.tenant.MakeEligible(s.grant(s.ada, 24*time.Hour, 72*time.Hour))
				s.tenant.Inject(tt.fault)
				began := time.Now()
				c := s.drive(s.request("CR1", s.ada, tt.ask))
				require.Equal(s.t, pim.Failed, c.State)
				require.Equal(s.t, tt.code, c.Fault.Code, "%+v", c.Fault)
				require.Less(s.t, time.Since(began), tt.within)
				require.Empty(s.t, s.tenant.Requests())
			})
		})
	}
}
