package simtenant

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
)

// page answers a list in pages. Between the first page and the second lies an
// empty one, because there may be one.
func (t *Tenant) page(c *armCall, items []any) *answer {
	return t.pageOf(c, len(items), func(i int) any { return items[i] })
}

// pageOf is page for items that are costly to render: only those of the page are.
func (t *Tenant) pageOf(c *armCall, n int, render func(i int) any) *answer {
	from, empty, ok := readSkipToken(c.query)
	if !ok || from > n {
		return armError(refuse("InvalidSkipToken", "The skip token is invalid."))
	}
	if empty {
		return reply(http.StatusOK, map[string]any{"value": []any{}, "nextLink": c.next(from, false)})
	}
	to := min(from+t.opt.PageSize, n)
	value := []any{}
	for i := from; i < to; i++ {
		value = append(value, render(i))
	}
	list := map[string]any{"value": value}
	if to < n {
		list["nextLink"] = c.next(to, from == 0)
	}
	return reply(http.StatusOK, list)
}

func readSkipToken(query url.Values) (from int, empty, ok bool) {
	token := query.Get("$skiptoken")
	if token == "" {
		token = query.Get("$skipToken")
	}
	if token == "" {
		return 0, false, true
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, false, false
	}
	n, err := fmt.Sscanf(string(text), "from:%d,empty:%t", &from, &empty)
	return from, empty, err == nil && n == 2 && from > 0
}

// next is the link to the page that begins at an item, on the host that was asked.
func (c *call) next(from int, empty bool) string {
	query := url.Values{}
	for name, values := range c.query {
		if name != "$skiptoken" && name != "$skipToken" {
			query[name] = values
		}
	}
	query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "from:%d,empty:%t", from, empty)))
	return c.origin() + (&url.URL{Path: c.path, RawQuery: query.Encode()}).String()
}

// origin is the scheme and host that was asked.
func (c *call) origin() string {
	r := c.request
	switch {
	case r.URL.Host != "":
		return r.URL.Scheme + "://" + r.URL.Host
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
