package openapi

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var guid = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`)

// Described reports whether a document describes the call.
func (d *Documents) Described(r *http.Request) bool { return d.operation(r) != nil }

// Request lists what of a request the documents do not describe: the call itself, its
// query, its body. What is a known deviation is left out.
func (d *Documents) Request(r *http.Request, body []byte) []string {
	o := d.operation(r)
	if o == nil {
		return unknown(r.Method+" "+guid.ReplaceAllString(r.URL.Path, "{id}"), []string{": it is not described"})
	}
	c := comparison{d: d, request: true}
	for name := range r.URL.Query() {
		// What a next link holds is the service's own affair.
		if !o.query[name] && !strings.EqualFold(name, "$skiptoken") {
			c.miss("query", "there is no %s", name)
		}
	}
	switch {
	case o.body != nil && len(body) > 0:
		c.json(*o.body, body)
	case o.body == nil && len(body) > 0:
		c.miss("", "it has no body")
	}
	return unknown(o.method+" "+o.template, c.found)
}

// Answer lists what of an answer the documents do not describe. What is a known
// deviation is left out, and so is the answer to a call that is not described.
func (d *Documents) Answer(r *http.Request, status int, body []byte) []string {
	o := d.operation(r)
	if o == nil {
		return nil
	}
	c := comparison{d: d}
	s, ok := d.response(o, status)
	switch {
	case !ok:
		c.miss("", "an answer of %d is not described", status)
	case s != nil && len(body) > 0:
		c.json(*s, body)
	case s != nil && status != http.StatusNoContent:
		c.miss("", "the answer of %d has no body", status)
	}
	return unknown(o.method+" "+o.template+" "+strconv.Itoa(status), c.found)
}

func (c *comparison) json(s node, body []byte) {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		c.miss("", "no JSON: %v", err)
		return
	}
	c.value("", s, v)
}

// unknown is what is found of a call, less what is known.
func unknown(call string, found []string) []string {
	var out []string
	for _, f := range found {
		if line := call + f; !known(line) {
			out = append(out, line)
		}
	}
	return out
}
