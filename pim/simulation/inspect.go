package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// inspect looks at the world once everything has come to its end: what stands in the
// tenant, what the journal says of it, and what was told.
func (w *world) inspect() {
	for _, id := range slices.Sorted(maps.Keys(w.watch.latest)) {
		w.inspectChange(w.watch.latest[id])
	}
	for _, id := range slices.Sorted(maps.Keys(w.wants)) {
		if w.watch.latest[id].ID() == "" {
			w.watch.broken("%s: it was asked for, and the ledger does not know of it", id)
		}
	}
	w.inspectTenant()
}

// inspectChange holds what was told of a change to what the journal says.
func (w *world) inspectChange(c pim.Change) {
	for g := 1; g <= c.Generation; g++ {
		var ends []pim.EventType
		for _, id := range slices.Sorted(maps.Keys(w.watch.events)) {
			e := w.watch.events[id]
			if final(e.Type) && strings.HasPrefix(e.ID, fmt.Sprintf("%s/%d/", c.ID(), g)) {
				ends = append(ends, e.Type)
			}
		}
		if len(ends) != 1 {
			w.watch.broken("%s: run %d has %d end outcomes: %v", c.ID(), g, len(ends), ends)
			continue
		}
		state := map[pim.EventType]pim.State{pim.EventGranted: pim.Done, pim.EventEnded: pim.Done, pim.EventRefused: pim.Refused, pim.EventFailed: pim.Failed}[ends[0]]
		if g == c.Generation && state != c.State {
			w.watch.broken("%s: it ended %s, and was told as %s", c.ID(), c.State, ends[0])
		}
	}
	if c.Lease != (pim.Lease{}) {
		w.watch.broken("%s: it has ended, and %s still holds it", c.ID(), c.Lease.Worker)
	}
}

// inspectTenant holds what stands to what people wanted.
func (w *world) inspectTenant() {
	stands := w.stands()
	wanted := 0
	for _, s := range w.slots {
		wanted += w.inspectSlot(s, stands, simtenant.Eligibility, s.eligible)
		wanted += w.inspectSlot(s, stands, simtenant.Assignment, s.active)
		later := 0
		for _, r := range w.tenant.Requests() {
			if s.holds(r.Access) && r.Status == "Granted" && r.Start.After(w.tenant.Now()) {
				later++
			}
		}
		if later != count(s.pending) {
			w.watch.broken("%s: %d activations are arranged for later, and not %d", s.name, later, count(s.pending))
		}
	}
	if len(stands) != wanted {
		w.watch.broken("%d things stand in the tenant, and %d were wanted", len(stands), wanted)
	}
	w.inspectRequests()
	// Whatever an engine gave ends by itself, with nobody there to end it.
	w.tenant.Advance(32 * 24 * time.Hour)
	for _, a := range w.stands() {
		w.watch.broken("%s of %s at %s for %s never ends", a.Kind, a.Role, a.Scope, a.PrincipalID)
	}
}

// stands is what people have in the tenant, whether or not lists show it.
func (w *world) stands() []simtenant.Access {
	all := slices.Concat(w.tenant.Eligibilities(), w.tenant.Assignments())
	return slices.DeleteFunc(all, func(a simtenant.Access) bool { return a.PrincipalID == w.app })
}

// inspectSlot holds one side of a slot to what was wanted, and returns how much that is.
func (w *world) inspectSlot(s *slot, stands []simtenant.Access, k simtenant.Kind, want bool) int {
	n := 0
	for _, a := range stands {
		if s.holds(a) && a.Kind == k {
			n++
		}
	}
	if n != count(want) {
		w.watch.broken("%s: %d times %s stands of %s at %s for %s, and not %d", s.name, n, k, s.role, s.scope, s.principal, count(want))
	}
	return count(want)
}

// inspectRequests holds every request that the tenant keeps to the journal.
func (w *world) inspectRequests() {
	kept := w.tenant.Requests()
	if len(kept) != len(w.watch.stored) {
		w.watch.broken("PIM keeps %d requests, and %d were announced", len(kept), len(w.watch.stored))
	}
	for _, r := range kept {
		if r.RequestorID != w.app {
			w.watch.broken("PIM keeps a request of %s, whom nobody knows", r.RequestorID)
		}
		if r.Action != simtenant.AdminRemove && (r.End.IsZero() || r.End.Sub(r.Start) > 31*24*time.Hour) {
			w.watch.broken("PIM keeps a request for longer than was asked: %s to %s", r.Start, r.End)
		}
	}
}

// holds reports whether an access is the slot's.
func (s *slot) holds(a simtenant.Access) bool {
	role := s.role
	switch {
	case s.plane == pim.Directory:
		role = simtenant.RoleGroupsAdmin
	case s.plane == pim.Azure:
		role = azureRoles[s.role]
	}
	return a.Plane == simtenant.Plane(s.plane) && strings.EqualFold(a.Scope, s.scope) && a.Role == role && a.PrincipalID == s.principal
}

var azureRoles = map[string]string{freeRole: simtenant.RoleContributor, approvedRole: simtenant.RoleReader, deniedRole: "4633458b-17de-408a-b874-0445c86b69e6"}
