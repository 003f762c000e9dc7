package auditlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/auditlog"
	"github.com/azurepim/azure-pim/internal/azurite"
	"github.com/azurepim/azure-pim/pim"
)

// sender is a transport that is a function.
type sender func(*http.Request) (*http.Response, error)

func (s sender) Do(r *http.Request) (*http.Response, error) { return s(r) }

// appends tells the requests that append.
func appends(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Get("comp") == "appendblock"
}

// header is a header of r; the SDK writes their names in a letter case of its own.
func header(r *http.Request, name string) string {
	for k, v := range r.Header {
		if strings.EqualFold(k, name) {
			return v[0]
		}
	}
	return ""
}

// log is a container of its own.
type log struct {
	t         *testing.T
	server    *azurite.Server
	name      string
	container *container.Client
}

func newLog(t *testing.T) *log {
	t.Helper()
	l := &log{t: t, server: azurite.Start(t), name: uuid.NewString()}
	var err error
	l.container, err = container.NewClient(l.server.Blob()+"/"+l.name, l.server.Credential(),
		&container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: l.server.Client()}})
	require.NoError(t, err)
	require.NoError(t, l.sink("setup", nil).EnsureContainer(t.Context()))
	return l
}

// sink is one process's sink, as wrap shows the service to it.
func (l *log) sink(instance string, wrap func(sender) sender) *auditlog.Blob {
	l.t.Helper()
	return l.sinkOf(instance, 0, wrap)
}

func (l *log) sinkOf(instance string, blocks int, wrap func(sender) sender) *auditlog.Blob {
	l.t.Helper()
	o := &auditlog.BlobOptions{Container: l.name, Blocks: blocks}
	o.Retry.MaxRetries, o.Retry.RetryDelay = 2, time.Millisecond
	o.Transport = l.server.Client()
	if wrap != nil {
		o.Transport = wrap(l.server.Client().Do)
	}
	sink, err := auditlog.NewBlob(l.server.Blob(), instance, l.server.Credential(), o)
	require.NoError(l.t, err)
	return sink
}

// files are the blobs and what they hold.
func (l *log) files() map[string][]byte {
	l.t.Helper()
	found := map[string][]byte{}
	for pager := l.container.NewListBlobsFlatPager(nil); pager.More(); {
		page, err := pager.NextPage(l.t.Context())
		require.NoError(l.t, err)
		for _, item := range page.Segment.BlobItems {
			require.EqualValues(l.t, "AppendBlob", *item.Properties.BlobType)
			resp, err := l.container.NewBlobClient(*item.Name).DownloadStream(l.t.Context(), nil)
			require.NoError(l.t, err)
			b, err := io.ReadAll(resp.Body)
			require.NoError(l.t, errors.Join(err, resp.Body.Close()))
			found[*item.Name] = b
		}
	}
	return found
}

// changes verifies every file and returns the change ids that it holds, in order.
func (l *log) changes() map[string][]string {
	l.t.Helper()
	out := map[string][]string{}
	for name, content := range l.files() {
		n, err := auditlog.Verify(bytes.NewReader(content), name)
		require.NoError(l.t, err)
		out[name] = []string{}
		for line := range bytes.Lines(content) {
			var r pim.Record
			require.NoError(l.t, json.Unmarshal(line, &r))
			out[name] = append(out[name], r.Change)
		}
		require.Len(l.t, out[name], n)
	}
	return out
}

func TestLineHoldsTheWholeRecord(t *testing.T) {
	l := newLog(t)
	require.NoError(t, l.sink("app-1", nil).Write(t.Context(), record(7)))
	content := l.files()["2026/11/22/app-1.jsonl"]
	var got struct {
		Seq  int
		Prev string
		pim.Record
	}
	require.NoError(t, json.Unmarshal(content, &got))
	require.Equal(t, record(7), got.Record)
	require.Equal(t, 1, got.Seq)
	require.Len(t, got.Prev, 64)
	require.True(t, strings.HasPrefix(string(content), `{"seq":1,"prev":"`), "%s", content)
}

