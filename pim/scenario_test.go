package pim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// The life of an access through the engine: what is asked for in which situation,
// what PIM is asked then, and what is true afterwards. Each line holds on every
// plane and in every climate, and asking again under the same id changes nothing.
func TestEveryActionOnEveryPlaneInEveryClimate(t *testing.T) {
	const day = 24 * time.Hour
	eligible := func(ago, lasts time.Duration) func(*scene) {
		return func(s *scene) { s.tenant.MakeEligible(s.grant(s.ada, ago, lasts)) }
	}
	active := func(ago, lasts time.Duration) func(*scene) {
		return func(s *scene) { s.tenant.Assign(s.grant(s.ada, ago, lasts)) }
	}
	nobody := func(*scene) {}
	for _, tt := range []scenario{
		{"a grant makes eligible what is not, and activates it", nobody, `"action":"grant","duration":"PT2H"`,
			want{state: pim.Done, asked: "eligibility AdminAssign, assignment AdminAssign", eligible: day, active: 2 * time.Hour}},
		{"a grant makes eligible as long as it is told", nobody, `"action":"grant","duration":"PT2H","eligibleDuration":"P7D"`,
			want{state: pim.Done, asked: "eligibility AdminAssign, assignment AdminAssign", eligible: 7 * day, active: 2 * time.Hour}},
		{"a grant activates what is eligible", eligible(day, 8*day), `"action":"grant","duration":"PT2H"`,
			want{state: pim.Done, asked: "assignment AdminAssign", eligible: 7 * day, active: 2 * time.Hour}},
		{"a grant activates what is eligible for ever", eligible(day, 0), `"action":"grant","duration":"PT2H"`,
			want{state: pim.Done, asked: "assignment AdminAssign", eligible: forEver, active: 2 * time.Hour}},
		{"a grant leaves alone what is active", active(time.Hour, 6*time.Hour), `"action":"grant","duration":"PT2H"`,
			want{state: pim.Done, already: true, active: 5 * time.Hour}},
		{"a grant leaves alone what is active for ever", active(day, 0), `"action":"grant","duration":"PT2H"`,
			want{state: pim.Done, already: true, active: forEver}},
		{"a grant says that what is active ends too soon", active(time.Hour, 2*time.Hour), `"action":"grant","duration":"PT6H"`,
			want{state: pim.Done, already: true, noted: true, active: time.Hour}},
		{"a grant for later makes eligible now", nobody, `"action":"grant","duration":"PT2H","start":"$tomorrow"`,
			want{state: pim.Done, scheduled: true, asked: "eligibility AdminAssign, assignment AdminAssign", eligible: 26 * time.Hour}},

		{"an eligibility is made", nobody, `"action":"makeEligible","duration":"P30D"`,
			want{state: pim.Done, asked: "eligibility AdminAssign", eligible: 30 * day}},
		{"an eligibility that lasts longer stays", eligible(day, 61*day), `"action":"makeEligible","duration":"P30D"`,
			want{state: pim.Done, already: true, eligible: 60 * day}},
		{"an eligibility for later", nobody, `"action":"makeEligible","duration":"P30D","start":"$tomorrow"`,
			want{state: pim.Done, scheduled: true, asked: "eligibility AdminAssign"}},
		{"an eligibility longer than PIM allows is not asked for", nobody, `"action":"makeEligible","duration":"P366D"`,
			want{state: pim.Refused, code: pim.CodeUnmet}},

		{"nobody activates what is not eligible", nobody, `"action":"activate","duration":"PT2H"`,
			want{state: pim.Refused, code: pim.CodeUnmet}},
		{"what is eligible is activated", eligible(day, 8*day), `"action":"activate","duration":"PT2H"`,
			want{state: pim.Done, asked: "assignment AdminAssign", eligible: 7 * day, active: 2 * time.Hour}},
		{"what is eligible is activated tomorrow", eligible(day, 8*day), `"action":"activate","duration":"PT2H","start":"$tomorrow"`,
			want{state: pim.Done, scheduled: true, asked: "assignment AdminAssign", eligible: 7 * day}},
		{"an activation longer than PIM allows is not asked for", eligible(day, 8*day), `"action":"activate","duration":"PT9H"`,
			want{state: pim.Refused, code: pim.CodeUnmet, eligible: 7 * day}},
		{"what is assigned without being eligible", nobody, `"action":"assign","duration":"PT8H"`,
			want{state: pim.Done, asked: "assignment AdminAssign", active: 8 * time.Hour}},

		{"what is active is ended", active(time.Hour, 6*time.Hour), `"action":"deactivate"`,
			want{state: pim.Done, asked: "assignment AdminRemove"}},
		{"what is active for ever is ended", active(day, 0), `"action":"deactivate"`,
			want{state: pim.Done, asked: "assignment AdminRemove"}},
		{"what began just now is ended once it may be", active(time.Minute, 6*time.Hour), `"action":"deactivate"`,
			want{state: pim.Done, asked: "assignment AdminRemove"}},
		{"what is not active need not be ended", eligible(day, 8*day), `"action":"deactivate"`,
			want{state: pim.Done, already: true, eligible: 7 * day}},

		{"an eligibility is ended", eligible(day, 8*day), `"action":"removeEligible"`,
			want{state: pim.Done, asked: "eligibility AdminRemove"}},
		{"an eligibility for ever is ended", eligible(day, 0), `"action":"removeEligible"`,
			want{state: pim.Done, asked: "eligibility AdminRemove"}},
		{"an eligibility ends without what is active", func(s *scene) { eligible(day, 8*day)(s); active(time.Hour, 6*time.Hour)(s) },
			`"action":"removeEligible"`, want{state: pim.Done, asked: "eligibility AdminRemove", active: 5 * time.Hour}},
		{"what is not eligible need not be ended", nobody, `"action":"removeEligible"`, want{state: pim.Done, already: true}},

		{"an eligibility is extended before it ends", eligible(day, 3*day), `"action":"extend","duration":"P30D"`,
			want{state: pim.Done, asked: "eligibility AdminExtend", eligible: 30 * day}},
		{"an assignment is extended before it ends", active(4*time.Hour, 5*time.Hour), `"action":"extend","kind":"assignment","duration":"PT3H"`,
			want{state: pim.Done, asked: "assignment AdminExtend", active: 3 * time.Hour}},
		{"what lasts long enough is not extended", eligible(day, 61*day), `"action":"extend","duration":"P30D"`,
			want{state: pim.Done, already: true, eligible: 60 * day}},
		{"what lasts for ever is not extended", eligible(day, 0), `"action":"extend","duration":"P30D"`,
			want{state: pim.Done, already: true, eligible: forEver}},
		{"PIM extends nothing before its last two weeks", eligible(day, 21*day), `"action":"extend","duration":"P60D"`,
			want{state: pim.Failed, code: pim.CodeInvalid, eligible: 20 * day}},
		{"what is not there cannot be extended", nobody, `"action":"extend","duration":"P30D"`,
			want{state: pim.Failed, code: pim.CodeNotFound}},

		{"an eligibility is renewed after it ended", eligible(day, day/2), `"action":"renew","duration":"P30D"`,
			want{state: pim.Done, asked: "eligibility AdminRenew", eligible: 30 * day}},
		{"an assignment is renewed after it ended", active(day, day/2), `"action":"renew","kind":"assignment","duration":"PT3H"`,
			want{state: pim.Done, asked: "assignment AdminRenew", active: 3 * time.Hour}},
		{"what has not ended is not renewed", eligible(day, 3*day), `"action":"renew","duration":"P30D"`,
			want{state: pim.Failed, code: pim.CodeConflict, eligible: 2 * day}},
		{"what never was cannot be renewed", nobody, `"action":"renew","duration":"P30D"`,
			want{state: pim.Failed, code: pim.CodeNotFound}},

		{"what waits for its start is cancelled", func(s *scene) {
			s.drive(s.request("before", s.ada, `"action":"grant","duration":"PT2H","start":"$tomorrow"`))
		}, `"action":"cancel"`, want{state: pim.Done, asked: "eligibility AdminAssign, assignment AdminAssign Canceled", eligible: 26 * time.Hour}},
		{"an eligibility that waits for its start is cancelled", func(s *scene) {
			s.drive(s.request("before", s.ada, `"action":"makeEligible","duration":"P7D","start":"$tomorrow"`))
		}, `"action":"cancel","kind":"eligibility"`, want{state: pim.Done, asked: "eligibility AdminAssign Canceled"}},
		{"where nothing waits nothing is cancelled", eligible(day, 8*day), `"action":"cancel"`,
			want{state: pim.Done, already: true, eligible: 7 * day}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for climate, faults := range climates {
				t.Run(climate, func(t *testing.T) { onPlanes(t, func(s *scene) { tt.play(s, faults) }) })
			}
		})
	}
}

