package pim_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// team is a group that bob is in, of a kind that can hold a role on the plane.
func (s *scene) team() string {
	return s.tenant.AddGroup(simtenant.Group{Name: "team", Members: []string{s.bob}, RoleAssignable: s.plane == pim.Directory})
}

// What a group is eligible for, its members can activate, each for himself.
func TestMembersActivateWhatTheirGroupIsEligibleFor(t *testing.T) {
	onPlanes(t, func(s *scene) {
		t := s.t
		team := s.team()
		c := s.drive(s.request("CR1", team, `"action":"makeEligible","duration":"P7D"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(t, pim.Refused, s.drive(s.request("CR2", s.carl, `"action":"activate"`)).State, "who is not in it cannot")
		c = s.drive(s.request("CR3", s.bob, `"action":"activate","duration":"PT2H"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		c = s.drive(s.request("CR4", s.bob, `"action":"grant","duration":"PT1H"`))
		require.True(t, c.Result.Already)
		require.Equal(t, "eligibility AdminAssign, assignment AdminAssign", s.asked())
		require.Len(t, s.heldBy(s.bob), 1)
		require.Empty(t, s.heldBy(team), "not for all of them")

		// To the member belongs the activation, to the group the eligibility.
		require.True(t, s.drive(s.request("CR5", s.bob, `"action":"removeEligible"`)).Result.Already)
		require.Equal(t, pim.Done, s.drive(s.request("CR6", team, `"action":"removeEligible"`)).State)
		require.Empty(t, s.tenant.Eligibilities())
		require.Equal(t, pim.Done, s.drive(s.request("CR7", s.bob, `"action":"deactivate"`)).State)
		require.Empty(t, s.heldBy(s.bob))
	})
}

func TestMembersActivateByThemselvesWhatTheirGroupIsEligibleFor(t *testing.T) {
	onPlanes(t, func(s *scene) {
		team := s.team()
		s.signedIn(simtenant.WithMFA())
		s.tenant.MakeEligible(s.grant(team, 24*time.Hour, 0))
		c := s.finish(s.try(user(s.bob), s.request("CR1", s.bob, `"action":"activate","duration":"PT2H"`)).ID())
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(s.t, "assignment SelfActivate", s.asked())
	})
}

// What a group holds, its members hold.
func TestNobodyIsGivenWhatTheirGroupHolds(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.tenant.Assign(s.grant(s.team(), 24*time.Hour, 0))
		c := s.drive(s.request("CR1", s.bob, `"action":"grant","duration":"PT2H"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		require.True(s.t, c.Result.Already)
		c = s.drive(s.request("CR2", s.bob, `"action":"deactivate"`))
		require.True(s.t, c.Result.Already, "what the group holds is not bob's to lose")
		require.Empty(s.t, s.tenant.Requests())
	})
}

// A membership that PIM gives for hours brings what the group holds for as long.
func TestAMembershipBringsTheRolesOfTheGroup(t *testing.T) {
	for _, plane := range []pim.Plane{pim.Azure, pim.Directory} {
		t.Run(string(plane), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				held, member := newScene(t, plane), new(scene)
				*member = *held
				held.rules(openRules + "    escalating: true\n") // what the group holds counts as the directory role itself
				admins := held.tenant.AddGroup(simtenant.Group{Name: "admins", RoleAssignable: true})
				member.group = admins
				member.plane, member.scope, member.role, member.roleID = pim.Group, admins, "member", "member"
				held.tenant.Assign(held.grant(admins, 24*time.Hour, 0))

				c := member.drive(member.request("CR1", held.bob, `"action":"grant","duration":"PT1H"`))
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				c = held.drive(held.request("CR2", held.bob, `"action":"grant","duration":"PT1H"`))
				require.True(t, c.Result.Already, "bob has it by the group")
				time.Sleep(2 * time.Hour)
				c = held.drive(held.request("CR3", held.bob, `"action":"grant","duration":"PT1H"`))
				require.False(t, c.Result.Already, "the membership has ended")
			})
		})
	}
}

func TestOwnersAndMembersAreTwoThings(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Group)
		s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0)) // as a member
		owner := *s
		owner.role, owner.roleID = "owner", "owner"
		c := owner.drive(owner.request("CR1", s.bob, `"action":"activate"`))
		require.Equal(t, pim.Refused, c.State, "the eligibility is for a member")
		require.Equal(t, pim.NotEligible, c.Fault.Reasons[0].Code)
		for id, one := range map[string]*scene{"CR2": s, "CR3": &owner} {
			c = one.drive(one.request(id, s.bob, `"action":"grant","duration":"PT2H"`))
			require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		}
		c = owner.drive(owner.request("CR4", s.bob, `"action":"deactivate"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Empty(t, owner.heldBy(s.bob))
		require.Len(t, s.heldBy(s.bob), 1, "he stays a member")
	})
}

func TestAGroupComesUnderPIMWithItsFirstRequest(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Group)
		fresh := s.tenant.AddGroup(simtenant.Group{Name: "fresh", Members: []string{s.carl}})
		s.group, s.scope = fresh, fresh
		before, err := s.engine.Client.Policy(t.Context(), scope(t, pim.Group, fresh), pim.Role{ID: "owner"})
		require.NoError(t, err)
		c := s.drive(s.request("CR1", s.bob, `"action":"grant","duration":"PT2H"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		after, err := s.engine.Client.Policy(t.Context(), scope(t, pim.Group, fresh), pim.Role{ID: "owner"})
		require.NoError(t, err)
		require.NotEqual(t, before.ID, after.ID, "PIM has made other settings for it, owners included")
		c = s.drive(s.request("CR2", s.carl, `"action":"grant","duration":"PT2H"`))
		require.True(t, c.Result.Already, "whoever was in it is")
	})
}

func TestGroupsThatPIMCannotManage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		group simtenant.Group
		who   func(s *scene) string
	}{
		{"dynamic", simtenant.Group{Name: "x", Dynamic: true}, func(s *scene) string { return s.bob }},
		{"of another directory", simtenant.Group{Name: "x", OnPremises: true}, func(s *scene) string { return s.bob }},
		{"a group within one that can hold directory roles", simtenant.Group{Name: "x", RoleAssignable: true}, func(s *scene) string { return s.group }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				s := newScene(t, pim.Group)
				s.scope = s.tenant.AddGroup(tt.group)
				c := s.drive(s.request("CR1", tt.who(s), `"action":"grant"`))
				require.Equal(t, pim.Failed, c.State)
				require.Equal(t, pim.CodeInvalid, c.Fault.Code, "%+v", c.Fault)
				require.NotEmpty(t, c.Fault.Remedy)
				require.Empty(t, s.tenant.Requests())
			})
		})
	}
}

func TestRolesWithinAnAdministrativeUnit(t *testing.T) {
	inTime(t, func(t *testing.T) {
		s := newScene(t, pim.Directory)
		unit := *s
		unit.scope = s.tenant.AddAdministrativeUnit("Seattle")
		unit.role, unit.roleID = "User Administrator", simtenant.RoleUserAdmin
		s.role, s.roleID = unit.role, unit.roleID

		c := unit.drive(unit.request("CR1", s.bob, `"action":"grant","duration":"PT2H"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Len(t, unit.heldBy(s.bob), 1)
		require.Empty(t, s.heldBy(s.bob), "not over the whole directory")
		c = unit.drive(unit.request("CR2", s.bob, `"action":"deactivate"`))
		require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
		require.Empty(t, unit.heldBy(s.bob))

		// What is held over the whole directory is held in each of its units.
		s.tenant.Assign(s.grant(s.carl, time.Hour, 0))
		c = unit.drive(unit.request("CR3", s.carl, `"action":"grant","duration":"PT2H"`))
		require.True(t, c.Result.Already)
		c = unit.drive(unit.request("CR4", s.carl, `"action":"deactivate"`))
		require.True(t, c.Result.Already, "it is not held there")
		require.Len(t, s.heldBy(s.carl), 1)

		// Not every role can be held in a unit.
		unit.role = "Global Reader"
		c = unit.drive(unit.request("CR5", s.bob, `"action":"grant"`))
		require.Equal(t, pim.Failed, c.State)
		require.Equal(t, pim.CodeInvalid, c.Fault.Code, "%+v", c.Fault)
	})
}

// An eligibility for the whole directory lets a role be activated within a unit:
// that is less than it allows.
func TestAnEligibilityReachesBelowItsScope(t *testing.T) {
	for _, plane := range []pim.Plane{pim.Azure, pim.Directory} {
		t.Run(string(plane), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				s := newScene(t, plane)
				below := *s
				below.scope = s.rg
				if plane == pim.Directory {
					s.role, s.roleID = "User Administrator", simtenant.RoleUserAdmin
					below.scope, below.role, below.roleID = s.tenant.AddAdministrativeUnit("Seattle"), s.role, s.roleID
				}
				s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
				c := below.drive(below.request("CR1", s.bob, `"action":"activate","duration":"PT2H"`))
				require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
				require.Len(t, below.heldBy(s.bob), 1)
				require.Empty(t, s.heldBy(s.bob))
				c = s.drive(s.request("CR2", s.bob, `"action":"grant","duration":"PT1H"`))
				require.False(t, c.Result.Already, "what is held below is not held above")
			})
		})
	}
}

