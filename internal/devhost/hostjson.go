package devhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// jobHostSettings is the prefix of the settings that override host.json.
const jobHostSettings = "AzureFunctionsJobHost:"

// hostJSON is host.json as .NET configuration sees it: text by path, paths in
// lower case ("extensions:http:routeprefix", "a:0" for a list).
type hostJSON map[string]string

// loadHostJSON reads host.json and lays the AzureFunctionsJobHost__a__b
// settings over it. Its error is one that stops the real host too: every
// call is then answered 503.
func loadHostJSON(root string, set settings) (hostJSON, error) {
	text, err := os.ReadFile(filepath.Join(root, "host.json"))
	if err != nil {
		return nil, err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("host.json: %w", err)
	}
	if _, ok := tree.(map[string]any); !ok {
		return nil, errors.New("host.json is not a JSON object")
	}
	host := hostJSON{}
	host.flatten("", tree)
	for path, value := range set.under(jobHostSettings) {
		host[path] = value
	}
	if host["version"] != "2.0" {
		return nil, fmt.Errorf("host.json has version %q; the host knows only \"2.0\"", host["version"])
	}
	return host, nil
}

func (h hostJSON) flatten(path string, node any) {
	switch v := node.(type) {
	case map[string]any:
		for name, child := range v {
			h.flatten(strings.TrimPrefix(path+":"+strings.ToLower(name), ":"), child)
		}
	case []any:
		for i, child := range v {
			h.flatten(path+":"+strconv.Itoa(i), child)
		}
	case nil:
		h[path] = ""
	case string:
		h[path] = v
	default: // float64 or bool: both print as .NET parses them
		h[path] = fmt.Sprint(v)
	}
}

// has reports whether there is anything at or below path.
func (h hostJSON) has(path string) bool {
	for p := range h {
		if p == path || strings.HasPrefix(p, path+":") {
			return true
		}
	}
	return false
}

func (h hostJSON) list(path string) []string {
	var items []string
	for {
		item, ok := h[path+":"+strconv.Itoa(len(items))]
		if !ok {
			return items
		}
		items = append(items, item)
	}
}

func (h hostJSON) truth(path string) bool { return strings.EqualFold(h[path], "true") }

// span reads a TimeSpan; 0 means that host.json has none, or "-1" for no limit.
func (h hostJSON) span(path string) (time.Duration, error) {
	text, ok := h[path]
	if !ok || text == "-1" {
		return 0, nil
	}
	d, err := parseTimeSpan(text)
	if err != nil {
		return 0, fmt.Errorf("host.json %s: %w", path, err)
	}
	return d, nil
}

func (h hostJSON) number(path string, fallback int) (int, error) {
	text, ok := h[path]
	if !ok {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("host.json %s %q is not a positive number", path, text)
	}
	return n, nil
}

// routePrefix is "api" unless host.json says otherwise; "" is a choice too.
func (h hostJSON) routePrefix() string {
	if prefix, ok := h["extensions:http:routeprefix"]; ok {
		return strings.Trim(prefix, "/")
	}
	return "api"
}
