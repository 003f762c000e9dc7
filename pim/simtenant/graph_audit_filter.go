package simtenant

import (
	"regexp"
	"strings"
	"time"
)

// The terms that the audit log takes, beside equalities of texts.
var (
	auditTime   = regexp.MustCompile(`^activityDateTime (eq|ge|le) (\S+)$`)
	auditPrefix = regexp.MustCompile(`^startswith\(activityDisplayName, ?'((?:[^']|'')*)'\)$`)
	auditTarget = regexp.MustCompile(`^targetResources/any\((\w+): ?(\w+)/id eq '([^']*)'\)$`)
)

// parseAuditFilter reads a filter of the audit log: terms joined by "and".
func parseAuditFilter(text string) (passes func(Event) bool, ok bool) {
	var tests []func(Event) bool
	terms, ok := conjuncts(text)
	if !ok {
		return nil, false
	}
	for _, term := range terms {
		test := auditTest(term)
		if test == nil {
			return nil, false
		}
		tests = append(tests, test)
	}
	return func(e Event) bool {
		for _, test := range tests {
			if !test(e) {
				return false
			}
		}
		return true
	}, true
}

// auditTest is one term, nil if the log does not take it.
func auditTest(term string) func(Event) bool {
	if m := auditTime.FindStringSubmatch(term); m != nil {
		at, err := time.Parse(time.RFC3339, m[2])
		if err != nil {
			return nil
		}
		switch m[1] {
		case "ge":
			return func(e Event) bool { return !e.Time.Before(at) }
		case "le":
			return func(e Event) bool { return !e.Time.After(at) }
		}
		return func(e Event) bool { return e.Time.Equal(at) }
	}
	if m := auditPrefix.FindStringSubmatch(term); m != nil {
		return func(e Event) bool { return strings.HasPrefix(e.Activity, strings.ReplaceAll(m[1], "''", "'")) }
	}
	if m := auditTarget.FindStringSubmatch(term); m != nil && m[1] == m[2] {
		return func(e Event) bool {
			return sameID(m[3], e.PrincipalID) || sameID(m[3], e.Role) || sameID(m[3], e.Scope)
		}
	}
	terms, ok := parseComparisons(term, "loggedByService", "category", "activityDisplayName", "correlationId", "initiatedBy/user/id")
	if !ok || len(terms) != 1 {
		return nil
	}
	return func(e Event) bool { return keeps(terms, e.field) }
}

func (e Event) field(name string) string {
	switch name {
	case "loggedByService":
		return loggedBy
	case "category":
		return e.Category
	case "activityDisplayName":
		return e.Activity
	case "correlationId":
		return e.CorrelationID
	}
	if e.ActorAppID != "" {
		return "" // an application is no user
	}
	return e.ActorID
}
