package simtenant

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// expansion is what $expand asks for: a related object, or some of its properties.
type expansion struct {
	name   string
	chosen []string // empty means all
	nested string   // what is to be expanded within it, with commas
}

var expansionForm = regexp.MustCompile(`^(\w+)(?:\(\$(select|expand)=([\w,]+)\))?$`)

// expansions reads $expand, once for a call. A comma within parentheses separates
// nothing.
func (c *graphCall) expansions(known ...string) ([]expansion, *refusal) {
	text := c.query.Get("$expand")
	if text == "" || c.expanded != nil {
		return c.expanded, nil
	}
	var list []expansion
	depth, from := 0, 0
	for i, r := range text + "," {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			m := expansionForm.FindStringSubmatch(strings.TrimSpace(text[from:i]))
			if m == nil || !slices.Contains(known, m[1]) {
				return nil, badExpand(text[from:i])
			}
			e := expansion{name: m[1]}
			if m[2] == "select" {
				e.chosen = strings.Split(m[3], ",")
			} else if m[2] == "expand" {
				e.nested = m[3]
			}
			list, from = append(list, e), i+1
		}
	}
	if depth != 0 {
		return nil, badExpand(text)
	}
	c.expanded = list
	return list, nil
}

func badExpand(text string) *refusal {
	return refuse("BadRequest", "Parsing OData Select and Expand failed: '"+text+"'.")
}

// cut leaves the chosen properties of a related object.
func (e expansion) cut(v any) any {
	m, ok := v.(map[string]any)
	if !ok || len(e.chosen) == 0 {
		return v
	}
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(name string, _ any) bool {
		return !strings.HasPrefix(name, "@") && !slices.Contains(e.chosen, name)
	})
	return m
}

// wanted are the properties that $select asks for, of an item's own and of what is
// expanded; nil if it asks for nothing.
func (c *graphCall) wanted(item map[string]any) ([]string, *refusal) {
	query := c.query.Get("$select")
	if query == "" {
		return nil, nil
	}
	names := strings.Split(strings.ReplaceAll(query, " ", ""), ",")
	for _, name := range names {
		if _, ok := item[name]; !ok && !c.expands(name) {
			return nil, refuse("BadRequest", "Could not find a property named '"+name+"' on the type of the resource.")
		}
	}
	return names, nil
}

func (c *graphCall) expands(name string) bool {
	return slices.ContainsFunc(c.expanded, func(e expansion) bool { return e.name == name })
}

// selectFrom leaves the properties that $select asks for. What was expanded stays.
func (c *graphCall) selectFrom(item map[string]any) *refusal {
	names, err := c.wanted(item)
	if names != nil {
		maps.DeleteFunc(item, func(name string, _ any) bool {
			return !strings.HasPrefix(name, "@") && !slices.Contains(names, name) && !c.expands(name)
		})
	}
	return err
}

// graphItems answers a list of entities of PIM. blank is one without content: what is
// wrong with $select is wrong of an empty list too.
func (t *Tenant) graphItems(c *graphCall, context string, blank map[string]any, items []map[string]any) *answer {
	if _, err := c.wanted(blank); err != nil {
		return graphError(err)
	}
	list := []any{}
	for _, item := range items {
		if err := c.selectFrom(item); err != nil {
			return graphError(err)
		}
		list = append(list, item)
	}
	return t.graphPage(c, context, list)
}

// one answers an entity of PIM.
func (c *graphCall) one(context string, item map[string]any) *answer {
	if err := c.selectFrom(item); err != nil {
		return graphError(err)
	}
	item["@odata.context"] = c.metadata(context + "/$entity")
	return reply(http.StatusOK, item)
}
