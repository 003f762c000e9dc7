package devhost

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// route is a template such as "api/changes/{id:int}" and the methods it is for.
type route struct {
	segments []segment
	methods  []string // upper case; nil: all
}

// segment is a literal, or a parameter if name is set.
type segment struct {
	literal     string
	name        string
	optional    bool // "{id?}" or "{id=default}"
	catchAll    bool // "{*rest}" or "{**rest}": all that is left, even nothing
	constraints []constraint
}

func parseRoute(template string, methods []string) (*route, error) {
	r := &route{}
	for _, m := range methods {
		r.methods = append(r.methods, strings.ToUpper(m))
	}
	if template == "" {
		return r, nil
	}
	for _, text := range strings.Split(template, "/") {
		if n := len(r.segments); n > 0 && r.segments[n-1].catchAll {
			return nil, errors.New("a catch-all parameter must come last")
		}
		s, err := parseSegment(text)
		if err != nil {
			return nil, err
		}
		r.segments = append(r.segments, s)
	}
	return r, nil
}

func parseSegment(text string) (segment, error) {
	inner, isParameter := strings.CutPrefix(text, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	switch {
	case text == "":
		return segment{}, errors.New("empty segment")
	case !strings.ContainsAny(text, "{}?"):
		return segment{literal: text}, nil
	case !isParameter || !closed || strings.Contains(inner, "}{"):
		return segment{}, fmt.Errorf("segment %q mixes text and parameters", text)
	}
	var s segment
	inner, s.optional = strings.CutSuffix(inner, "?")
	if rest, ok := strings.CutPrefix(inner, "*"); ok {
		s.catchAll, inner = true, strings.TrimPrefix(rest, "*")
	}
	inner, _, hasDefault := strings.Cut(inner, "=")
	s.optional = s.optional || hasDefault
	name, constraints, constrained := strings.Cut(inner, ":")
	if s.name = name; name == "" || strings.ContainsAny(name, "*?{}/") {
		return segment{}, fmt.Errorf("segment %q has no valid parameter name", text)
	}
	if !constrained {
		return s, nil
	}
	for _, text := range strings.Split(constraints, ":") {
		c, err := parseConstraint(text)
		if err != nil {
			return segment{}, err
		}
		s.constraints = append(s.constraints, c)
	}
	return s, nil
}

// matches reports whether the route is for method and for path, which is as
// the caller wrote it. Case does not matter; one slash may follow.
func (r *route) matches(method, path string) bool {
	if r.methods != nil && !slices.Contains(r.methods, strings.ToUpper(method)) {
		return false
	}
	path = strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
	var parts []string
	if path != "" {
		parts = strings.Split(path, "/")
	}
	for i, s := range r.segments {
		if s.catchAll {
			return s.accepts(strings.Join(parts[min(i, len(parts)):], "/"))
		}
		if i >= len(parts) {
			// Only a last parameter may be left out.
			return s.optional && i == len(r.segments)-1
		}
		if parts[i] == "" || !s.accepts(parts[i]) {
			return false
		}
	}
	return len(parts) <= len(r.segments)
}

// accepts reports whether the segment takes the escaped text. An encoded
// slash stays encoded, as the host leaves it.
func (s segment) accepts(text string) bool {
	if plain, err := url.PathUnescape(text); err == nil {
		text = plain
	}
	if s.name == "" {
		return strings.EqualFold(s.literal, text)
	}
	for _, c := range s.constraints {
		if !c(text) && (text != "" || !s.catchAll) {
			return false
		}
	}
	return true
}
