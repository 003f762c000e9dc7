package simtenant

import (
	"regexp"
	"slices"
	"strings"
)

// comparison is one term of a $filter: field eq 'value'.
type comparison struct{ field, value string }

var comparisonForm = regexp.MustCompile(`^([\w/]+) eq (?:'((?:[^']|'')*)'|(true|false))$`)

// parseComparisons reads equalities joined by "and", over these fields alone.
func parseComparisons(text string, fields ...string) ([]comparison, bool) {
	var list []comparison
	terms, ok := conjuncts(text)
	if !ok {
		return nil, false
	}
	for _, term := range terms {
		m := comparisonForm.FindStringSubmatch(term)
		if m == nil || !slices.Contains(fields, m[1]) {
			return nil, false
		}
		list = append(list, comparison{m[1], strings.ReplaceAll(m[2], "''", "'") + m[3]})
	}
	return list, true
}

// keeps reports whether an item passes all comparisons; the service compares
// texts without case.
func keeps(list []comparison, field func(name string) string) bool {
	return !slices.ContainsFunc(list, func(c comparison) bool { return !strings.EqualFold(field(c.field), c.value) })
}
