package handler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

// one returns the handler of a table with one HTTP function at /api/f.
func one(c *console, o handler.Options, f http.HandlerFunc) http.Handler {
	return handler.New(c.Logger, o, handler.HTTP("f", "/api/f", f))
}

func ask(h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestPanicIsOneFailedInvocation(t *testing.T) {
	for name, f := range map[string]http.HandlerFunc{
		"a value":          func(http.ResponseWriter, *http.Request) { panic("a bug\n\u202Ehere") },
		"nil":              func(http.ResponseWriter, *http.Request) { panic(nil) }, //nolint:govet // meant
		"a nil pointer":    func(_ http.ResponseWriter, r *http.Request) { r.Response.Cookies() },
		"abort":            func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"end of goroutine": func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
		"bad status":       func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(7) },
		"in mid answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "half=1")
			_, _ = w.Write([]byte("half an ans"))
			panic("a bug")
		},
	} {
		t.Run(name, func(t *testing.T) {
			console := newConsole()
			w := ask(one(console, handler.Options{}, f), "GET", "/api/f", "")
			require.Equal(t, 500, w.Code)
			require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			require.JSONEq(t, `{"type":"about:blank","title":"Internal Server Error","status":500,"code":"internal"}`, w.Body.String())
			require.Empty(t, w.Header().Get("Set-Cookie"))
			records := console.err.records(t)
			require.Len(t, records, 1)
			require.Equal(t, "ERROR", records[0]["level"])
			if name != "end of goroutine" {
				require.Contains(t, records[0]["stack"], "endpoint_test.go")
			}
			require.Empty(t, console.out.String())
		})
	}
}

func TestFunctionThatWritesNothingAnswersCompletely(t *testing.T) {
	addr := start(t, newConsole().Logger, one(newConsole(), handler.Options{}, func(http.ResponseWriter, *http.Request) {}))
	resp := replay(t, addr, recordedRequest{Method: "GET", Path: "/api/f", Headers: [][2]string{{"Host", "h"}}})
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "0", resp.Header.Get("Content-Length"))
}

func TestAnswerHasItsTrueLength(t *testing.T) {
	for _, tc := range []struct {
		method, length, want string
		status               int
	}{
		{"GET", "", "2", 200},
		{"GET", "1", "2", 200},
		{"GET", "99", "2", 500},
		{"HEAD", "99", "99", 200},
		{"GET", "", "", 204},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			addr := start(t, newConsole().Logger, one(newConsole(), handler.Options{}, func(w http.ResponseWriter, _ *http.Request) {
				if tc.length != "" {
					w.Header().Set("Content-Length", tc.length)
				}
				w.Header().Set("Transfer-Encoding", "chunked")
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(tc.status)
				w.WriteHeader(http.StatusTeapot) // too late
				w.Header().Set("Too", "late")
				_, _ = w.Write([]byte("ok"))
			}))
			resp := replay(t, addr, recordedRequest{Method: tc.method, Path: "/api/f", Headers: [][2]string{{"Host", "h"}}})
			require.Equal(t, tc.status, resp.StatusCode)
			require.Equal(t, tc.want, resp.Header.Get("Content-Length"))
			require.Empty(t, resp.TransferEncoding)
			require.Empty(t, resp.Header.Get("Too"))
			_, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
		})
	}
}

func TestDeadlineEndsTheContextAndLeavesTimeToAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		console := newConsole()
		start := time.Now()
		h := handler.New(console.Logger, handler.Options{},
			handler.HTTP("f", "GET /api/f", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				require.ErrorIs(t, r.Context().Err(), context.DeadlineExceeded)
				w.WriteHeader(http.StatusAccepted)
			})),
			handler.Timer("sweep", func(ctx context.Context, _ handler.Tick) error {
				<-ctx.Done()
				return ctx.Err()
			}))

		w := ask(h, "GET", "/api/f", "")
		require.Equal(t, http.StatusAccepted, w.Code)
		require.Equal(t, 180*time.Second, time.Since(start))
		require.Empty(t, console.err.String())

		start = time.Now()
		w = ask(h, "POST", "/sweep", `{"Data":{"timer":{}}}`)
		require.Equal(t, 500, w.Code)
		require.Equal(t, complete, w.Body.String())
		require.Equal(t, 240*time.Second, time.Since(start))
	})
}

