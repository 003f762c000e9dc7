package pim_test

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

const (
	alice   = "a11ce000-0000-4000-8000-000000000001"
	bob     = "b0b00000-0000-4000-8000-000000000002"
	crew    = "6e0a0000-0000-4000-8000-000000000003" // a group
	reader  = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b" // Directory Readers
	request = "5e900000-0000-4000-8000-000000000005"
	subID   = "50b00000-0000-4000-8000-000000000006"
	subPath = "/subscriptions/" + subID
	rbac    = "/providers/Microsoft.Authorization/"
)

// turn is one call that must come, and its answer.
type turn struct {
	call   string // "GET /path?name=value&…", decoded, names in order
	body   string // JSON; empty for none
	status int    // zero is 200
	answer string
}

// tape plays the services word by word: it shows what a request looks like, where
// simtenant shows what comes of it.
type tape struct {
	t     *testing.T
	turns []turn
}

func (p *tape) Do(r *http.Request) (*http.Response, error) {
	p.t.Helper()
	require.NotEmpty(p.t, p.turns, "unexpected %s %s", r.Method, r.URL)
	now := p.turns[0]
	p.turns = p.turns[1:]
	require.Equal(p.t, now.call, spoken(p.t, r))
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		require.NoError(p.t, err)
	}
	if now.body == "" {
		require.Empty(p.t, string(body))
	} else {
		require.JSONEq(p.t, now.body, string(body))
	}
	if now.status == 0 {
		now.status = http.StatusOK
	}
	return &http.Response{
		StatusCode: now.status, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(now.answer)), Request: r,
	}, nil
}

// spoken is a request in words. Graph reads a plus as a plus, so none may come.
func spoken(t *testing.T, r *http.Request) string {
	t.Helper()
	require.NotContains(t, r.URL.RawQuery, "+")
	parts := strings.Split(r.URL.RawQuery, "&")
	slices.Sort(parts)
	query, err := url.QueryUnescape(strings.Join(parts, "&"))
	require.NoError(t, err)
	call := r.Method + " " + r.URL.EscapedPath()
	if query != "" {
		call += "?" + query
	}
	return call
}

// play is a client whose calls are the turns, all of them, in this order.
func play(t *testing.T, turns ...turn) *pim.Client {
	t.Helper()
	p := &tape{t, turns}
	t.Cleanup(func() { require.Empty(t, p.turns, "calls that did not come") })
	return clientOf(t, p, badge{})
}

func clientOf(t *testing.T, transport policy.Transporter, cred azcore.TokenCredential) *pim.Client {
	t.Helper()
	c, err := pim.NewClient(cred, &pim.ClientOptions{ClientOptions: policy.ClientOptions{Transport: transport}})
	require.NoError(t, err)
	return c
}

// badge is a token that nobody looks at.
type badge struct{}

func (badge) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(24 * time.Hour)}, nil
}

func scope(t *testing.T, p pim.Plane, s string) pim.Scope {
	t.Helper()
	v, err := pim.ParseScope(p, s)
	require.NoError(t, err)
	return v
}

func hours(n int) pim.Duration { return pim.Duration(time.Duration(n) * time.Hour) }

// all reads a list to its end.
func all[T any](t *testing.T, seq iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range seq {
		require.NoError(t, err)
		out = append(out, v)
	}
	return out
}

// failure is the error that ends a list.
func failure[T any](seq iter.Seq2[T, error]) (last error) {
	for _, err := range seq {
		last = err
	}
	return last
}

// inJSON is v as our own callers see it.
func inJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}
