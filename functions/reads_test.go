package functions_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// operators is a group that PIM manages.
const operators = "6d1c52aa-2b6f-4b4c-8e0b-5de1f1b0c9c4"

const groupsAdmin = "fdd7a751-b60b-444a-984c-02652fe8fa1c"

// newReads is an app whose tenant holds something on each plane: ada may activate and
// bob has, in a subscription, in the directory and in a group.
func newReads(t *testing.T) *app {
	a := newSignIn(t, rules)
	a.tenant.GrantAppRole(a.identity, "RoleManagement.Read.Directory", "RoleEligibilitySchedule.Read.Directory", "RoleAssignmentSchedule.Read.Directory",
		"PrivilegedEligibilitySchedule.Read.AzureADGroup", "PrivilegedAssignmentSchedule.Read.AzureADGroup",
		"RoleManagementPolicy.Read.Directory", "RoleManagementPolicy.Read.AzureADGroup")
	a.tenant.AddGroup(simtenant.Group{ID: operators, Name: "operators"})
	for _, p := range a.places() {
		for _, role := range p.roles {
			a.tenant.MakeEligible(simtenant.Grant{Plane: p.sim, Scope: p.scope, Role: role, Principal: a.ada, For: 24 * time.Hour})
			a.tenant.Assign(simtenant.Grant{Plane: p.sim, Scope: p.scope, Role: role, Principal: a.bob, For: 24 * time.Hour})
		}
	}
	time.Sleep(time.Hour) // until every listing shows it
	a.tenant.ForgetCalls()
	return a
}

type place struct {
	plane, scope string
	sim          simtenant.Plane
	roles        []string // as the tenant knows them
	name         string   // of the first, as people write it
}

func (a *app) places() []place {
	return []place{
		{"azure", a.sub, simtenant.PlaneAzure, []string{contributor, "acdd72a7-3385-48ef-bd42-f606fba81ae7"}, "Contributor"},
		{"directory", "/", simtenant.PlaneDirectory, []string{groupsAdmin, "62e90394-69f5-4237-9190-012177145e10"}, "Groups Administrator"},
		{"group", operators, simtenant.PlaneGroup, []string{"member", "owner"}, "member"},
	}
}

type page[T any] struct {
	Value []T
	Next  string
}

func get[T any](a *app, path string, query ...string) page[T] {
	a.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	rec := a.call(http.MethodGet, "/api/"+path+"?"+v.Encode(), "")
	require.Equal(a.t, http.StatusOK, rec.Code, rec.Body.String())
	return decoded[page[T]](a.t, rec.Body.Bytes())
}

type instance struct {
	Kind, Plane, Scope, PrincipalID string
	Role                            pim.Role
	End                             *time.Time
}

// held lists what p's roles are held by, as "kind principal role".
func shown(p page[instance]) []string {
	out := []string{}
	for _, i := range p.Value {
		out = append(out, i.Kind+" "+i.PrincipalID+" "+i.Role.ID)
	}
	slices.Sort(out)
	return out
}

func TestListingsShowWhoMayAndWhoHas(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newReads(t)
		for _, p := range a.places() {
			for list, kind := range map[string]string{"eligibilities": "eligibility " + a.ada, "assignments": "assignment " + a.bob} {
				both := []string{kind + " " + p.roles[0], kind + " " + p.roles[1]}
				slices.Sort(both)
				got := get[instance](a, list, "plane", p.plane, "scope", p.scope, "principal", kind[len(kind)-36:])
				require.Equal(t, both, shown(got), "%s on %s", list, p.plane)
				require.Equal(t, p.plane, got.Value[0].Plane)
				require.Equal(t, p.scope, got.Value[0].Scope)
				require.NotNil(t, got.Value[0].End)
				one := get[instance](a, list, "plane", p.plane, "scope", p.scope, "role", p.name, "principal", kind[len(kind)-36:])
				require.Equal(t, []string{kind + " " + p.roles[0]}, shown(one), "%s on %s by role", list, p.plane)
				none := get[instance](a, list, "plane", p.plane, "scope", p.scope, "principal", a.carl)
				require.Empty(t, none.Value)
				require.NotNil(t, none.Value, "an empty list is a list")
			}
		}
		for _, c := range a.tenant.Calls() {
			require.Equal(t, http.MethodGet, c.Method, "listing changes nothing: %s", c.Path)
			require.Equal(t, a.identity, c.Principal)
		}
	})
}

func TestRolesAndPoliciesOfEveryPlane(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newReads(t)
		for _, p := range a.places() {
			roles := get[pim.RoleDefinition](a, "roles", "plane", p.plane, "scope", p.scope, "limit", "1000").Value
			require.True(t, slices.ContainsFunc(roles, func(d pim.RoleDefinition) bool { return d.ID == p.roles[0] && d.Name == p.name }), "%s: %v", p.plane, roles)
			policies := get[struct {
				Scope string
				Role  pim.Role
				Rules []pim.PolicyRule
			}](a, "policies", "plane", p.plane, "scope", p.scope, "role", p.name).Value
			require.Len(t, policies, 1)
			require.Len(t, policies[0].Rules, 17)
			require.Equal(t, p.roles[0], policies[0].Role.ID)
			require.Equal(t, p.scope, policies[0].Scope)
		}
		rec := a.call(http.MethodGet, "/api/policies?scope="+a.sub, "")
		require.Equal(t, http.StatusBadRequest, rec.Code)
		require.Equal(t, "role", a.problem(rec).Field)
	})
}