func TestFunctionThatOutstaysItsDeadlineIsLeft(t *testing.T) {
	for name, tc := range map[string]struct {
		path, body, want string
		after            time.Duration
	}{
		"HTTP":  {"/api/f", "", `"code":"internal"`, 190 * time.Second},
		"timer": {"/sweep", `{"Data":{"timer":{}}}`, complete, 250 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				console := newConsole()
				release := make(chan struct{})
				var lateWrite, lateRead error
				h := handler.New(console.Logger, handler.Options{},
					handler.HTTP("f", "POST /api/f", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						<-release
						r2 := r.WithContext(context.Background())
						*r = *r2
						r.Header.Set("X", "late")
						r.URL.Path = "/late"
						w.Header().Set("X", "late")
						w.WriteHeader(http.StatusOK)
						_, lateWrite = w.Write([]byte("late"))
						_, lateRead = io.ReadAll(r.Body)
						panic("late as well")
					})),
					handler.Timer("sweep", func(context.Context, handler.Tick) error { <-release; return errors.New("late") }))

				start := time.Now()
				r := httptest.NewRequest("POST", tc.path, strings.NewReader(tc.body))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Equal(t, tc.after, time.Since(start))
				require.Equal(t, 500, w.Code)
				require.Contains(t, w.Body.String(), tc.want)
				require.Len(t, console.err.records(t), 1)

				answered := w.Body.String()
				close(release)
				synctest.Wait()
				require.Equal(t, answered, w.Body.String())
				require.Empty(t, w.Header().Get("X"))
				require.Empty(t, r.Header.Get("X"))
				require.Equal(t, tc.path, r.URL.Path)
				require.NoError(t, lateRead)
				if name == "HTTP" {
					require.ErrorIs(t, lateWrite, http.ErrHandlerTimeout)
				}
				require.Len(t, console.err.records(t), 1, "the failure is logged once")
				require.Contains(t, console.out.records(t)[0]["error"], "late")
			})
		})
	}
}

func TestBodyOverItsBoundIsAnErrorToTheFunction(t *testing.T) {
	var got []byte
	var err error
	h := one(newConsole(), handler.Options{MaxBody: 1000}, func(w http.ResponseWriter, r *http.Request) {
		// As a decoder would, or io.Copy through WriteTo.
		var b bytes.Buffer
		_, err = io.Copy(&b, r.Body)
		got = b.Bytes()
		require.NoError(t, r.Body.Close())
		if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	addr := start(t, newConsole().Logger, h)
	for size, status := range map[int]int{0: 200, 1: 200, 1000: 200, 1001: 413, 5 << 20: 413} {
		body := strings.NewReader(strings.Repeat("x", size))
		resp, postErr := http.Post("http://"+addr+"/api/f", "text/plain", body)
		require.NoError(t, postErr)
		require.Zero(t, body.Len(), "the host could send the whole of it, so it hears the answer")
		require.Equal(t, status, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
		require.Len(t, got, min(size, 1000))
	}
}

func TestDefaultBoundsOfBodies(t *testing.T) {
	var raw int
	h := handler.New(newConsole().Logger, handler.Options{},
		handler.ServiceBus("q", func(_ context.Context, m message) error { raw = len(m.Raw); return nil }),
		handler.HTTP("f", "POST /api/f", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
		})))
	require.Equal(t, 200, ask(h, "POST", "/api/f", strings.Repeat("x", 1<<20)).Code)
	require.Equal(t, 413, ask(h, "POST", "/api/f", strings.Repeat("x", 1<<20+1)).Code)
	require.Equal(t, 200, ask(h, "POST", "/q", `{"Data":{"m":"`+strings.Repeat("AAAA", 1<<20/3)+`"}}`).Code)
	require.Equal(t, 1<<20/3*3, raw)
}

// A message that failed for its size would come again at once, until it is dead.
func TestMessageOverItsBoundIsMalformedAndDoneWith(t *testing.T) {
	var got *message
	h := handler.New(newConsole().Logger, handler.Options{},
		handler.ServiceBus("q", func(_ context.Context, m message) error { got = &m; return nil }),
		handler.Timer("sweep", func(context.Context, handler.Tick) error { return nil }))
	envelope := `{"Data":{"m":"` + strings.Repeat("AAAA", 1<<20) + `"},"Metadata":{"MessageId":"\"m-1\"","DeliveryCount":"3"}}`
	w := ask(h, "POST", "/q", envelope)
	require.Equal(t, 200, w.Code)
	require.Equal(t, complete, w.Body.String())
	require.Equal(t, &message{Malformed: handler.ErrTooLarge}, got, "nothing of it is kept")

	w = ask(h, "POST", "/sweep", envelope) // the host's own doing, and nobody sends it again
	require.Equal(t, 500, w.Code)
	require.Equal(t, complete, w.Body.String())
}

// A body that breaks off says nothing of the message: it is delivered again.
func TestMessageThatBreaksOffIsNotMalformed(t *testing.T) {
	asked := false
	h := handler.New(newConsole().Logger, handler.Options{},
		handler.ServiceBus("q", func(context.Context, message) error { asked = true; return nil }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/q", io.MultiReader(strings.NewReader(`{"Data":`), iotest.ErrReader(io.ErrUnexpectedEOF))))
	require.Equal(t, 500, w.Code)
	require.False(t, asked)
}

func TestRequestsAtOnceDoNotMix(t *testing.T) {
	echo := one(newConsole(), handler.Options{}, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		_, _ = io.WriteString(w, handler.InvocationID(r.Context())+r.Header.Get(handler.KeySHA256))
	})
	addr := start(t, newConsole().Logger, echo)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for range 20 {
				r, _ := http.NewRequest("POST", "http://"+addr+"/API/F", strings.NewReader(fmt.Sprint("body", i, " ")))
				r.Header.Set("X-Azure-Functions-InvocationId", fmt.Sprint("id", i))
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				b, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if want := fmt.Sprint("body", i, " id", i); string(b) != want {
					t.Errorf("got %q, want %q", b, want)
				}
			}
		})
	}
	wg.Wait()
}
