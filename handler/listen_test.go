package handler_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

// pipes is a network in memory, whose waiting is in virtual time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error { defer func() { _ = recover() }(); close(p); return nil }

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// host is the Functions host at the other end of p.
func (p pipes) host(t *testing.T) *http.Client {
	tr := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		p <- theirs
		return ours, nil
	}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

// serve starts s in the bubble of a test.
func (p pipes) serve(ctx context.Context, s handler.Server) (ended chan error) {
	ended = make(chan error, 1)
	if s.Log == nil {
		s.Log = newConsole().Logger
	}
	go func() { ended <- s.Serve(ctx, p) }()
	return ended
}

func ready(h http.Handler) func(context.Context) (http.Handler, error) {
	return func(context.Context) (http.Handler, error) { return h, nil }
}

func get(t *testing.T, c *http.Client, path string) (status int, body string) {
	t.Helper()
	resp, err := c.Get("http://h" + path)
	require.NoError(t, err)
	return resp.StatusCode, readAll(t, resp.Body)
}

func TestHostIsAnsweredBeforeTheFunctionsAreReadyAndRequestsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := make(pipes), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		ended := p.serve(ctx, handler.Server{Setup: func(context.Context) (http.Handler, error) {
			<-time.After(20 * time.Second) // secrets, tokens
			var a app
			return handler.New(newConsole().Logger, handler.Options{}, a.table()...), nil
		}})
		status, _ := get(t, p.host(t), "/")
		require.Equal(t, 200, status)
		require.Zero(t, time.Since(start))

		status, _ = get(t, p.host(t), "/api/any")
		require.Equal(t, 200, status)
		require.Equal(t, 20*time.Second, time.Since(start))

		status, _ = get(t, p.host(t), "/")
		require.Equal(t, 200, status)
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

func TestRequestsDoNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := make(pipes), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		ended := p.serve(ctx, handler.Server{Setup: func(ctx context.Context) (http.Handler, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		status, body := get(t, p.host(t), "/api/any")
		require.Equal(t, 503, status)
		require.Contains(t, body, `"code":"starting"`)
		require.Equal(t, 30*time.Second, time.Since(start))
		cancel()
		require.Error(t, <-ended)
	})
}

func TestFailedSetupEndsServe(t *testing.T) {
	for name, setup := range map[string]func(context.Context) (http.Handler, error){
		"error": func(context.Context) (http.Handler, error) { return nil, errors.New("no tenant") },
		"panic": func(context.Context) (http.Handler, error) { panic("no tenant") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				require.ErrorContains(t, <-make(pipes).serve(t.Context(), handler.Server{Setup: setup}), "no tenant")
			})
		})
	}
}

func TestServeEndsWithinASecondWhenTheParentIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := make(pipes), time.Now()
		var parent atomic.Int64
		parent.Store(4711)
		var cause error
		ended := p.serve(t.Context(), handler.Server{
			ParentID: func() int { return int(parent.Load()) },
			Setup: ready(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				<-r.Context().Done()
				cause = context.Cause(r.Context())
			})),
		})
		client := p.host(t)
		go func() {
			if resp, err := client.Get("http://h/hanging"); err == nil {
				_ = resp.Body.Close()
			}
		}()
		<-time.After(time.Hour + time.Millisecond)
		select {
		case err := <-ended:
			t.Fatal("ended beside its parent:", err)
		default:
		}
		parent.Store(1)
		require.ErrorIs(t, <-ended, handler.ErrParentGone)
		require.Less(t, time.Since(start), time.Hour+time.Second+time.Millisecond)
		synctest.Wait()
		require.ErrorIs(t, cause, handler.ErrParentGone)
	})
}

func TestSignalLetsRequestsInFlightFinish(t *testing.T) {
	for name, tc := range map[string]struct {
		takes, until time.Duration
		orphaned     bool
		finished     bool
	}{
		"in time":          {takes: 20 * time.Second, until: 20 * time.Second, finished: true},
		"too long":         {takes: time.Hour, until: 25 * time.Second},
		"no one to answer": {takes: 20 * time.Second, until: time.Second, orphaned: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := make(pipes)
				var parent atomic.Int64
				ctx, signal := context.WithCancel(t.Context())
				ended := p.serve(ctx, handler.Server{
					ParentID: func() int { return int(parent.Load()) },
					Setup: ready(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						select {
						case <-time.After(tc.takes):
							_, _ = io.WriteString(w, "finished")
						case <-r.Context().Done():
						}
					})),
				})
				answer := make(chan string, 1)
				client := p.host(t)
				go func() {
					resp, err := client.Get("http://h/api/slow")
					if err != nil {
						answer <- ""
						return
					}
					b, _ := io.ReadAll(resp.Body)
					_ = resp.Body.Close()
					answer <- string(b)
				}()
				synctest.Wait()
				start := time.Now()
				signal()
				if tc.orphaned {
					parent.Store(1)
				}
				err := <-ended
				require.Error(t, err, "Serve never asks for exit 0")
				require.Equal(t, tc.orphaned, errors.Is(err, handler.ErrParentGone))
				// net/http polls for the end of connections with a back-off.
				require.InDelta(t, tc.until.Seconds(), time.Since(start).Seconds(), 0.6)
				require.Equal(t, tc.finished, <-answer == "finished")
			})
		})
	}
}

func TestBodyThatNeverEndsIsCutAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := make(pipes), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var readErr error
		ended := p.serve(ctx, handler.Server{Setup: ready(one(newConsole(), handler.Options{},
			func(w http.ResponseWriter, r *http.Request) {
				_, readErr = io.ReadAll(r.Body)
				w.WriteHeader(http.StatusRequestTimeout)
			}))})
		ours, theirs := net.Pipe()
		p <- theirs
		_, err := io.WriteString(ours, "POST /api/f HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
		require.Equal(t, 180*time.Second, time.Since(start))
		require.ErrorIs(t, readErr, os.ErrDeadlineExceeded)
		cancel()
		require.Error(t, <-ended)
		require.NoError(t, ours.Close())
	})
}

// The host's pool opens connections ahead, and uses them whenever it likes.
func TestConnectionIsServedHoweverLongItWasNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(pipes)
		ctx, cancel := context.WithCancel(t.Context())
		ended := p.serve(ctx, handler.Server{Setup: ready(one(newConsole(), handler.Options{}, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		}))})
		ours, theirs := net.Pipe()
		p <- theirs
		in := bufio.NewReader(ours)
		for range 2 { // before its first request, and between two
			<-time.After(24 * time.Hour)
			_, err := io.WriteString(ours, "POST /api/f HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")
			require.NoError(t, err)
			resp, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			require.Equal(t, "body", readAll(t, resp.Body))
		}
		cancel()
		require.Error(t, <-ended)
		require.NoError(t, ours.Close())
	})
}

func TestListenTakesOnlyALoopbackPort(t *testing.T) {
	for _, port := range []string{"", "x", "-1", "65536", "80 ", ":80", "0.0.0.0:80"} {
		_, err := handler.Listen(port)
		require.ErrorContains(t, err, "port")
	}
	l, err := handler.Listen("0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	require.True(t, l.Addr().(*net.TCPAddr).IP.Equal(net.IPv4(127, 0, 0, 1)))
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, err = handler.Listen(port)
	require.ErrorContains(t, err, "listening for the host")
}

// The test binary is also a host that dies (orphanRole "host") and the handler
// it leaves behind ("handler").
const orphanRole = "HANDLER_TEST_ORPHAN_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(orphanRole) {
	case "host":
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), orphanRole+"=handler")
		c.Stdout = os.Stdout
		if c.Start() != nil {
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, os.Stdin) // until the test has seen the handler
		os.Exit(0)
	case "handler":
		l, err := handler.Listen("0")
		if err != nil {
			os.Exit(1)
		}
		_, _ = io.WriteString(os.Stdout, l.Addr().String()+"\n")
		err = handler.Server{Log: newConsole().Logger, Setup: ready(http.NotFoundHandler())}.Serve(context.Background(), l)
		_, _ = io.WriteString(os.Stdout, err.Error()+"\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestOrphanEnds(t *testing.T) {
	host := exec.CommandContext(t.Context(), os.Args[0])
	host.Env = append(os.Environ(), orphanRole+"=host")
	stdin, err := host.StdinPipe()
	require.NoError(t, err)
	stdout, err := host.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, host.Start())

	lines := bufio.NewReader(stdout)
	addr, err := lines.ReadString('\n')
	require.NoError(t, err)
	addr = strings.TrimSpace(addr)
	resp, err := http.Get("http://" + addr + "/")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())

	require.NoError(t, stdin.Close()) // the host ends, without a word to the handler
	said, err := io.ReadAll(lines)    // ends when the handler has ended too
	require.NoError(t, err)
	require.Equal(t, handler.ErrParentGone.Error()+"\n", string(said))
	require.NoError(t, host.Wait())
	_, err = net.Dial("tcp", addr)
	require.Error(t, err)
}
