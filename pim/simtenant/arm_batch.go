package simtenant

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// maxBatch is how many requests ARM takes in one batch.
const maxBatch = 500

// armBatchItem is a request in a batch of ARM.
type armBatchItem struct {
	HTTPMethod string          `json:"httpMethod"`
	Name       string          `json:"name"`
	URL        string          `json:"url"`
	Content    json.RawMessage `json:"content"`
}

// serveBatch carries out a batch: the answer is 200, whatever becomes of its
// parts, each of which is counted and throttled by itself. Of the faults, only
// those with a Status reach a part.
func (t *Tenant) serveBatch(c *call) *answer {
	if err := checkVersion(c.query.Get("api-version"), []string{"2020-06-01"}, "batch"); err != nil {
		return armError(err)
	}
	if c.method != http.MethodPost || c.inBatch {
		return armError(&refusal{http.StatusMethodNotAllowed, "MethodNotAllowed", "A batch is a POST of its own."})
	}
	var body struct {
		Requests []armBatchItem `json:"requests"`
	}
	if err := c.decode(&body); err != nil {
		return armError(err)
	}
	if len(body.Requests) == 0 || len(body.Requests) > maxBatch {
		return armError(refuse("InvalidBatchRequest", "A batch has between 1 and 500 requests."))
	}
	responses := []any{}
	for _, item := range body.Requests {
		a := t.serveBatchItem(c, item)
		headers := map[string]string{}
		for name := range a.header {
			headers[name] = a.header.Get(name)
		}
		response := map[string]any{"name": item.Name, "httpStatusCode": a.status, "headers": headers, "contentLength": len(a.body)}
		if len(a.body) > 0 {
			response["content"] = json.RawMessage(a.body)
		}
		responses = append(responses, response)
	}
	return reply(http.StatusOK, map[string]any{"responses": responses})
}

func (t *Tenant) serveBatchItem(c *call, item armBatchItem) *answer {
	u, err := url.Parse(item.URL)
	if err != nil || u.Host != "" && u.Scheme+"://"+u.Host != c.origin() {
		return armError(refuse("InvalidBatchRequest", "The url of the request '"+item.Name+"' is not one of this service."))
	}
	r := c.request.Clone(c.request.Context())
	r.Method, r.URL = item.HTTPMethod, c.request.URL.ResolveReference(u)
	sub := &call{
		request: r, method: item.HTTPMethod, path: u.Path, query: u.Query(), header: c.header, body: item.Content, inBatch: true,
	}
	if f := t.fault(sub); f.Status != 0 {
		return t.failed(sub, f)
	}
	return t.serve(sub)
}
