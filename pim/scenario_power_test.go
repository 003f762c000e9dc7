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

// wildRules let whoever has a key give anybody anything that a wildcard allows.
const wildRules = `
version: 1
rules:
  - name: anything
    effect: allow
    actions: [grant, makeEligible, activate, assign, deactivate]
    callers: [{anyKey: true}]
    principals: [{any: true, types: [user, group]}]
    planes: [azure, directory, group]
    scopes: ["/", "*"]
    roles: ["*"]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
    justification: {required: false}
    waives: [mfa]
`

// why lists the codes for which a change was refused.
func why(c pim.Change) []pim.ReasonCode {
	var out []pim.ReasonCode
	if c.Fault != nil {
		for _, r := range c.Fault.Reasons {
			out = append(out, r.Code)
		}
	}
	return out
}

// What a role of Azure may do says its definition: wildcards count, and so does what
// is taken out of them.
func TestACustomRoleThatGivesRolesIsNoPartOfAWildcard(t *testing.T) {
	for _, tt := range []struct {
		name             string
		actions, without []string
		gives            bool
	}{
		{"reads", []string{"*/read"}, nil, false},
		{"everything but access, as Contributor", []string{"*"}, []string{"Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete", "Microsoft.Authorization/elevateAccess/Action"}, false},
		{"everything", []string{"*"}, nil, true},
		{"everything but some of it", []string{"*"}, []string{"Microsoft.Authorization/roleAssignments/*"}, true},
		{"everything but what elevates", []string{"*"}, []string{"Microsoft.Authorization/*/write"}, true},
		{"role assignments", []string{"microsoft.authorization/ROLEASSIGNMENTS/write"}, nil, true},
		{"role assignments by a wildcard in the middle", []string{"Microsoft.Auth*/roleAss*/write"}, nil, true},
		{"whatever is called assignments", []string{"Microsoft.*Assignments/write"}, nil, true},
		{"all of authorization", []string{"Microsoft.Authorization/*"}, nil, true},
		{"definitions of roles", []string{"Microsoft.Authorization/roleDefinitions/write"}, nil, true},
		{"requests to PIM", []string{"Microsoft.Authorization/roleEligibilityScheduleRequests/*"}, nil, true},
		{"activations", []string{"Microsoft.Authorization/roleAssignmentScheduleRequests/write"}, nil, true},
		{"elevation", []string{"Microsoft.Authorization/elevateAccess/action"}, nil, true},
		{"reading of assignments", []string{"Microsoft.Authorization/roleAssignments/read"}, nil, false},
		{"what only begins so", []string{"Microsoft.Authorization/roleAssignments/writer", "Microsoft.Authorization/roleAssignments"}, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.rules(wildRules)
				id := w.tenant.AddRole(simtenant.Role{Name: "Deployer", Actions: tt.actions, NotActions: tt.without, Scopes: []string{w.sub}})
				for i, role := range []string{id, "Deployer"} {
					c := w.drive(w.ask(fmt.Sprint("CR", i), pim.Assign, w.rg, role, `"duration":"PT1H"`))
					if tt.gives {
						require.Equal(t, []pim.ReasonCode{pim.NoMatch, pim.EscalatingRole}, why(c))
						require.Zero(t, w.effects())
					} else {
						require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
					}
				}
				if !tt.gives {
					return
				}
				w.rules(strings.Replace(wildRules, `"*"]`+"\n    elig", id+"]\n    elig", 1))
				c := w.drive(w.ask("CR9", pim.Assign, w.rg, "Deployer", `"duration":"PT1H"`))
				require.Equal(t, pim.Done, c.State, "a rule that names it: %+v", c.Fault)
			})
		})
	}
}

// The definition is read once in five minutes, for rules with a wildcard alone, and
// one that cannot be read allows nothing.
func TestADefinitionIsReadWhereAWildcardNeedsIt(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(wildRules)
		id := w.tenant.AddRole(simtenant.Role{Name: "Looker", Actions: []string{"*/read"}, Scopes: []string{w.sub}})
		reads := func(role string) int {
			w.tenant.ForgetCalls()
			_, err := w.engine.Plan(t.Context(), key, w.ask("", pim.Assign, w.rg, role, `"duration":"PT1H"`))
			require.NoError(t, err)
			n := 0
			for _, c := range w.tenant.Calls() {
				if strings.Contains(c.Path, "/roleDefinitions") {
					n++
				}
			}
			return n
		}
		require.Equal(t, 0, reads("Contributor"))
		require.Equal(t, 1, reads("Looker"), "looked up by its name, it has been read")
		require.Equal(t, 0, reads("Looker"))
		require.Equal(t, 0, reads(id))
		time.Sleep(6 * time.Minute)
		require.Equal(t, 1, reads(id))
		w.rules(strings.Replace(wildRules, `"*"]`+"\n    elig", id+"]\n    elig", 1))
		time.Sleep(6 * time.Minute)
		require.Equal(t, 0, reads(id), "a rule that names it need not know")

		w.rules(wildRules)
		w.tenant.Inject(simtenant.Fault{Path: "/roleDefinitions/", Status: 403, Code: "AuthorizationFailed", Times: simtenant.Always})
		c := w.drive(w.ask("CR1", pim.Assign, w.rg, id, `"duration":"PT1H"`))
		require.Equal(t, []pim.ReasonCode{pim.Unproven}, why(c))
	})
}

