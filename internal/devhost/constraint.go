package devhost

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
)

// constraint is an inline route constraint such as ":int" or ":length(1,8)".
type constraint func(value string) bool

var (
	constraintCall = regexp.MustCompile(`^(\w+)(?:\(([^)]*)\))?$`)
	alpha          = regexp.MustCompile(`^[A-Za-z]*$`)
)

func parseConstraint(text string) (constraint, error) {
	call := constraintCall.FindStringSubmatch(text)
	if call == nil {
		return nil, fmt.Errorf("constraint %q is not understood", text)
	}
	name, argument := strings.ToLower(call[1]), call[2]
	if plain, ok := plainConstraints[name]; ok && argument == "" {
		return plain, nil
	}
	var bounds []int64
	for _, bound := range strings.Split(argument, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(bound), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("constraint %q is not understood", text)
		}
		bounds = append(bounds, n)
	}
	low, high := bounds[0], bounds[len(bounds)-1]
	switch {
	case len(bounds) > 2:
	case name == "length":
		return length(low, high), nil
	case name == "range" && len(bounds) == 2:
		return value(low, high), nil
	case len(bounds) == 2:
	case name == "minlength":
		return length(low, 1<<62), nil
	case name == "maxlength":
		return length(0, high), nil
	case name == "min":
		return value(low, 1<<63-1), nil
	case name == "max":
		return value(-1<<63, high), nil
	}
	return nil, fmt.Errorf("constraint %q is not understood", text)
}

var plainConstraints = map[string]constraint{
	"int":      func(v string) bool { _, err := strconv.ParseInt(v, 10, 32); return err == nil },
	"long":     func(v string) bool { _, err := strconv.ParseInt(v, 10, 64); return err == nil },
	"double":   func(v string) bool { _, err := strconv.ParseFloat(v, 64); return err == nil },
	"float":    func(v string) bool { _, err := strconv.ParseFloat(v, 32); return err == nil },
	"bool":     func(v string) bool { return strings.EqualFold(v, "true") || strings.EqualFold(v, "false") },
	"guid":     func(v string) bool { return uuid.Validate(v) == nil },
	"alpha":    alpha.MatchString,
	"required": func(v string) bool { return v != "" },
}

func length(low, high int64) constraint {
	return func(v string) bool {
		n := int64(utf8.RuneCountInString(v))
		return low <= n && n <= high
	}
}

func value(low, high int64) constraint {
	return func(v string) bool {
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && low <= n && n <= high
	}
}
