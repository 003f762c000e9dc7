package simtenant

import (
	"cmp"
	"slices"
	"strings"
)

// scheduleBook keeps schedules in the order in which they were made, and finds those
// that a call is about without reading the others: there may be tens of thousands.
type scheduleBook struct {
	all      []*schedule
	byID     map[scheduleKey]*schedule
	byPlace  map[place][]*schedule
	byHolder map[string][]*schedule
	byHome   map[home][]*schedule
	made     int
}

type scheduleKey struct {
	plane Plane
	kind  Kind
	id    string
}

// home is the part of a plane that a scope lies in: a subscription, or a group.
// It is empty for what lies in none.
type home struct {
	plane Plane
	id    string
}

func newScheduleBook() scheduleBook {
	return scheduleBook{
		byID: map[scheduleKey]*schedule{}, byPlace: map[place][]*schedule{},
		byHolder: map[string][]*schedule{}, byHome: map[home][]*schedule{},
	}
}

// folded is the place in the one spelling that compares equal for equal places: no
// service compares ids with case.
func (p place) folded() place {
	p.scope, p.role, p.principal = strings.ToLower(p.scope), strings.ToLower(p.role), strings.ToLower(p.principal)
	return p
}

func (p place) home() home {
	switch p.plane {
	case PlaneAzure:
		return home{p.plane, strings.ToLower(subscriptionOf(p.scope))}
	case PlaneGroup:
		return home{p.plane, strings.ToLower(p.scope)}
	}
	return home{plane: p.plane}
}

func (s *schedule) key() scheduleKey { return scheduleKey{s.plane, s.kind, strings.ToLower(s.id)} }

func (b *scheduleBook) add(s *schedule) {
	b.made++
	s.number = b.made
	at := s.folded()
	b.all = append(b.all, s)
	b.byID[s.key()] = s
	b.byPlace[at] = append(b.byPlace[at], s)
	b.byHolder[at.principal] = append(b.byHolder[at.principal], s)
	b.byHome[s.home()] = append(b.byHome[s.home()], s)
}

// drop takes a schedule away as if it had never been.
func (b *scheduleBook) drop(s *schedule) {
	s.expiryTold = true // nobody is told of what never was
	at := s.folded()
	b.all = without(b.all, s)
	delete(b.byID, s.key())
	b.byPlace[at] = without(b.byPlace[at], s)
	b.byHolder[at.principal] = without(b.byHolder[at.principal], s)
	b.byHome[s.home()] = without(b.byHome[s.home()], s)
}

func without(list []*schedule, s *schedule) []*schedule {
	i, found := slices.BinarySearchFunc(list, s, inOrder)
	if !found {
		return list
	}
	return slices.Delete(list, i, i+1)
}

func inOrder(a, b *schedule) int { return cmp.Compare(a.number, b.number) }

// rename gives a schedule another id.
func (b *scheduleBook) rename(s *schedule, id string) {
	delete(b.byID, s.key())
	s.id = id
	b.byID[s.key()] = s
}

// at are the schedules at just this place.
func (b *scheduleBook) at(p place) []*schedule { return b.byPlace[p.folded()] }

// of are the schedules of some principals, or all of them.
func (b *scheduleBook) of(who circle) []*schedule {
	if who == nil {
		return b.all
	}
	var list []*schedule
	for id := range who {
		list = append(list, b.byHolder[id]...)
	}
	slices.SortFunc(list, inOrder)
	return list
}

// near are the schedules of some principals that can lie above, at or below an Azure
// scope: a tenant of many subscriptions is not searched as a whole for a list in one
// of them. What lies above all subscriptions comes first.
func (b *scheduleBook) near(scope string, who circle) []*schedule {
	in, above := place{plane: PlaneAzure, scope: scope}.home(), home{plane: PlaneAzure}
	switch {
	case in == above:
		return b.of(who)
	case who == nil:
		return slices.Concat(b.byHome[above], b.byHome[in])
	}
	var out, inside []*schedule
	for _, s := range b.of(who) {
		switch s.home() {
		case above:
			out = append(out, s)
		case in:
			inside = append(inside, s)
		}
	}
	return append(out, inside...)
}
