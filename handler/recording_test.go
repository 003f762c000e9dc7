package handler_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

// recording is a file of testdata/host.
type recording struct {
	name     string
	Requests []recordedRequest // what the host sent, with what it sent again
	Answer   recordedAnswer
	Probes   []recordedRequest // asked before the handler was taken for ready
	Calls    []recordedCall    // of a file that tells no whole requests
}

type recordedCall struct {
	HandlerSawPath    string // "": nothing reached it
	Function          string
	Key               *string // what the caller called it
	KeyReachesHandler bool
}

type recordedRequest struct {
	Method, Path string
	Headers      [][2]string
	Body         string
	BodyEncoding string
}

type recordedAnswer struct {
	Status      int
	Headers     [][2]string
	ManyHeaders int
	Body        string
	Drop        string
}

// headers are those of the answer, with the many that the recorder made up.
func (a recordedAnswer) headers() [][2]string {
	hs := slices.Clone(a.Headers)
	for i := range a.ManyHeaders {
		hs = append(hs, [2]string{fmt.Sprint("X-Many-", i), fmt.Sprint("v", i)})
	}
	return hs
}

func (r *recordedRequest) body(t testing.TB) []byte {
	if r.BodyEncoding != "base64" {
		return []byte(r.Body)
	}
	b, err := base64.StdEncoding.DecodeString(r.Body)
	require.NoError(t, err)
	return b
}

func (r *recordedRequest) header(name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

// recordings reads the files that match glob; there must be some.
func recordings(t testing.TB, glob string) []recording {
	t.Helper()
	files, err := filepath.Glob("testdata/host/" + glob + ".json")
	require.NoError(t, err)
	require.NotEmpty(t, files, glob)
	var rs []recording
	for _, file := range files {
		rs = append(rs, readRecording(t, file))
	}
	return rs
}

func readRecording(t testing.TB, file string) recording {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var f struct {
		HostRequest, FurtherHostRequests json.RawMessage
		HandlerAnswer                    json.RawMessage
		HostDid                          struct {
			ReadinessRequests []recordedRequest
			Calls             []recordedCall
		}
	}
	require.NoError(t, json.Unmarshal(b, &f), file)
	r := recording{name: strings.TrimSuffix(filepath.Base(file), ".json"), Probes: f.HostDid.ReadinessRequests, Calls: f.HostDid.Calls}
	for _, requests := range []json.RawMessage{f.HostRequest, f.FurtherHostRequests} {
		switch {
		case len(requests) == 0 || string(requests) == "null":
			continue
		case requests[0] != '[':
			requests = slices.Concat(json.RawMessage("["), requests, json.RawMessage("]"))
		}
		var rs []recordedRequest
		require.NoError(t, json.Unmarshal(requests, &rs), file)
		r.Requests = append(r.Requests, rs...)
	}
	if len(f.HandlerAnswer) > 0 && f.HandlerAnswer[0] == '{' {
		require.NoError(t, json.Unmarshal(f.HandlerAnswer, &r.Answer), file)
	}
	return r
}

// replay sends a recorded request byte for byte as the host sent it.
func replay(t testing.TB, addr string, r recordedRequest) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.Method, r.Path)
	for _, h := range r.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	if r.header("Transfer-Encoding") == "chunked" {
		if body := r.body(t); len(body) > 0 {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(body), body)
		}
		b.WriteString("0\r\n\r\n")
	} else {
		b.Write(r.body(t))
	}
	_, err = c.Write(b.Bytes())
	require.NoError(t, err)
	in := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(in, &http.Request{Method: r.Method})
		require.NoError(t, err)
		if resp.StatusCode != http.StatusContinue {
			return resp
		}
	}
}

// start runs h as main would, on a port of its own.
func start(t testing.TB, log *slog.Logger, h http.Handler) (addr string) {
	t.Helper()
	return startSetup(t, log, ready(h))
}

func startSetup(t testing.TB, log *slog.Logger, setup func(context.Context) (http.Handler, error)) (addr string) {
	t.Helper()
	l, err := handler.Listen("0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	s := handler.Server{Log: log, Setup: setup}
	go func() { ended <- s.Serve(t.Context(), l) }()
	t.Cleanup(func() { require.Error(t, <-ended) })
	return l.Addr().String()
}

func readAll(t testing.TB, r io.ReadCloser) string {
	t.Helper()
	b, err := io.ReadAll(r)
	require.NoError(t, errors.Join(err, r.Close()))
	return string(b)
}

// console is what the process writes, and the logger that writes it.
type console struct {
	*slog.Logger
	out, err lockedBuffer
}

func newConsole() *console {
	c := &console{}
	c.Logger = handler.NewLogger(&c.out, &c.err)
	return c
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// records are the JSON lines written so far.
func (l *lockedBuffer) records(t testing.TB) []map[string]any {
	t.Helper()
	var rs []map[string]any
	for line := range strings.Lines(l.String()) {
		var r map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		rs = append(rs, r)
	}
	return rs
}