func TestConcurrentWritesMakeOneChain(t *testing.T) {
	l := newLog(t)
	sink := l.sink("app", nil)
	var want []string
	var wg sync.WaitGroup
	for i := range 50 {
		want = append(want, record(i).Change)
		wg.Go(func() {
			if err := sink.Write(t.Context(), record(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.ElementsMatch(t, want, l.changes()["2026/11/22/app.jsonl"])
}

func TestTwoProcessesOfOneNameKeepTheirChainsApart(t *testing.T) {
	l := newLog(t)
	var wg sync.WaitGroup
	for p := range 2 {
		sink := l.sink("app", nil)
		wg.Go(func() {
			for i := range 10 {
				if err := sink.Write(t.Context(), record(p*10+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := l.changes()
	require.Len(t, got, 2)
	require.Len(t, got["2026/11/22/app.jsonl"], 10)
	require.Len(t, got["2026/11/22/app.2.jsonl"], 10)
}

func TestRestartBeginsAnotherPart(t *testing.T) {
	l := newLog(t)
	for i := range 3 {
		require.NoError(t, l.sink("app", nil).Write(t.Context(), record(i)))
	}
	require.NoError(t, l.sink("app-2", nil).Write(t.Context(), record(3)))
	require.Equal(t, map[string][]string{
		"2026/11/22/app.jsonl":   {"CR0"},
		"2026/11/22/app.2.jsonl": {"CR1"},
		"2026/11/22/app.3.jsonl": {"CR2"},
		"2026/11/22/app-2.jsonl": {"CR3"},
	}, l.changes())
}

func TestFileIsOfTheRecordsDayInUTC(t *testing.T) {
	l := newLog(t)
	sink := l.sink("app", nil)
	east := time.FixedZone("", 9*3600)
	for i, at := range []time.Time{
		time.Date(2026, 11, 23, 8, 59, 59, 0, east),
		time.Date(2026, 11, 23, 9, 0, 0, 0, east),
		time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC),
		time.Date(2026, 11, 22, 23, 59, 59, 0, time.UTC), // late: its day's file is closed
	} {
		r := record(i)
		r.Time = at
		require.NoError(t, sink.Write(t.Context(), r))
	}
	require.Equal(t, map[string][]string{
		"2026/11/22/app.jsonl":   {"CR0"},
		"2026/11/23/app.jsonl":   {"CR1", "CR2"},
		"2026/11/22/app.2.jsonl": {"CR3"},
	}, l.changes())
}

func TestFullFileIsFollowedByAnother(t *testing.T) {
	l := newLog(t)
	sink := l.sinkOf("app", 2, nil)
	for i := range 5 {
		require.NoError(t, sink.Write(t.Context(), record(i)))
	}
	want := map[string][]string{
		"2026/11/22/app.jsonl":   {"CR0", "CR1"},
		"2026/11/22/app.2.jsonl": {"CR2", "CR3"},
		"2026/11/22/app.3.jsonl": {"CR4"},
	}
	require.Equal(t, want, l.changes())
}

// answerOnce gives one answer of the service in place of the n-th append.
func answerOnce(n, status int, code string) func(sender) sender {
	return func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			if appends(r) {
				if n--; n == 0 {
					return &http.Response{StatusCode: status, Header: http.Header{"X-Ms-Error-Code": {code}}, Body: http.NoBody, Request: r}, nil
				}
			}
			return next(r)
		}
	}
}

func TestFileThatTakesNoMoreIsFollowedByAnother(t *testing.T) {
	for _, r := range []struct {
		status int
		code   string
	}{{409, "BlockCountExceedsLimit"}, {409, "BlobImmutableDueToPolicy"}, {404, "BlobNotFound"}} {
		l := newLog(t)
		sink := l.sink("app", answerOnce(2, r.status, r.code))
		for i := range 3 {
			require.NoError(t, sink.Write(t.Context(), record(i)), r.code)
		}
		require.Equal(t, map[string][]string{
			"2026/11/22/app.jsonl":   {"CR0"},
			"2026/11/22/app.2.jsonl": {"CR1", "CR2"},
		}, l.changes(), r.code)
	}
}

// losesAppends drops the answers to the appends from the first to the n-th, after
// the service has acted on them.
func losesAppends(n int) func(sender) sender {
	return func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			if !appends(r) || n <= 0 {
				return next(r)
			}
			n--
			return azurite.Lose(next, r)
		}
	}
}

func TestLostAnswerIsAskedForAndNotAppendedTwice(t *testing.T) {
	for _, lost := range []int{1, 2} {
		l := newLog(t)
		sink := l.sink("app", losesAppends(lost))
		for i := range 3 {
			require.NoError(t, sink.Write(t.Context(), record(i)))
		}
		require.Equal(t, map[string][]string{"2026/11/22/app.jsonl": {"CR0", "CR1", "CR2"}}, l.changes())
	}
}

func TestLineWhoseEveryAnswerWasLostIsFollowedByTheNext(t *testing.T) {
	l := newLog(t)
	sink := l.sink("app", losesAppends(3))
	err := sink.Write(t.Context(), record(0))
	require.Equal(t, pim.CodeBusy, pim.CodeOf(err), "%v", err)
	require.NoError(t, sink.Write(t.Context(), record(1)))
	require.NoError(t, sink.Write(t.Context(), record(2)))
	require.Equal(t, map[string][]string{"2026/11/22/app.jsonl": {"CR0", "CR1", "CR2"}}, l.changes())
}

// An append can still be on its way when its call has failed, and when the end of
// the file has been read.
func TestLineThatComesInLateIsFollowedByTheNext(t *testing.T) {
	l := newLog(t)
	var held *http.Request
	var body []byte
	sink := l.sink("app", func(next sender) sender {
		tries := 0
		return func(r *http.Request) (*http.Response, error) {
			if !appends(r) {
				return next(r)
			}
			switch tries++; tries {
			case 1:
				held = r.Clone(context.Background())
				var err error
				body, err = io.ReadAll(r.Body)
				return nil, errors.Join(errors.New("timeout"), err)
			case 2, 3:
				return nil, errors.New("timeout")
			case 4:
				held.Body = streaming.NopCloser(bytes.NewReader(body))
				resp, err := next(held)
				if err != nil || resp.StatusCode != http.StatusCreated {
					return nil, fmt.Errorf("the late append: %v %w", resp, err)
				}
				if err := resp.Body.Close(); err != nil {
					return nil, err
				}
			}
			return next(r)
		}
	})
	require.Error(t, sink.Write(t.Context(), record(0)))
	require.NoError(t, sink.Write(t.Context(), record(1)))
	require.NotNil(t, held)
	require.Equal(t, map[string][]string{"2026/11/22/app.jsonl": {"CR0", "CR1"}}, l.changes())
}

func TestFileThatSomebodyElseWroteToIsLeftAlone(t *testing.T) {
	l := newLog(t)
	sink := l.sink("app", nil)
	require.NoError(t, sink.Write(t.Context(), record(0)))
	const name = "2026/11/22/app.jsonl"
	_, err := l.container.NewAppendBlobClient(name).AppendBlock(t.Context(), streaming.NopCloser(strings.NewReader("forged\n")), nil)
	require.NoError(t, err)
	require.NoError(t, sink.Write(t.Context(), record(1)))

	files := l.files()
	var broken *auditlog.BrokenError
	_, err = auditlog.Verify(bytes.NewReader(files[name]), name)
	require.ErrorAs(t, err, &broken)
	require.Equal(t, 2, broken.Line)
	n, err := auditlog.Verify(bytes.NewReader(files["2026/11/22/app.2.jsonl"]), "2026/11/22/app.2.jsonl")
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestFileThatSomebodyReplacedIsLeftAlone(t *testing.T) {
	l := newLog(t)
	sink := l.sink("app", nil)
	require.NoError(t, sink.Write(t.Context(), record(0)))
	client := l.container.NewAppendBlobClient("2026/11/22/app.jsonl")
	_, err := client.Delete(t.Context(), nil)
	require.NoError(t, err)
	_, err = client.Create(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, sink.Write(t.Context(), record(1)))
	require.Equal(t, map[string][]string{"2026/11/22/app.jsonl": {}, "2026/11/22/app.2.jsonl": {"CR1"}}, l.changes())
}

func TestRecordThatIsNotKeptIsAnError(t *testing.T) {
	l := newLog(t)
	for _, r := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
		code   pim.Code
	}{
		{"unreachable", func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }, pim.CodeBusy},
		{"throttled", answer(503, "ServerBusy"), pim.CodeBusy},
		{"no right", answer(403, "AuthorizationPermissionMismatch"), pim.CodeDenied},
		{"no container", answer(404, "ContainerNotFound"), pim.CodeInternal},
		{"never taken", answer(409, "BlobImmutableDueToPolicy"), pim.CodeInternal},
	} {
		for what, when := range map[string]func(*http.Request) bool{
			"always":   func(*http.Request) bool { return true },
			"appended": appends,
		} {
			instance := uuid.NewString()
			down := true
			sink := l.sink(instance, func(next sender) sender {
				return func(q *http.Request) (*http.Response, error) {
					if down && when(q) {
						return r.answer(q)
					}
					return next(q)
				}
			})
			err := sink.Write(t.Context(), record(0))
			require.Equal(t, r.code, pim.CodeOf(err), "%s, %s: %v", r.name, what, err)
			require.NotContains(t, err.Error(), "\n")
			down = false
			require.NoError(t, sink.Write(t.Context(), record(1)), "%s, %s", r.name, what)
		}
	}
	for name, changes := range l.changes() {
		require.NotContains(t, changes, "CR0", name)
	}
}

func answer(status int, code string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"X-Ms-Error-Code": {code}}, Body: http.NoBody, Request: r}, nil
	}
}

func TestMissingContainerIsAnError(t *testing.T) {
	s := azurite.Start(t)
	o := &auditlog.BlobOptions{Container: "never"}
	o.Transport = s.Client()
	sink, err := auditlog.NewBlob(s.Blob(), "app", s.Credential(), o)
	require.NoError(t, err)
	require.Equal(t, pim.CodeInternal, pim.CodeOf(sink.Write(t.Context(), record(0))))
}

func TestWriteIsBoundedByItsContext(t *testing.T) {
	l := newLog(t)
	release, arrived := make(chan struct{}), make(chan struct{})
	var once sync.Once
	sink := l.sink("app", func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			if appends(r) {
				once.Do(func() { close(arrived); <-release })
			}
			return next(r)
		}
	})
	first := make(chan error, 1)
	go func() { first <- sink.Write(t.Context(), record(0)) }()
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan error, 1)
	go func() { second <- sink.Write(ctx, record(1)) }()
	cancel()
	err := <-second // while the first one is still at it
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, pim.CodeBusy, pim.CodeOf(err))
	close(release)
	require.NoError(t, <-first)
	require.ErrorIs(t, sink.Write(ctx, record(1)), context.Canceled)
	require.Equal(t, map[string][]string{"2026/11/22/app.jsonl": {"CR0"}}, l.changes())
}

