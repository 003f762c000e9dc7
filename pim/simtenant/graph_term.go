package simtenant

import (
	"net/http"
	"regexp"
	"slices"
)

// fields are those by which the lists of the collection are filtered.
func (s collection) fields(more ...string) []string {
	if s.plane == PlaneGroup {
		return append([]string{"groupId", "principalId", "accessId"}, more...)
	}
	list := []string{"principalId", "roleDefinitionId", "directoryScopeId"}
	if slices.Contains(more, "status") {
		list = append(list, "status")
	}
	return list
}

var orderByCreation = regexp.MustCompile(`^createdDateTime( asc| desc)?$`)

// listTerms reads the filter of a list about others. A group's lists demand a
// group or a principal, and alone take $orderby.
func (s collection) listTerms(c *graphCall, noun string, more ...string) ([]comparison, *refusal) {
	text := c.query.Get("$filter")
	terms, ok := parseComparisons(text, s.fields(more...)...)
	if !ok {
		return nil, invalidFilter(text)
	}
	if err := s.checkOrder(c, noun); err != nil {
		return nil, err
	}
	if s.plane == PlaneGroup && termValue(terms, "groupId") == "" && termValue(terms, "principalId") == "" {
		return nil, &refusal{http.StatusBadRequest, "InvalidFilter", "The filter must have groupId or principalId."}
	}
	return terms, nil
}

// narrowed is the circle that a list has to search: the one principal, if the filter
// names one.
func narrowed(who circle, terms []comparison) circle {
	if id := termValue(terms, "principalId"); id != "" {
		return alone(id)
	}
	return who
}

// checkOrder refuses $orderby but on the requests for groups.
func (s collection) checkOrder(c *graphCall, noun string) *refusal {
	order := c.query.Get("$orderby")
	if order != "" && (s.plane != PlaneGroup || noun != nounRequests || !orderByCreation.MatchString(order)) {
		return refuse("InvalidFilter", "The $orderby "+order+" is invalid.")
	}
	return nil
}

// termValue is the value that a field has to have, or empty.
func termValue(terms []comparison, field string) string {
	for _, c := range terms {
		if c.field == field {
			return c.value
		}
	}
	return ""
}

// placeField reads a field of a place as the plane names it.
func (s collection) placeField(p place, name string) string {
	switch name {
	case "principalId":
		return p.principal
	case "roleDefinitionId", "accessId":
		return p.role
	}
	return p.scope
}

func (s collection) requestField(r *request) func(string) string {
	return func(name string) string {
		switch name {
		case "status":
			return r.status
		case "targetScheduleId":
			return s.targetID(r)
		}
		return s.placeField(r.place, name)
	}
}
