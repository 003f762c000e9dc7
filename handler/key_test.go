package handler_test

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

func TestKeyIsHiddenAndItsHashTold(t *testing.T) {
	const key, other = "s3cr3t-Key==", "an0ther"
	for _, tc := range []struct {
		name, target string
		headers      map[string]string
		key, query   string
	}{
		{name: "no key", target: "/api/any?x=1", query: "x=1"},
		{name: "header", target: "/api/any", headers: map[string]string{"x-functions-key": key}, key: key},
		{name: "query", target: "/api/any?code=" + key, key: key},
		{name: "escaped query", target: "/api/any?code=s3cr3t-Key%3D%3D&x=1", key: key, query: "x=1"},
		{name: "query amidst others, which keep their spelling", target: "/api/any?a=%2f&code=" + key + "&b=c+d;e&f", key: key, query: "a=%2f&b=c+d;e&f"},
		{name: "query name in any case", target: "/api/any?CoDe=" + key, key: key},
		{name: "escaped query name", target: "/api/any?%63ode=" + key, key: key},
		{name: "query that does not parse", target: "/api/any?%zz=1&code=" + key, key: key, query: "%zz=1"},
		{name: "header goes before query, as at the host", target: "/api/any?code=" + other, headers: map[string]string{"x-functions-key": key}, key: key},
		{name: "every code goes", target: "/api/any?code=" + key + "&CODE=" + other, key: key},
		{name: "what only looks like it stays", target: "/api/any?codes=1&xcode=2", query: "codes=1&xcode=2"},
		{name: "forged hash", target: "/api/any", headers: map[string]string{handler.KeySHA256: strings.Repeat("a", 64)}},
		{name: "forged hash beside a key", target: "/api/any", headers: map[string]string{"x-functions-key": key, "x-functions-key-sha256": "f"}, key: key},
		{name: "headers with the whole URL", target: "/api/any?code=" + key, key: key, headers: map[string]string{
			"X-Original-URL": "/api/any?code=" + key, "X-WAWS-Unencoded-URL": "/api/any?code=" + key,
			"X-Rewrite-URL": "/api/any?code=" + key, "Referer": "https://h/api/any?code=" + key}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var a app
			console := newConsole()
			h := handler.New(console.Logger, handler.Options{}, a.table()...)
			r := httptest.NewRequest("POST", tc.target, strings.NewReader("{}"))
			for k, v := range tc.headers {
				r.Header.Set(k, v)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)

			require.Equal(t, "any", a.function)
			require.Equal(t, tc.query, a.request.URL.RawQuery)
			require.Equal(t, strings.TrimSuffix("/api/any?"+tc.query, "?"), a.request.RequestURI)
			var hash []string
			if tc.key != "" {
				sum := sha256.Sum256([]byte(tc.key))
				hash = []string{hex.EncodeToString(sum[:])}
			}
			require.Equal(t, hash, a.request.Header[http.CanonicalHeaderKey(handler.KeySHA256)])

			a.request.Header.Del(handler.KeySHA256)
			seen := a.request.RequestURI + a.request.URL.String() + console.out.String() + console.err.String()
			for values := range maps.Values(a.request.Header) {
				seen += strings.Join(values, "\n")
			}
			for _, secret := range []string{key, "s3cr3t", other} {
				require.NotContains(t, seen, secret)
			}
		})
	}
}

func TestKeyIsHiddenFromTheLogOfAFailure(t *testing.T) {
	console := newConsole()
	h := handler.New(console.Logger, handler.Options{}, handler.HTTP("boom", "GET /api/boom",
		http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { panic(r.URL.String() + r.RequestURI) })))
	r := httptest.NewRequest("GET", "/api/boom?code=s3cr3t", nil)
	r.Header.Set("X-Functions-Key", "s3cr3t")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, 500, w.Code)
	require.NotContains(t, w.Body.String()+console.out.String()+console.err.String(), "s3cr3t")
}
