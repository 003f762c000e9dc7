package openapi

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// comparison holds one JSON value against a schema. A request is held to more than an
// answer: it may name nothing that is not described, and nothing that is the
// service's to say. An answer may hold what no published version has, if that is an
// object, and null for anything that is not set. Enumerations in requests are taken in
// any letter case, as the services take them.
type comparison struct {
	d       *Documents
	request bool
	found   []string
}

func (c *comparison) miss(at, format string, args ...any) {
	if at != "" {
		at = " " + strings.TrimPrefix(at, ".")
	}
	c.found = append(c.found, at+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) value(at string, s node, v any) {
	s = c.d.resolve(s)
	if v == nil {
		return
	}
	c.scalar(at, s, v)
	switch v := v.(type) {
	case map[string]any:
		c.object(at, s, v)
	case []any:
		c.kind(at, s, v, "array")
		if items, ok := c.d.at(s, "items"); ok {
			for i, item := range v {
				c.value(at+"["+strconv.Itoa(i)+"]", items, item)
			}
		}
	case string:
		c.kind(at, s, v, "string")
	case bool:
		c.kind(at, s, v, "boolean")
	case float64:
		c.kind(at, s, v, "integer", "number")
	}
}

func (c *comparison) kind(at string, s node, v any, kinds ...string) {
	if want, ok := s.part["type"].(string); ok && !slices.Contains(kinds, want) {
		c.miss(at, "%v is no %s", v, want)
	}
}

// scalar compares with enumeration, pattern and format.
func (c *comparison) scalar(at string, s node, v any) {
	if values, ok := s.part["enum"].([]any); ok && !slices.ContainsFunc(values, func(known any) bool {
		return known == v || c.request && strings.EqualFold(fmt.Sprint(known), fmt.Sprint(v))
	}) {
		c.miss(at, "%v is none of %v", v, values)
	}
	text, ok := v.(string)
	if !ok {
		return
	}
	if p, ok := s.part["pattern"].(string); ok && !pattern(p).MatchString(text) {
		c.miss(at, "%q is not of the form %s", text, p)
	}
	if s.part["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			c.miss(at, "%q is no date and time", text)
		}
	}
}

var patterns sync.Map

func pattern(p string) *regexp.Regexp {
	if r, ok := patterns.Load(p); ok {
		return r.(*regexp.Regexp)
	}
	r := regexp.MustCompile(p)
	patterns.Store(p, r)
	return r
}

func (c *comparison) object(at string, s node, v map[string]any) {
	c.kind(at, s, v, "object")
	s = c.subtype(at, s, v)
	members, required := c.d.members(s)
	for _, name := range required {
		if v[name] == nil {
			c.miss(at, "%s is missing", name)
		}
	}
	for name, item := range v {
		m, ok := members[name]
		switch {
		case !ok && len(members) > 0:
			c.undescribed(at, name, item)
		case c.request && m.part["readOnly"] == true && item != nil:
			c.miss(at, "%s is the service's to say", name)
		case ok:
			c.value(at+"."+name, m, item)
		}
	}
}

func (c *comparison) undescribed(at, name string, v any) {
	_, object := v.(map[string]any)
	if strings.Contains(name, "@") || object && !c.request {
		return
	}
	c.miss(at, "there is no member %s", name)
}

// subtype is the schema that the object itself names: ARM by a discriminator, Graph
// by @odata.type.
func (c *comparison) subtype(at string, s node, v map[string]any) node {
	member, home := "@odata.type", []string{"components", "schemas"}
	if d, ok := s.part["discriminator"].(string); ok {
		member, home = d, []string{"definitions"}
	}
	name, ok := v[member].(string)
	if !ok {
		return s
	}
	types, _ := c.d.at(node{s.file, c.d.document(s.file)}, home...)
	sub, ok := c.d.at(types, strings.TrimPrefix(name, "#"))
	if !ok {
		c.miss(at, "the %s %s is not described", member, name)
		return node{}
	}
	return sub
}

// members are the properties of a schema and of those that it is made of, resolved,
// and the names of those that must be there.
func (d *Documents) members(s node) (map[string]node, []string) {
	out := map[string]node{}
	var required []string
	names, _ := s.part["required"].([]any)
	for _, n := range names {
		required = append(required, n.(string))
	}
	parts, _ := s.part["allOf"].([]any)
	for _, p := range parts {
		more, must := d.members(d.resolve(node{s.file, p.(map[string]any)}))
		for name, n := range more {
			out[name] = n
		}
		required = append(required, must...)
	}
	properties, _ := s.part["properties"].(map[string]any)
	for name, p := range properties {
		n := node{s.file, p.(map[string]any)}
		own := n.part["readOnly"] == true // beside a reference
		n = d.resolve(n)
		if own && n.part["readOnly"] != true {
			n.part = withReadOnly(n.part)
		}
		out[name] = n
	}
	return out, required
}

func withReadOnly(part map[string]any) map[string]any {
	out := map[string]any{"readOnly": true}
	for k, v := range part {
		out[k] = v
	}
	return out
}
