package pim_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// mortal is a journal whose process dies at one of its writes: before it is written
// down, or when it has been.
type mortal struct {
	pim.Ledger
	left    int // writes until then
	written bool
}

var errDied = errors.New("the process has died")

func (m *mortal) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	m.left--
	if m.left > 0 {
		return m.Ledger.Save(ctx, c)
	}
	if m.left == 0 && m.written {
		if _, err := m.Ledger.Save(ctx, c); err != nil {
			return c, err
		}
	}
	return c, errDied
}

// Whoever dies at whichever write of the journal, the next one carries on, and PIM
// has been asked once.
func TestWhoeverDiesAtAnyWriteOfTheJournalIsFollowed(t *testing.T) {
	for _, tt := range []struct {
		name, ask, asked string
	}{
		{"grant", `"action":"grant","duration":"PT2H"`, "eligibility AdminAssign, assignment AdminAssign"},
		{"removeEligible", `"action":"removeEligible"`, "eligibility AdminRemove"},
		{"extend", `"action":"extend","duration":"P30D"`, "eligibility AdminExtend"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				deaths := 0
				for n, died := 1, true; died; n++ {
					died = false
					for _, written := range []bool{false, true} {
						w := newScene(s.t, s.plane)
						if tt.name != "grant" {
							w.tenant.MakeEligible(w.grant(w.ada, 24*time.Hour, 72*time.Hour))
						}
						if w.dies(w.request("CR1", w.ada, tt.ask), n, written) {
							died = true
							deaths++
						}
						require.Equal(s.t, tt.asked, w.asked(), "write %d", n)
					}
				}
				require.GreaterOrEqual(s.t, deaths, 12)
			})
		})
	}
}

// dies drives r in a process that dies at the n-th write, then in others, and reports
// whether it came to that.
func (s *scene) dies(r pim.Request, n int, written bool) bool {
	s.t.Helper()
	doomed := s.newEngine()
	journal := &mortal{s.ledger, n, written}
	doomed.Rules, doomed.Ledger = s.engine.Rules, journal
	c, err := doomed.Start(s.t.Context(), key, r)
	for err == nil && !c.Ended() {
		time.Sleep(time.Until(c.Due)) // as the queue does
		c, err = doomed.Drive(s.t.Context(), key, r.ID, time.Now().Add(time.Hour))
	}
	s.drive(r) // another delivery, to another process
	c = s.finish(r.ID)
	require.Equal(s.t, pim.Done, c.State, "write %d: %+v", n, c.Fault)
	return journal.left <= 0
}

// What an administrator has forgotten to allow us is said, with what to do about it.
func TestAMissingPermissionIsNamed(t *testing.T) {
	readOnly := []string{
		"RoleEligibilitySchedule.Read.Directory", "RoleAssignmentSchedule.Read.Directory",
		"PrivilegedEligibilitySchedule.Read.AzureADGroup", "PrivilegedAssignmentSchedule.Read.AzureADGroup",
		"RoleManagementPolicy.Read.Directory", "RoleManagementPolicy.Read.AzureADGroup", "RoleManagement.Read.Directory", "Directory.Read.All",
	}
	onPlanes(t, func(s *scene) {
		t := s.t
		s.app = s.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "reader", AppRoles: readOnly})
		s.tenant.Assign(simtenant.Grant{Scope: s.sub, Role: simtenant.RoleReader, Principal: s.app})
		rules := s.engine.Rules
		s.engine = s.newEngine()
		s.engine.Rules = rules
		c := s.drive(s.request("CR1", s.ada, `"action":"grant"`))
		require.Equal(t, pim.Failed, c.State)
		require.Equal(t, pim.CodeDenied, c.Fault.Code, "%+v", c.Fault)
		require.NotEmpty(t, c.Fault.Remedy)
		require.Empty(t, s.tenant.Requests())

		s.tenant.ForgetCalls()
		s.app = s.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "blind"})
		s.engine = s.newEngine()
		s.engine.Rules = rules
		c = s.drive(s.request("CR2", s.ada, `"action":"grant"`))
		require.Equal(t, pim.Refused, c.State, "what cannot be read cannot be allowed")
		require.Equal(t, pim.Unproven, c.Fault.Reasons[len(c.Fault.Reasons)-1].Code, "%+v", c.Fault)
		require.Zero(t, s.effects())
	})
}

