package openapi

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// operation is one call that a document describes.
type operation struct {
	method, version string
	template        string
	path            *regexp.Regexp
	blanks          int // placeholders in the template: the fewer, the closer it describes
	query           map[string]bool
	body            *node // schema of the request; nil if it has none
	responses       node
}

var blank = regexp.MustCompile(`\\\{[\w-]+\\\}`)

// add takes in the operations of a file: of an api-version of Azure Resource Manager,
// or of Microsoft Graph if that is empty.
func (d *Documents) add(file, version string) {
	paths, _ := d.at(node{file, d.document(file)}, "paths")
	for template, item := range paths.part {
		name := template
		if version == "" {
			name = "/v1.0" + template
			if _, beta, ok := strings.Cut(template, "/../"); ok {
				name = "/" + beta
			}
		}
		pattern := regexp.QuoteMeta(name)
		if blank.ReplaceAllString(pattern, "") == "/" {
			continue // describes anything
		}
		// A scope is any number of segments; no other name is a function's call.
		pattern = strings.Replace(pattern, `/\{scope\}`, `(?:/.+)?`, 1)
		pattern = strings.ReplaceAll(pattern, `microsoft\.graph\.`, `(?:microsoft\.graph\.)?`)
		path := regexp.MustCompile(`(?i)^` + blank.ReplaceAllString(pattern, `[^/()]+`) + `$`)
		for method := range item.(map[string]any) {
			n, ok := d.at(paths, template, method)
			if !ok || n.part["responses"] == nil {
				continue
			}
			o := operation{method: strings.ToUpper(method), version: version, template: name, path: path,
				blanks: strings.Count(name, "{"), query: map[string]bool{}}
			o.responses, _ = d.at(n, "responses")
			d.parameters(&o, n)
			d.operations = append(d.operations, o)
		}
	}
}

// parameters reads what the operation takes, in the query and as its body.
func (d *Documents) parameters(o *operation, n node) {
	list, _ := n.part["parameters"].([]any)
	for _, item := range list {
		p := d.resolve(node{n.file, item.(map[string]any)})
		switch p.part["in"] {
		case "query":
			o.query[p.part["name"].(string)] = true
		case "body":
			if s, ok := d.at(p, "schema"); ok {
				o.body = &s
			}
		}
	}
	if s, ok := d.at(n, "requestBody", "content", "application/json", "schema"); ok {
		o.body = &s
	}
}

// response is the schema of an answer, nil if it has no body; false if such an answer
// is not described.
func (d *Documents) response(o *operation, status int) (*node, bool) {
	class := strconv.Itoa(status/100) + "XX"
	names := []string{strconv.Itoa(status), class}
	if status >= http.StatusBadRequest {
		names = append(names, "default")
	}
	for _, name := range names {
		r, ok := d.at(o.responses, name)
		if !ok {
			continue
		}
		if s, ok := d.at(r, "schema"); ok {
			return &s, true
		}
		if s, ok := d.at(r, "content", "application/json", "schema"); ok {
			return &s, true
		}
		return nil, true
	}
	return nil, false
}

// operation is the one that describes r best, or nil.
func (d *Documents) operation(r *http.Request) *operation {
	version := r.URL.Query().Get("api-version")
	key := r.Method + " " + version + " " + r.URL.Path
	if o, ok := d.chosen.Load(key); ok {
		return o.(*operation)
	}
	var best *operation
	for i := range d.operations {
		o := &d.operations[i]
		if o.method == r.Method && o.version == version && (best == nil || o.blanks < best.blanks) && o.path.MatchString(r.URL.Path) {
			best = o
		}
	}
	d.chosen.Store(key, best)
	return best
}
