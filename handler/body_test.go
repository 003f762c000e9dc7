package handler_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

const large = 20 << 20 // more than net/http reads of what a handler has left

// The host tells its caller an empty 500 if it is answered before it has sent
// everything.
func TestRefusalIsHeardByWhoSendsALargeBody(t *testing.T) {
	h := handler.New(newConsole().Logger, handler.Options{},
		handler.HTTP("f", "GET /api/f", nil),
		handler.Timer("sweep", nil))
	addr := start(t, newConsole().Logger, h)
	for path, status := range map[string]int{"/api/f": 405, "/api/nothing": 404} {
		for _, chunked := range []bool{false, true} {
			body := strings.NewReader(strings.Repeat("x", large))
			r, err := http.NewRequest("POST", "http://"+addr+path, io.NopCloser(body))
			require.NoError(t, err)
			if !chunked {
				r.ContentLength = large
			}
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			require.Equal(t, status, resp.StatusCode)
			require.Contains(t, readAll(t, resp.Body), fmt.Sprint(status))
			require.Zero(t, body.Len(), "the host could send the whole of it")
		}
	}
}

func TestLargeBodyIsTakenWhileTheFunctionsAreNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := make(pipes), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		ended := p.serve(ctx, handler.Server{Setup: never})
		body := strings.NewReader(strings.Repeat("x", large))
		resp, err := p.host(t).Post("http://h/api/f", "text/plain", body)
		require.NoError(t, err)
		require.Equal(t, 503, resp.StatusCode)
		require.Contains(t, readAll(t, resp.Body), `"code":"starting"`)
		require.Zero(t, body.Len())
		require.Equal(t, 30*time.Second, time.Since(start))
		cancel()
		require.Error(t, <-ended)
	})
}

func TestBodyThatIsNotWantedIsNotWaitedForWithoutEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		setup func(context.Context) (http.Handler, error)
		want  int
		after time.Duration
	}{
		"no function":   {ready(handler.New(newConsole().Logger, handler.Options{})), 404, 30 * time.Second},
		"not ready yet": {never, 503, 60 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, start := make(pipes), time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				ended := p.serve(ctx, handler.Server{Setup: tc.setup})
				ours, theirs := net.Pipe()
				p <- theirs
				_, err := io.WriteString(ours, "POST /api/f HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
				require.NoError(t, err)
				resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
				require.NoError(t, err)
				require.Equal(t, tc.want, resp.StatusCode)
				require.Equal(t, tc.after, time.Since(start))
				cancel()
				require.Error(t, <-ended)
				require.NoError(t, ours.Close())
			})
		})
	}
}

// endless is a body, and how much of it was read.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) { e.read += len(p); return len(p), nil }

func TestBodyIsReadNoFurtherThanTheHostSendsOne(t *testing.T) {
	h := handler.New(newConsole().Logger, handler.Options{},
		handler.HTTP("f", "POST /api/f", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				w.WriteHeader(413)
			}
		})))
	for path, want := range map[string]int{"/api/f": 413, "/api/nothing": 404} {
		body := &endless{}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", path, body))
		require.Equal(t, want, w.Code)
		require.InDelta(t, 100<<20, body.read, 2<<20)
	}
}

// never is a setup that does not end by itself.
func never(ctx context.Context) (http.Handler, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