// A long listing is read page by page, each item once.
func TestPagesHoldEachItemOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newReads(t)
		for i := range 23 {
			id := a.tenant.AddUser(simtenant.User{Name: fmt.Sprintf("user %d", i)})
			a.tenant.MakeEligible(simtenant.Grant{Scope: a.sub, Role: "Reader", Principal: id})
		}
		time.Sleep(time.Hour)
		all := shown(get[instance](a, "eligibilities", "scope", a.sub))
		require.Len(t, all, 25)
		var paged []string
		next, pages := "", 0
		for {
			p := get[instance](a, "eligibilities", "scope", a.sub, "limit", "7", "next", next)
			require.LessOrEqual(t, len(p.Value), 7)
			paged = append(paged, shown(p)...)
			if pages++; p.Next == "" {
				break
			}
			next = p.Next
		}
		slices.Sort(paged)
		require.Equal(t, all, paged)
		require.Equal(t, 4, pages)

		for bad, field := range map[string]string{"limit=0": "limit", "limit=1001": "limit", "limit=-1": "limit", "limit=x": "limit", "next=-1": "next", "next=x": "next"} {
			rec := a.call(http.MethodGet, "/api/eligibilities?scope="+a.sub+"&"+bad, "")
			require.Equal(t, http.StatusBadRequest, rec.Code, bad)
			require.Equal(t, field, a.problem(rec).Field)
		}
	})
}

func TestChangesAreListedByStateAndPrincipal(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		for i := range 5 {
			require.True(t, a.message("requests", fmt.Sprint("m-", i), a.request(fmt.Sprintf("CR%d", i)), 1))
		}
		require.True(t, a.message("requests", "m-x", fmt.Sprintf(`{"id":"CRx","action":"grant","scope":%q,"role":"Owner","principalId":%q,"justification":"because"}`, a.sub, a.identity), 1))
		a.settle()
		ids := func(query ...string) (out []string) {
			for next := ""; ; {
				p := get[pim.Report](a, "changes", append(query, "next", next, "limit", "2")...)
				for _, r := range p.Value {
					out = append(out, r.ID)
				}
				if next = p.Next; next == "" {
					return out
				}
			}
		}
		require.Equal(t, []string{"CR0", "CR1", "CR2", "CR3", "CR4", "CRx"}, ids())
		require.Equal(t, []string{"CR0", "CR1", "CR2", "CR3", "CR4"}, ids("principal", a.ada))
		require.Equal(t, []string{"CRx"}, ids("status", "refused"))
		require.Empty(t, ids("principal", a.carl))
		require.Empty(t, ids("status", "awaitingApproval"))
	})
}

func TestAuditListsWhatTheDirectoryWroteDown(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		require.True(t, a.message("requests", "m-1", a.request("CR1"), 1))
		a.settle()
		time.Sleep(30 * time.Minute) // the log is late
		events := get[pim.AuditEvent](a, "audit", "principal", a.ada).Value
		require.NotEmpty(t, events)
		require.Empty(t, get[pim.AuditEvent](a, "audit", "principal", a.carl).Value)
		later := time.Now().Format(time.RFC3339)
		require.Empty(t, get[pim.AuditEvent](a, "audit", "from", later).Value)
		require.NotEmpty(t, get[pim.AuditEvent](a, "audit", "to", later).Value)
		time.Sleep(55 * time.Hour) // the eligibility has ended too
		require.Empty(t, get[pim.AuditEvent](a, "audit").Value, "without from it is the last day")
	})
}

// What our identity may not read is our fault, and says what to do.
func TestMissingPermissionNamesItsRemedy(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		poor := a.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "poor", ManagedIdentity: true})
		a.app.Engine.Client = a.client(poor)
		for _, path := range []string{
			"eligibilities?plane=directory", "assignments?plane=directory", "roles?plane=directory", "policies?plane=directory&role=Groups+Administrator",
			"eligibilities?plane=group&scope=" + a.approvers, "policies?plane=group&role=member&scope=" + a.approvers,
			"eligibilities?scope=" + a.sub, "policies?role=Owner&scope=" + a.sub, "audit",
		} {
			rec := a.call(http.MethodGet, "/api/"+path, "")
			require.Equal(t, http.StatusBadGateway, rec.Code, "%s: %s", path, rec.Body)
			p := a.problem(rec)
			require.Equal(t, pim.CodeDenied, p.Code, path)
			require.NotEmpty(t, p.Remedy, path)
		}
	})
}

// A tenant that throttles or fails is told as such, with the time to come back.
func TestTroubleOfTheTenantIsTold(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newReads(t)
		a.tenant.Inject(simtenant.Fault{Status: http.StatusTooManyRequests, RetryAfter: 2 * time.Minute, Times: 100})
		rec := a.call(http.MethodGet, "/api/eligibilities?scope="+a.sub, "")
		require.Equal(t, http.StatusServiceUnavailable, rec.Code)
		require.Equal(t, pim.CodeBusy, a.problem(rec).Code)
		require.Equal(t, "120", rec.Header().Get("Retry-After"))
	})
}