// What an immutability policy with protected append writes allows: to make blobs
// that are not there, and to append.
func TestNothingIsEverWrittenOver(t *testing.T) {
	l := newLog(t)
	var mu sync.Mutex
	var asked []string
	for range 2 {
		sink := l.sinkOf("app", 2, func(next sender) sender {
			lossy := losesAppends(2)(next)
			return func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				defer mu.Unlock()
				what := r.Method
				switch {
				case appends(r) && header(r, "x-ms-blob-condition-appendpos") != "":
					what += " append at a position"
				case r.Method == http.MethodPut && header(r, "If-None-Match") == "*" && header(r, "x-ms-blob-type") == "AppendBlob":
					what += " if absent"
				}
				if !slices.Contains(asked, what) {
					asked = append(asked, what)
				}
				return lossy(r)
			}
		})
		for i := range 5 {
			require.NoError(t, sink.Write(t.Context(), record(i)))
		}
	}
	slices.Sort(asked)
	require.Equal(t, []string{"GET", "HEAD", "PUT append at a position", "PUT if absent"}, asked)
	require.Len(t, l.changes(), 6, "%v", slices.Sorted(maps.Keys(l.changes())))
}

func TestRecordTooLargeForALineIsRefused(t *testing.T) {
	l := newLog(t)
	sink := l.sink("app", nil)
	r := record(0)
	r.Scope = strings.Repeat("s", 1<<20)
	require.Equal(t, pim.CodeInternal, pim.CodeOf(sink.Write(t.Context(), r)))
	require.NoError(t, sink.Write(t.Context(), record(1)))
	require.Equal(t, map[string][]string{"2026/11/22/app.jsonl": {"CR1"}}, l.changes())
}

