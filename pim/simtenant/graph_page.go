package simtenant

import (
	"net/http"
	"strconv"
	"strings"
)

// graphPage answers a list in pages, with an empty one after the first. context is
// what follows $metadata#.
func (t *Tenant) graphPage(c *graphCall, context string, items []any) *answer {
	size, err := t.pageSize(c)
	if err != nil {
		return graphError(err)
	}
	from, empty, ok := readSkipToken(c.query)
	if !ok || from > len(items) {
		return graphError(refuse("Directory_ExpiredPageToken", "The specified page token value has expired and can no longer be included in your request."))
	}
	list := map[string]any{"@odata.context": c.metadata(context), "value": []any{}}
	if empty {
		list["@odata.nextLink"] = c.next(from, false)
		return reply(http.StatusOK, list)
	}
	to := min(from+size, len(items))
	list["value"] = append([]any{}, items[from:to]...)
	if to < len(items) {
		list["@odata.nextLink"] = c.next(to, from == 0)
	}
	return reply(http.StatusOK, list)
}

// pageSize is $top where it asks for less than a page.
func (t *Tenant) pageSize(c *graphCall) (int, *refusal) {
	text := c.query.Get("$top")
	if text == "" {
		return t.opt.PageSize, nil
	}
	top, err := strconv.Atoi(text)
	if err != nil || top < 1 || top > 999 {
		return 0, badGraphRequest("Invalid page size specified: '" + text + "'. Must be between 1 and 999 inclusive.")
	}
	return min(top, t.opt.PageSize), nil
}

// metadata is the context of an answer.
func (c *graphCall) metadata(of string) string {
	version, _, _ := strings.Cut(strings.Trim(c.path, "/"), "/")
	return c.origin() + "/" + version + "/$metadata#" + of
}
