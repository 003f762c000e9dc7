package handler

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// route is a parsed [Function.Pattern].
type route struct {
	methods  []string // nil means any
	segments []string // "changes", "{id}", "{rest...}"
	pattern  string
	endpoint endpoint
}

func parseRoute(pattern string) (route, error) {
	rt := route{pattern: pattern}
	methods, path, ok := strings.Cut(pattern, " ")
	if !ok {
		methods, path = "", pattern
	}
	if methods != "" {
		rt.methods = strings.Split(methods, ",")
	}
	if methods != strings.ToUpper(methods) {
		return rt, fmt.Errorf("methods %q are not in upper case", methods)
	}
	if !strings.HasPrefix(path, "/") || path == "/" {
		return rt, fmt.Errorf("path %q is not below \"/\", where the host asks whether we are ready", path)
	}
	rt.segments = strings.Split(path[1:], "/")
	for i, s := range rt.segments {
		name, isParam := param(s)
		switch {
		case s == "", isParam && name == "", !isParam && strings.ContainsAny(s, "{}"):
			return rt, fmt.Errorf("path %q has the bad segment %q", path, s)
		case isRest(s) && i != len(rt.segments)-1:
			return rt, fmt.Errorf("path %q goes on after %q", path, s)
		}
	}
	return rt, nil
}

// param returns the name in "{name}" or "{name...}".
func param(segment string) (name string, ok bool) {
	if !strings.HasPrefix(segment, "{") || !strings.HasSuffix(segment, "}") {
		return "", false
	}
	return strings.TrimSuffix(segment[1:len(segment)-1], "..."), true
}

func isRest(segment string) bool { return strings.HasSuffix(segment, "...}") }

// match reports whether u's path is rt's, and what it says for the parameters.
// The path is split before it is decoded, so that %2F stays within its segment.
func (rt route) match(u *url.URL) (values map[string]string, ok bool) {
	path, ok := strings.CutPrefix(u.EscapedPath(), "/")
	if !ok {
		return nil, false // "*" or nothing
	}
	got := strings.Split(strings.TrimSuffix(path, "/"), "/")
	values = map[string]string{}
	for i, want := range rt.segments {
		name, isParam := param(want)
		switch {
		case isRest(want):
			rest, err := url.PathUnescape(strings.Join(got[min(i, len(got)):], "/"))
			if err != nil {
				return nil, false
			}
			values[name] = rest
			got = rt.segments // as long as it must be
		case i >= len(got) || got[i] == "":
			return nil, false
		default:
			s, err := url.PathUnescape(got[i])
			if err != nil || !isParam && !equalFold(s, want) {
				return nil, false
			}
			if isParam {
				values[name] = s
			}
		}
	}
	return values, len(got) == len(rt.segments)
}

func (rt route) allows(method string) bool {
	return rt.methods == nil || slices.Contains(rt.methods, method)
}

// equalFold folds ASCII alone, as .NET's OrdinalIgnoreCase does for ASCII
// literals. Folding more (U+017F is an "s" to strings.EqualFold) would lead a
// request that the host let through for one function to another one, past the
// check of that one's key.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// byName orders routes as the host tries them: by the name of the function, in
// .NET's OrdinalIgnoreCase, whatever the patterns are. The first that matches is
// the one whose key the host has checked.
func byName(a, b route) int {
	return strings.Compare(strings.ToUpper(a.endpoint.Name), strings.ToUpper(b.endpoint.Name))
}