// Who gets into a group holds what it holds.
func TestNobodyGetsByAGroupWhatNoRuleNames(t *testing.T) {
	azure := func(role string) func(w *world) {
		return func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: role, Principal: w.group})
		}
	}
	outer := func(w *world) string {
		g := w.tenant.AddGroup(simtenant.Group{Name: "outer"})
		w.tenant.Assign(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: g})
		return g
	}
	for _, tt := range []struct {
		name  string
		given func(w *world)
		want  []pim.ReasonCode // nil: it is given
		says  string           // of a rule that gives it all the same
	}{
		{name: "nothing", given: func(*world) {}},
		{name: "a role that gives nothing on", given: azure("Contributor")},
		{name: "Owner", given: azure("Owner"), want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "an eligibility for Owner", given: func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.group})
		}, want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "Owner of a resource group", given: func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Owner", Principal: w.group})
		}, want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "Owner of another subscription", given: func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: w.tenant.AddSubscription("", "other", ""), Role: "Owner", Principal: w.group})
		}, want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "Owner at the root", given: func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: "/", Role: "Owner", Principal: w.group})
		}, want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "Owner by the group that it lies in", given: func(w *world) { w.tenant.AddMember(outer(w), w.group) },
			want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "Owner by a group that it may get into", given: func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: outer(w), Role: "member", Principal: w.group})
		}, want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "a custom role that gives roles", given: func(w *world) {
			azure(w.tenant.AddRole(simtenant.Role{Name: "Deployer", Actions: []string{"Microsoft.Authorization/*"}, Scopes: []string{w.sub}}))(w)
		}, want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "a custom role that gives none", given: func(w *world) {
			azure(w.tenant.AddRole(simtenant.Role{Name: "Looker", Actions: []string{"*/read"}, Scopes: []string{w.sub}}))(w)
		}},
		{name: "a directory role", given: func(w *world) {
			w.group = w.tenant.AddGroup(simtenant.Group{Name: "admins", RoleAssignable: true})
			w.tenant.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleUserAdmin, Principal: w.group})
		}, want: []pim.ReasonCode{pim.EscalatingRole}, says: "escalating"},
		{name: "a directory role that only reads", given: func(w *world) {
			w.group = w.tenant.AddGroup(simtenant.Group{Name: "readers", RoleAssignable: true})
			w.tenant.Assign(simtenant.Grant{Plane: simtenant.PlaneDirectory, Scope: "/", Role: simtenant.RoleGlobalReader, Principal: w.group})
		}},
		{name: "a role over our own resource group", given: func(w *world) {
			w.engine.Guard.ResourceGroup = scope(w.t, pim.Azure, w.rg)
			w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.group})
		}, want: []pim.ReasonCode{pim.OurScope}, says: "ourScope"},
		{name: "a role over what contains it", given: func(w *world) {
			w.engine.Guard.ResourceGroup = scope(w.t, pim.Azure, w.rg)
			azure("Reader")(w)
		}, want: []pim.ReasonCode{pim.OurScope}, says: "ourScope"},
		{name: "a role beside it", given: func(w *world) {
			w.engine.Guard.ResourceGroup = scope(w.t, pim.Azure, w.rg)
			w.tenant.Assign(simtenant.Grant{Scope: w.tenant.AddResourceGroup(w.sub, "bank"), Role: "Contributor", Principal: w.group})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				w.rules(wildRules)
				tt.given(w)
				c := w.drive(w.ask("CR1", pim.Grant, w.group, "member"))
				if tt.want == nil {
					require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
					return
				}
				require.Equal(t, append([]pim.ReasonCode{pim.NoMatch}, tt.want...), why(c), "%+v", c.Fault)
				require.Zero(t, w.effects())
				w.rules(wildRules + "    " + tt.says + ": true\n")
				c = w.drive(w.ask("CR2", pim.Grant, w.group, "member"))
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
			})
		})
	}
}