func TestMistakenSettingsOfALogAreRefused(t *testing.T) {
	cred := &fake.TokenCredential{}
	const account = "https://a.blob.core.windows.net"
	for _, r := range []struct {
		endpoint, instance string
		cred               azcore.TokenCredential
	}{
		{"http://127.0.0.1:10000/devstoreaccount1", "app", cred},
		{"https://", "app", cred},
		{account + "?sig=x", "app", cred},
		{account, "", cred},
		{account, "../x", cred},
		{account, "app.2", cred},
		{account, strings.Repeat("a", 101), cred},
		{account, "app", nil},
	} {
		_, err := auditlog.NewBlob(r.endpoint, r.instance, r.cred, nil)
		require.Equal(t, pim.CodeInvalid, pim.CodeOf(err), "%+v", r)
	}
	_, err := auditlog.NewBlob(account, "app-1_A", cred, nil)
	require.NoError(t, err)
}

func TestPartThatCouldNotBeMadeIsTriedAgain(t *testing.T) {
	l := newLog(t)
	down := true
	sink := l.sink("app", func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			if down {
				return nil, errors.New("no route to host")
			}
			return next(r)
		}
	})
	require.Error(t, sink.Write(t.Context(), record(0)))
	down = false
	require.NoError(t, sink.Write(t.Context(), record(1)))
	require.Equal(t, map[string][]string{"2026/11/22/app.jsonl": {"CR1"}}, l.changes())
}
