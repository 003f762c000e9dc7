package simtenant

import (
	"slices"
	"strings"
)

// requestBook keeps requests in the order in which they were made, as scheduleBook
// keeps schedules.
type requestBook struct {
	all      []*request
	byID     map[scheduleKey]*request
	byPlace  map[place][]*request
	byHolder map[string][]*request
}

func newRequestBook() requestBook {
	return requestBook{byID: map[scheduleKey]*request{}, byPlace: map[place][]*request{}, byHolder: map[string][]*request{}}
}

func (b *requestBook) add(r *request) {
	at := r.folded()
	b.all = append(b.all, r)
	r.number = len(b.all)
	b.byID[scheduleKey{r.plane, r.kind, strings.ToLower(r.id)}] = r
	b.byPlace[at] = append(b.byPlace[at], r)
	b.byHolder[at.principal] = append(b.byHolder[at.principal], r)
}

// of are the requests for some principals, or all of them.
func (b *requestBook) of(who circle) []*request {
	if who == nil {
		return b.all
	}
	var list []*request
	for id := range who {
		list = append(list, b.byHolder[id]...)
	}
	slices.SortFunc(list, func(a, b *request) int { return a.number - b.number })
	return list
}

// requestByID finds a request by plane, kind and id, or nil.
func (t *Tenant) requestByID(p Plane, k Kind, id string) *request {
	return t.requests.byID[scheduleKey{p, k, strings.ToLower(id)}]
}

// pendingAt finds a request that waits at a place, or nil.
func (t *Tenant) pendingAt(p place) *request {
	for _, r := range t.requests.byPlace[p.folded()] {
		if r.pending() {
			return r
		}
	}
	return nil
}
