package simtenant

import (
	"slices"
)

// collection is one kind of PIM's schedules on one plane of Graph, with its
// requests and instances.
type collection struct {
	plane Plane
	kind  Kind
}

// The nouns of a collection, as they end its paths.
const (
	nounRequests  = "ScheduleRequests"
	nounSchedules = "Schedules"
	nounInstances = "ScheduleInstances"
)

// path is where a noun is served, below the version.
func (s collection) path(noun string) string {
	if s.plane == PlaneGroup {
		return "identityGovernance/privilegedAccess/group/" + string(s.kind) + noun
	}
	if s.kind == Eligibility {
		return "roleManagement/directory/roleEligibility" + noun
	}
	return "roleManagement/directory/roleAssignment" + noun
}

// entity is the type of one item of a noun.
func (s collection) entity(noun string) string {
	kind := "Assignment"
	if s.kind == Eligibility {
		kind = "Eligibility"
	}
	noun = noun[:len(noun)-1]
	if s.plane == PlaneGroup {
		return "privilegedAccessGroup" + kind + noun
	}
	return "unifiedRole" + kind + noun
}

// permission is the name of one of the collection's permissions.
func (s collection) permission(verb string) string {
	kind := "AssignmentSchedule."
	if s.kind == Eligibility {
		kind = "EligibilitySchedule."
	}
	if s.plane == PlaneGroup {
		return "Privileged" + kind + verb + ".AzureADGroup"
	}
	return "Role" + kind + verb + ".Directory"
}

// writers let requests be made and listed, changers without those that only end
// things, readers let schedules be read.
func (s collection) writers() []string { return append(s.changers(), s.permission("Remove")) }

func (s collection) changers() []string {
	list := []string{s.permission("ReadWrite")}
	if s.plane == PlaneDirectory {
		list = append(list, "RoleManagement.ReadWrite.Directory")
	}
	return list
}

func (s collection) readers() []string {
	list := []string{s.permission("Read")}
	if s.plane == PlaneDirectory {
		list = append(list, "RoleManagement.Read.Directory", "RoleManagement.Read.All")
	}
	return slices.Concat(list, s.changers())
}

// routes are the paths of the collection.
func (s collection) routes() []graphRoute {
	const version, own = "v1.0/", "/filterByCurrentUser(on='{on}')"
	requests := version + s.path(nounRequests)
	list := []graphRoute{
		{post, requests, s.postRequest},
		{get, requests, s.listRequests},
		{get, requests + own, s.ownRequests},
		{get, requests + "/{id}", s.getRequest},
		{post, requests + "/{id}/cancel", s.cancelRequest},
	}
	for _, noun := range []string{nounSchedules, nounInstances} {
		v := scheduleView{s, noun}
		list = append(list,
			graphRoute{get, version + s.path(noun), v.list},
			graphRoute{get, version + s.path(noun) + own, v.own},
			graphRoute{get, version + s.path(noun) + "/{id}", v.get},
		)
	}
	return list
}

// pimRoutes are the paths of all collections.
func pimRoutes() []graphRoute {
	var list []graphRoute
	for _, plane := range []Plane{PlaneDirectory, PlaneGroup} {
		for _, kind := range []Kind{Assignment, Eligibility} {
			list = append(list, collection{plane, kind}.routes()...)
		}
	}
	return slices.Concat(list, roleApprovals.routes(), groupApprovals.routes(), betaApprovals.routes())
}
