package simtenant

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// call is one request on its way through the tenant.
type call struct {
	request *http.Request
	method  string
	path    string // unescaped, as the service's router sees it
	query   url.Values
	header  http.Header
	body    []byte
	caller  caller
	// inBatch marks an item of a batch.
	inBatch bool
}

func newCall(r *http.Request) (*call, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return &call{request: r, method: r.Method, path: r.URL.Path, query: r.URL.Query(), header: r.Header, body: body}, nil
}

// decode reads the body as JSON. Numbers and unknown members do not matter.
func (c *call) decode(v any) *refusal {
	if err := json.Unmarshal(c.body, v); err != nil {
		return refuse("InvalidRequestContent", "The request content was invalid and could not be deserialized.")
	}
	return nil
}

// answer is what the tenant says.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// reply answers with v as JSON, or with nothing if v is nil.
func reply(status int, v any) *answer {
	a := &answer{status: status, header: http.Header{}}
	if v == nil {
		return a
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("simtenant: " + err.Error())
	}
	a.body = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	return a
}

// after adds a Retry-After header.
func (a *answer) after(d time.Duration) *answer {
	if d > 0 {
		a.header.Set("Retry-After", strconv.Itoa(int((d+time.Second-1)/time.Second)))
	}
	return a
}

// Call is one call that was made.
type Call struct {
	Method, Path string
	Query        url.Values
	Body         []byte
	// Status is what was answered, or would have been, had the answer not been
	// dropped; zero if the call was dropped before it was carried out.
	Status int
	// Principal is the object id of the caller; empty without a good token.
	Principal string
	Time      time.Time
}

// Calls returns every call so far, the items of batches included.
func (t *Tenant) Calls() []Call {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Call(nil), t.calls...)
}

// Count says how many calls so far had a method ("" for any) and a path that
// contains part, case aside.
func (t *Tenant) Count(method, part string) int {
	n := 0
	for _, c := range t.Calls() {
		if (method == "" || c.Method == method) && strings.Contains(strings.ToLower(c.Path), strings.ToLower(part)) {
			n++
		}
	}
	return n
}

// ForgetCalls empties the log of calls.
func (t *Tenant) ForgetCalls() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls = nil
}

// Observer sees a whole exchange after it is over; it must not change it.
type Observer func(r *http.Request, reqBody []byte, status int, header http.Header, respBody []byte)

// Observe has f called after each exchange that was answered, outside any lock.
func (t *Tenant) Observe(f Observer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.observe = append(t.observe, f)
}
