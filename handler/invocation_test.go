package handler_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

func TestInvocationIDIsTheHostsOwn(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"none", nil, ""},
		{"the host's", []string{"real"}, "real"},
		{"a caller's in front", []string{"forged, real"}, "real"},
		{"several in front, without blanks", []string{"forged,forged,real"}, "real"},
		{"lines not joined", []string{"forged", "real"}, "real"},
		{"a caller's open end", []string{"forged,, real"}, "real"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var id string
			console := newConsole()
			h := handler.New(console.Logger, handler.Options{}, handler.HTTP("f", "GET /api/f",
				http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					id = handler.InvocationID(r.Context())
					console.InfoContext(r.Context(), "here")
				})))
			r := httptest.NewRequest("GET", "/api/f", nil)
			r.Header["X-Azure-Functions-Invocationid"] = tc.lines
			h.ServeHTTP(httptest.NewRecorder(), r)
			require.Equal(t, tc.want, id)
			line := console.out.records(t)[0]
			require.Equal(t, "f", line["function"])
			require.Equal(t, tc.want, or(line["invocation"], ""))
		})
	}
	require.Empty(t, handler.InvocationID(context.Background()))
}

func or(v any, otherwise string) any {
	if v == nil {
		return otherwise
	}
	return v
}

func TestTraceparentIsTakenOnlyIfItIsOne(t *testing.T) {
	const good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for sent, want := range map[string]string{
		good:                   good,
		"":                     "",
		good + "\"}":           "",
		good + ", " + good:     "",
		"00-xyz-b7ad6b7169-01": "",
	} {
		var got string
		h := handler.New(newConsole().Logger, handler.Options{}, handler.HTTP("f", "GET /api/f",
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = handler.Traceparent(r.Context()) })))
		r := httptest.NewRequest("GET", "/api/f", nil)
		r.Header.Set("traceparent", sent)
		h.ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, want, got, sent)
	}
}