// climates are what the services may do to whoever asks them, none of which may
// change what comes of it.
var climates = map[string][]simtenant.Fault{
	"in calm": nil,
	"when answers get lost": {
		{Match: writes, DropAnswer: true, Times: 5},
	},
	"when throttled": {
		{Match: writes, Status: http.StatusTooManyRequests, RetryAfter: 40 * time.Second, Times: 3},
		{Method: http.MethodGet, Status: http.StatusTooManyRequests, RetryAfter: 3 * time.Second, Times: 2},
	},
	"when the services stumble": {
		{Path: "Schedule", Status: http.StatusServiceUnavailable, Probability: 0.3, Times: 20},
		{Match: writes, Status: http.StatusInternalServerError, Times: 2},
	},
}

// writes matches the calls that change something.
func writes(r *http.Request, _ []byte) bool {
	return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "ScheduleRequests")
}

// forEver is what is left of an access that has no end.
const forEver = time.Duration(1<<63 - 1)

// scenario is one line of the rulebook.
type scenario struct {
	name  string
	given func(s *scene)
	ask   string // what of the request is not its id, plane, scope, role or principal
	want  want
}

// want is what comes of a scenario.
type want struct {
	state                     pim.State
	code                      pim.Code
	already, scheduled, noted bool
	asked                     string        // what PIM has stored, refused and lost requests left out
	eligible, active          time.Duration // what is left of each; zero: it is not there
}