// How an arrangement may end: after a while, at a time, never.
func TestTheThreeExpirations(t *testing.T) {
	for _, tt := range []struct {
		name      string
		window    func() pim.Window
		permanent bool // the settings allow it
		lasts     time.Duration
	}{
		{"after a duration", func() pim.Window { return pim.Window{Duration: hours(30)} }, false, 30 * time.Hour},
		{"at a date", func() pim.Window {
			end := time.Now().Add(50 * time.Hour).UTC()
			return pim.Window{End: &end}
		}, false, 50 * time.Hour},
		{"never, where PIM allows it", func() pim.Window { return pim.Window{Permanent: true} }, true, forEver},
		{"never, where PIM does not", func() pim.Window { return pim.Window{Permanent: true} }, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				t := s.t
				s.tenant.UpdatePolicy(simtenant.Plane(s.plane), s.scope, s.roleID, func(p *simtenant.Policy) {
					p.EligibilityExpiration.Required, p.AssignmentExpiration.Required = !tt.permanent, !tt.permanent
				})
				began := time.Now()
				a := pim.Access{Scope: scope(t, s.plane, s.scope), Role: pim.Role{ID: s.roleID}, Principal: s.ada}
				for kind, name := range map[pim.Kind]string{pim.Eligibility: request, pim.Assignment: subID} {
					_, err := s.engine.Client.Submit(t.Context(), pim.ScheduleRequest{
						Kind: kind, Type: pim.AdminAssign, Name: name, Access: a, Window: tt.window(), Justification: "because"})
					if tt.lasts == 0 {
						require.Equal(t, pim.CodeUnmet, pim.CodeOf(err))
						continue
					}
					require.NoError(t, err)
				}
				s.left(began, want{eligible: tt.lasts, active: tt.lasts})
				time.Sleep(2 * time.Minute)
				for _, kind := range []pim.Kind{pim.Eligibility, pim.Assignment} {
					seen := collect(t, s.engine.Client.Instances(t.Context(), kind, pim.Query{Plane: s.plane, Scope: a.Scope, Role: a.Role, Principal: s.ada}))
					require.Equal(t, tt.lasts != 0, len(seen) == 1)
					require.True(t, tt.lasts == 0 || (tt.lasts == forEver) == (seen[0].End == nil))
				}
			})
		})
	}
}

// Everything that PIM or its doors may answer once, and then not again.
func TestGrantOutlivesWhateverIsAnsweredOnce(t *testing.T) {
	for _, f := range []simtenant.Fault{
		{Match: writes, Status: http.StatusBadRequest, Code: "SubjectNotFound"},
		{Match: writes, Status: http.StatusNotFound, Code: "SubjectNotFound"},
		{Match: writes, Status: http.StatusBadRequest, Code: "RoleNotFound"},
		{Match: writes, Status: http.StatusBadRequest, Code: "PendingRoleAssignmentRequest"},
		{Match: writes, Status: http.StatusBadRequest, Code: "RoleAssignmentExists"},
		{Match: writes, Status: http.StatusUnauthorized, Code: "ExpiredAuthenticationToken"},
		{Match: writes, Status: http.StatusUnauthorized, Code: "InvalidAuthenticationToken", Claims: `{"access_token":{"nbf":{"essential":true}}}`},
		{Match: writes, Status: http.StatusTooManyRequests},
		{Match: writes, Status: http.StatusGatewayTimeout},
		{Match: writes, Delay: 70 * time.Second},
		{Match: writes, Delay: 20 * time.Second, DropAnswer: true},
		{Method: http.MethodGet, Delay: 70 * time.Second},
		{Method: http.MethodGet, DropAnswer: true, Times: 4},
	} {
		name := f.Method + " " + f.Code + " " + http.StatusText(f.Status)
		if f.Delay > 0 || f.DropAnswer {
			name = f.Method + " slow for " + f.Delay.String()
		}
		t.Run(name, func(t *testing.T) {
			onPlanes(t, func(s *scene) {
				s.tenant.Inject(f)
				c := s.drive(s.request("CR1", s.ada, `"action":"grant","duration":"PT2H"`))
				require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
				require.Equal(s.t, "eligibility AdminAssign, assignment AdminAssign", s.asked())
			})
		})
	}
}