func TestCustomRolesAreFoundByName(t *testing.T) {
	for _, plane := range []pim.Plane{pim.Azure, pim.Directory} {
		t.Run(string(plane), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				s := newScene(t, plane)
				s.role = "Deployer's mate"
				if plane == pim.Azure {
					s.roleID = s.tenant.AddRole(simtenant.Role{Name: s.role, Actions: []string{"*/read"}, Scopes: []string{s.sub}})
				} else {
					s.roleID = s.tenant.AddDirectoryRole(s.role, "")
				}
				for i, action := range []string{"grant", "deactivate", "removeEligible"} {
					c := s.drive(s.request("CR"+string(rune('1'+i)), s.bob, `"action":"`+action+`"`))
					require.Equal(t, pim.Done, c.State, "%+v", c.Fault)
					require.Equal(t, s.roleID, c.Role.ID)
				}
				require.Empty(t, s.heldBy(s.bob))
				s.role = "deployer's MATE"
				require.Equal(t, pim.Done, s.drive(s.request("CR4", s.bob, `"action":"grant"`)).State)
			})
		})
	}
}

// A principal or role that was made a moment ago is not known everywhere.
func TestWhatIsFreshIsWaitedFor(t *testing.T) {
	onPlanes(t, func(s *scene) {
		who := s.tenant.AddUser(simtenant.User{Name: "new", FreshFor: 4 * time.Minute})
		c := s.drive(s.request("CR1", who, `"action":"grant","duration":"PT2H"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(s.t, "eligibility AdminAssign, assignment AdminAssign", s.asked())
		if s.plane == pim.Azure {
			s.role = "fresh"
			s.tenant.AddRole(simtenant.Role{Name: s.role, Actions: []string{"*/read"}, Scopes: []string{s.sub}, FreshFor: 4 * time.Minute})
			c = s.drive(s.request("CR2", s.bob, `"action":"grant","duration":"PT2H"`))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		}
	})
}

// ARM still believes in an activation for minutes after it was ended.
func TestWhatWasJustEndedIsGivenAgain(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.tenant.MakeEligible(s.grant(s.bob, 24*time.Hour, 0))
		for i, action := range []string{"grant", "deactivate", "grant", "deactivate", "grant"} {
			c := s.drive(s.request("CR"+string(rune('1'+i)), s.bob, `"action":"`+action+`"`))
			require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
			require.False(s.t, c.Result.Already, action)
			require.Equal(s.t, action == "grant", len(s.heldBy(s.bob)) == 1)
		}
	})
}

// The same access asked for by many at once is given once.
func TestTheSameAccessAskedForByTwoIsGivenOnce(t *testing.T) {
	onPlanes(t, func(s *scene) {
		t := s.t
		for _, id := range []string{"CR1", "CR2", "CR3"} {
			_, err := s.engine.Start(t.Context(), key, s.request(id, s.bob, `"action":"grant","duration":"PT2H"`))
			require.NoError(t, err)
		}
		for left := []string{"CR1", "CR2", "CR3"}; len(left) > 0; { // in turns, a step each
			var on []string
			next := time.Now().Add(time.Hour)
			for _, id := range left {
				c, err := s.engine.Advance(t.Context(), key, id)
				require.NoError(t, err)
				if !c.Ended() {
					on = append(on, id)
					if c.Due.Before(next) {
						next = c.Due
					}
				}
				require.NotEqual(t, pim.Failed, c.State, "%+v", c.Fault)
			}
			left = on
			time.Sleep(time.Until(next))
		}
		require.Equal(t, "eligibility AdminAssign, assignment AdminAssign", s.asked())
		require.Len(t, s.heldBy(s.bob), 1)
	})
}

// PIM can take a request and never get it done.
func TestARequestThatPIMNeverFinishesFails(t *testing.T) {
	onPlanes(t, func(s *scene) {
		s.tenant.Stall(s.bob)
		began := time.Now()
		c := s.drive(s.request("CR1", s.bob, `"action":"makeEligible","duration":"P1D"`))
		require.Equal(s.t, pim.Failed, c.State)
		require.Equal(s.t, pim.CodeBusy, c.Fault.Code, "%+v", c.Fault)
		require.Equal(s.t, "Granted", c.Fault.PIMCode)
		require.Less(s.t, time.Since(began), 3*time.Hour)
		c = s.drive(s.request("CR2", s.bob, `"action":"cancel"`))
		require.Equal(s.t, pim.Done, c.State, "%+v", c.Fault)
		require.Equal(s.t, "eligibility AdminAssign Canceled", s.asked())
	})
}
