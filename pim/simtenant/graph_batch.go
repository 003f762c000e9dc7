package simtenant

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxGraphBatch is how many requests Graph takes in one batch.
const maxGraphBatch = 20

// graphBatchItem is a request in a batch.
type graphBatchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// graphBatch carries out a batch: the answer is 200 whatever becomes of its parts.
func (t *Tenant) graphBatch(c *graphCall) *answer {
	var body struct {
		Requests []graphBatchItem `json:"requests"`
	}
	if c.inBatch || c.decode(&body) != nil {
		return graphError(refuse("BadRequest", "Invalid batch payload format."))
	}
	if err := checkBatch(body.Requests); err != nil {
		return graphError(err)
	}
	status := map[string]int{}
	responses := []any{}
	for _, item := range body.Requests {
		var a *answer
		if slices.ContainsFunc(item.DependsOn, func(id string) bool { return status[id] >= http.StatusBadRequest }) {
			a = graphError(&refusal{http.StatusFailedDependency, "FailedDependency", "A request that this one depends on failed."})
		} else {
			a = t.graphBatchItem(c, item)
		}
		status[item.ID] = a.status
		headers := map[string]string{}
		for name := range a.header {
			headers[name] = a.header.Get(name)
		}
		response := map[string]any{"id": item.ID, "status": a.status, "headers": headers}
		if len(a.body) > 0 {
			response["body"] = json.RawMessage(a.body)
		}
		responses = append(responses, response)
	}
	slices.Reverse(responses) // in any order
	return reply(http.StatusOK, map[string]any{"responses": responses})
}

// checkBatch refuses a batch as a whole. A request depends on ones before it.
func checkBatch(items []graphBatchItem) *refusal {
	if len(items) == 0 || len(items) > maxGraphBatch {
		return refuse("BadRequest", "Number of batch request steps exceeds the maximum value of 20, or there is none.")
	}
	seen := map[string]bool{}
	for _, item := range items {
		switch {
		case item.ID == "" || seen[strings.ToLower(item.ID)]:
			return refuse("BadRequest", "Request Id '"+item.ID+"' is missing or has been duplicated.")
		case item.Method == "" || item.URL == "" || strings.Contains(item.URL, "://"):
			return refuse("BadRequest", "The method or the relative url of request '"+item.ID+"' is missing.")
		case len(item.Body) > 0 && !item.typed():
			return refuse("BadRequest", "Write request id : "+item.ID+" does not contain Content-Type header or body.")
		case slices.ContainsFunc(item.DependsOn, func(id string) bool { return !seen[strings.ToLower(id)] }):
			return refuse("BadRequest", "Request '"+item.ID+"' depends on a request that is not there or comes later.")
		}
		seen[strings.ToLower(item.ID)] = true
	}
	return nil
}

// typed reports whether the type of the body is named.
func (i graphBatchItem) typed() bool {
	for name := range i.Headers {
		if strings.EqualFold(name, "Content-Type") {
			return true
		}
	}
	return false
}

func (t *Tenant) graphBatchItem(c *graphCall, item graphBatchItem) *answer {
	version, _, _ := strings.Cut(strings.Trim(c.path, "/"), "/")
	u, err := url.Parse("/" + version + "/" + strings.TrimPrefix(item.URL, "/"))
	if err != nil {
		return graphError(refuse("BadRequest", "Invalid url of request '"+item.ID+"'."))
	}
	r := c.request.Clone(c.request.Context())
	r.Method, r.URL, r.Body = strings.ToUpper(item.Method), c.request.URL.ResolveReference(u), io.NopCloser(bytes.NewReader(item.Body))
	for name, value := range item.Headers {
		r.Header.Set(name, value)
	}
	sub := &call{request: r, method: r.Method, path: u.Path, query: u.Query(), header: r.Header, body: item.Body, inBatch: true}
	if f := t.fault(sub); f.Status != 0 {
		return t.failed(sub, f)
	}
	return t.serve(sub)
}