// What a group holds takes many calls to read: it is read last, once in five minutes,
// and not at all where a rule says that it need not be known.
func TestWhatAGroupHoldsIsReadLastAndRemembered(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(wildRules)
		lists := func(edits ...string) int {
			w.tenant.ForgetCalls()
			_, err := w.engine.Plan(t.Context(), key, w.ask("", pim.Grant, w.group, "member", edits...))
			require.NoError(t, err)
			n := 0
			for _, c := range w.tenant.Calls() {
				if strings.HasPrefix(c.Path, "/subscriptions") || strings.HasPrefix(c.Path, "/v1.0/groups/") {
					n++
				}
			}
			return n
		}
		require.Zero(t, lists(`"duration":"PT9H"`), "it is refused anyway")
		require.Equal(t, 4, lists(), "the group, the subscriptions, and both sides of the one: %v", w.calls())
		require.Zero(t, lists())
		time.Sleep(6 * time.Minute)
		require.Equal(t, 4, lists())

		w.rules(wildRules + "    escalating: true\n")
		time.Sleep(6 * time.Minute)
		require.Zero(t, lists())
		w.rules(wildRules)
		for _, fault := range []simtenant.Fault{
			{Path: "/subscriptions", Method: http.MethodGet, Status: 403, Code: "AuthorizationFailed", Times: simtenant.Always},
			{Path: "roleEligibilityScheduleInstances", Status: 400, Code: "InsufficientPermissions", Times: simtenant.Always},
			{Path: "/v1.0/groups/", Status: 403, Code: "Authorization_RequestDenied", Times: simtenant.Always},
		} {
			time.Sleep(6 * time.Minute)
			w.tenant.Inject(fault)
			d, err := w.engine.Plan(t.Context(), key, w.ask("", pim.Grant, w.group, "member"))
			require.NoError(t, err)
			require.Equal(t, []pim.ReasonCode{pim.Unproven}, codes(d), "%+v", d)
			w.tenant.ClearFaults()
		}
	})
}

// Approvers, administrators and the protected are not made by way of a group within
// theirs, nor by administering it.
func TestNobodyIsMadeAnApproverByWayOfAnotherGroup(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		approvers := w.tenant.AddGroup(simtenant.Group{Name: "approvers"})
		admins := w.tenant.AddGroup(simtenant.Group{Name: "admins"})
		middle := w.tenant.AddGroup(simtenant.Group{Name: "middle"})
		aside := w.tenant.AddGroup(simtenant.Group{Name: "aside"})
		waiting := w.tenant.AddGroup(simtenant.Group{Name: "waiting"})
		w.tenant.AddMember(approvers, middle)
		w.tenant.AddMember(middle, w.group)
		w.tenant.MakeEligible(simtenant.Grant{Plane: simtenant.PlaneGroup, Scope: approvers, Role: "member", Principal: waiting})
		w.engine.Guard.AdminGroups = []string{admins}
		w.rules(strings.Replace(wildRules, `["*"]`+"\n    elig", `[Groups Administrator, "*"]`+"\n    elig", 1) + `
  - name: approved
    effect: allow
    actions: [activate]
    callers: [{anyUser: true}]
    principals: [{self: true}]
    planes: [azure]
    scopes: ["/"]
    roles: [Owner]
    maxDuration: PT4H
    approval: {group: ` + approvers + `}
`)
		into := func(id, group string) pim.Change {
			r := w.ask(id, pim.Grant, w.group, "member")
			r.Scope = scope(t, pim.Group, group)
			return w.drive(r)
		}
		require.Equal(t, []pim.ReasonCode{pim.ApproverGroup}, why(into("CR1", approvers)))
		require.Equal(t, []pim.ReasonCode{pim.ApproverGroup}, why(into("CR2", w.group)))
		require.Equal(t, []pim.ReasonCode{pim.ApproverGroup}, why(into("CR3", waiting)), "its members could activate it")
		require.Equal(t, []pim.ReasonCode{pim.OurIdentity}, why(into("CR4", admins)))
		c := into("CR5", aside)
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)

		r := w.ask("CR6", pim.Assign, w.rg, "Reader", `"duration":"PT1H"`)
		r.Principal = middle
		require.Equal(t, []pim.ReasonCode{pim.ApproverGroup}, why(w.drive(r)), "approvers would gain it")
		r.ID, r.Principal = "CR7", aside
		c = w.drive(r)
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)

		r = w.ask("CR8", pim.Assign, "/", "Groups Administrator", `"duration":"PT1H"`)
		r.Scope = scope(t, pim.Directory, "/"+w.group)
		require.Equal(t, []pim.ReasonCode{pim.ApproverGroup}, why(w.drive(r)), "over who is in it")
		r.ID, r.Scope = "CR9", scope(t, pim.Directory, "/"+admins)
		require.Equal(t, []pim.ReasonCode{pim.OurIdentity}, why(w.drive(r)))
	})
}

// A caller whom no rule knows spends none of our calls, and learns nothing of what is
// there: neither by asking nor by asking what would be.
func TestWhomNoRuleKnowsCostsNoCall(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		w.rules(wildRules)
		stranger := pim.Caller{Kind: pim.CallerQueue, ID: "pim-requests"}
		var answers [][]pim.Reason
		for i, role := range []string{"Virtual Machine Contributor", "no such role"} {
			r := w.ask(fmt.Sprint("CR", i), pim.Assign, w.sub, role, `"duration":"PT1H"`)
			d, err := w.engine.Plan(t.Context(), stranger, r)
			require.NoError(t, err)
			require.False(t, d.Allowed)
			answers = append(answers, d.Reasons)
			c, err := w.engine.Start(t.Context(), stranger, r)
			require.NoError(t, err)
			require.Equal(t, pim.Refused, w.finish(c.ID()).State)
		}
		require.Equal(t, answers[0], answers[1])
		require.Empty(t, w.tenant.Calls())
	})
}