func (sc scenario) play(s *scene, faults []simtenant.Fault) {
	t := s.t
	sc.given(s)
	s.tenant.Inject(faults...)
	began := time.Now()
	ask := s.request("CR1", s.ada, sc.ask)
	c := s.drive(ask)
	require.Equal(t, sc.want.state, c.State, "%+v", c.Fault)
	if sc.want.code != "" {
		require.Equal(t, sc.want.code, c.Fault.Code, "%+v", c.Fault)
	}
	require.Equal(t, sc.want.asked, s.asked())
	s.left(began, sc.want)
	if c.State != pim.Done {
		return
	}
	told := s.audit.kinds()
	require.Contains(t, told, pim.AuditDecision)
	require.Equal(t, pim.AuditEnd, told[len(told)-1])
	require.Equal(t, sc.want.already, c.Result.Already)
	require.Equal(t, sc.want.scheduled, c.Result.Scheduled)
	require.Equal(t, sc.want.noted, c.Result.Note != "", c.Result.Note)
	require.True(t, c.Result.Scheduled || c.Result.Confirmed, "it was seen")

	s.tenant.ForgetCalls()
	again, err := s.engine.Start(t.Context(), key, ask)
	require.NoError(t, err)
	require.Equal(t, c.Report(), s.finish(again.ID()).Report())
	require.Empty(t, s.calls(), "asked again, the same is the same")
}

// left compares what the principal has now with what is wanted, counted from when
// it was asked for. What the services delay by minutes may last minutes longer.
func (s *scene) left(began time.Time, w want) {
	t := s.t
	t.Helper()
	compare := func(what string, want time.Duration, have []simtenant.Access) {
		t.Helper()
		var got []time.Duration
		for _, a := range have {
			if a.PrincipalID == s.ada && strings.EqualFold(a.Scope, s.scope) && a.Role == s.roleID {
				if a.End.IsZero() {
					got = append(got, forEver)
				} else {
					got = append(got, a.End.Sub(began))
				}
			}
		}
		if want == 0 {
			require.Empty(t, got, what)
			return
		}
		require.Len(t, got, 1, what)
		require.InDelta(t, want, got[0], float64(15*time.Minute), what)
	}
	compare("eligible", w.eligible, s.tenant.Eligibilities())
	compare("active", w.active, s.tenant.Assignments())
}

// asked lists what PIM has stored, in its order, with the status of what was
// withdrawn.
func (s *scene) asked() string {
	var out []string
	for _, r := range s.tenant.Requests() {
		line := string(r.Kind) + " " + string(r.Action)
		if r.Status == "Canceled" {
			line += " Canceled"
		}
		out = append(out, line)
	}
	return strings.Join(out, ", ")
}

// scene is one plane of the world, with a role on it.
type scene struct {
	*world
	plane               pim.Plane
	scope, role, roleID string
}

// onPlanes runs a test on each plane, in a world of its own and in virtual time.
func onPlanes(t *testing.T, test func(s *scene), options ...func(*simtenant.Options)) {
	t.Helper()
	for _, plane := range pim.Planes() {
		t.Run(string(plane), func(t *testing.T) {
			inTime(t, func(t *testing.T) { test(newScene(t, plane, options...)) })
		})
	}
}

func newScene(t *testing.T, plane pim.Plane, options ...func(*simtenant.Options)) *scene {
	t.Helper()
	s := &scene{world: newWorld(t, options...), plane: plane}
	switch plane {
	case pim.Azure:
		s.scope, s.role, s.roleID = s.sub, "Contributor", simtenant.RoleContributor
	case pim.Directory:
		s.scope, s.role, s.roleID = "/", "Groups Administrator", simtenant.RoleGroupsAdmin
	case pim.Group:
		s.scope, s.role, s.roleID = s.group, "member", "member"
	}
	return s
}

// grant is an arrangement to seed; it lasts for ever if lasts is zero.
func (s *scene) grant(principal string, ago, lasts time.Duration) simtenant.Grant {
	return simtenant.Grant{Plane: simtenant.Plane(s.plane), Scope: s.scope, Role: s.roleID, Principal: principal, Ago: ago, For: lasts}
}

// request is one for the scene's role, from JSON so that it is checked.
func (s *scene) request(id, principal, rest string) pim.Request {
	s.t.Helper()
	rest = strings.ReplaceAll(rest, "$tomorrow", time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339))
	var r pim.Request
	err := r.UnmarshalJSON(fmt.Appendf(nil, `{"id":%q,"plane":%q,"scope":%q,"role":%q,"principalId":%q,"justification":"because",%s}`,
		id, s.plane, s.scope, s.role, principal, rest))
	require.NoError(s.t, err)
	return r
}
