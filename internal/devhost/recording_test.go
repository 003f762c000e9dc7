package devhost_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/devhost"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// recording is a case under testdata/host.
type recording struct {
	name string

	FunctionJSON json.RawMessage `json:"function.json"`
	HostSettings struct {
		HostJSON    json.RawMessage    `json:"host.json"`
		AppSettings map[string]*string `json:"appSettings"`
	}
	CallerRequest       *message
	HostRequest         requests
	FurtherHostRequests requests
	HandlerAnswer       answers
	CallerSaw           *message
	HostDid             json.RawMessage
	HostLogged          []logLine
	RecorderStart       plan
	Sent                *sent
}

// requests and answers are one in a recording, or a list.
type requests []*message

func (r *requests) UnmarshalJSON(text []byte) error { return oneOrMany(text, (*[]*message)(r)) }

type answers []answer

func (a *answers) UnmarshalJSON(text []byte) error { return oneOrMany(text, (*[]answer)(a)) }

func oneOrMany[T any](text []byte, into *[]T) error {
	switch {
	case string(text) == "null":
		return nil
	case text[0] != '[':
		text = []byte("[" + string(text) + "]")
	}
	var items []json.RawMessage
	if err := json.Unmarshal(text, &items); err != nil {
		return err
	}
	for _, item := range items {
		var one T
		if item[0] == '"' {
			continue // a remark of the recorder's
		}
		if err := json.Unmarshal(item, &one); err != nil {
			return err
		}
		*into = append(*into, one)
	}
	return nil
}

// sent is a message as the recorder sent it to the queue.
type sent struct {
	Text, Base64                                                   *string
	AMQPValue                                                      json.RawMessage
	BodyType                                                       string
	MessageID                                                      string
	ContentType, CorrelationID, Subject, ReplyTo, To, PartitionKey *string
	TimeToLive                                                     int64
	ApplicationProperties                                          map[string]any
}

func load(t *testing.T, name string) recording {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "host", name+".json"))
	require.NoError(t, err)
	var r recording
	require.NoError(t, json.Unmarshal(text, &r), name)
	r.name = name
	return r
}

// named are the recordings whose names begin so.
func named(t *testing.T, prefix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "host", prefix+"*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return files
}

// functions are the recording's function.json files by function.
func (r recording) functions(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	var many map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(r.FunctionJSON, &many))
	if _, one := many["bindings"]; !one {
		return many
	}
	var file struct{ Bindings []map[string]any }
	require.NoError(t, json.Unmarshal(r.FunctionJSON, &file))
	name := "ok"
	switch trigger := file.Bindings[0]; {
	case trigger["type"] != "httpTrigger" && len(r.HostRequest) > 0:
		name = strings.TrimPrefix(r.HostRequest[0].Path, "/")
	case trigger["type"] == "timerTrigger":
		name = "sweep"
	case trigger["type"] == "serviceBusTrigger":
		name = "change"
	case trigger["route"] == nil && r.CallerRequest != nil:
		name = filepath.Base(r.CallerRequest.Path)
	case strings.Contains(r.name, "spellings"):
		name = "any"
	}
	return map[string]json.RawMessage{name: r.FunctionJSON}
}

// app is a function app on disk with a recorder for its handler.
type app struct {
	t    *testing.T
	root string
	dir  string // the recorder's
	logs *logs
	cfg  devhost.Config
	host *devhost.Host
}

// newApp writes the recorded app; start starts it.
func newApp(t *testing.T, r recording) *app {
	t.Helper()
	a := &app{t: t, root: t.TempDir(), dir: t.TempDir(), logs: &logs{}}
	a.write("host.json", string(r.HostSettings.HostJSON))
	for name, text := range r.functions(t) {
		a.write(name+"/function.json", string(text))
	}
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(a.root, "handler.sh")))
	settings := map[string]string{recorderDir: a.dir}
	for name, value := range r.HostSettings.AppSettings {
		if value != nil {
			settings[name] = *value
		}
	}
	a.cfg = devhost.Config{
		Root:     a.root,
		Addr:     "127.0.0.1:0",
		Settings: settings,
		Keys:     devhost.Keys{Function: "FUNCKEY", Master: "MASTERKEY"},
		Log:      slog.New(slog.NewJSONHandler(a.logs, nil)),
	}
	a.plan(plan{Answers: r.HandlerAnswer})
	return a
}

func (a *app) write(path, text string) {
	a.t.Helper()
	file := filepath.Join(a.root, path)
	require.NoError(a.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(a.t, os.WriteFile(file, []byte(text), 0o644))
}

func (a *app) plan(p plan) {
	a.t.Helper()
	text, err := json.Marshal(p)
	require.NoError(a.t, err)
	next := filepath.Join(a.dir, "plan.new")
	require.NoError(a.t, os.WriteFile(next, text, 0o644))
	require.NoError(a.t, os.Rename(next, filepath.Join(a.dir, "plan")))
}

func (a *app) start() *devhost.Host {
	a.t.Helper()
	host, err := devhost.Start(context.Background(), a.cfg)
	require.NoError(a.t, err)
	a.t.Cleanup(host.Close)
	a.host = host
	return host
}

// awaitEnd waits until the host has ended by itself.
func (a *app) awaitEnd() {
	a.t.Helper()
	select {
	case <-a.host.Done():
	case <-time.After(patience):
		a.t.Fatal("the host has not ended")
	}
}

func (a *app) events(kind string) (found []event) {
	text, err := os.ReadFile(filepath.Join(a.dir, "events"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(a.t, err)
	for line := range bytes.Lines(text) {
		var e event
		if line[len(line)-1] != '\n' {
			break // still being written
		}
		require.NoError(a.t, json.Unmarshal(line, &e))
		if e.Event == kind {
			found = append(found, e)
		}
	}
	return found
}

// requests waits for n requests to the handler.
func (a *app) requests(n int) requests {
	a.t.Helper()
	var got requests
	require.Eventually(a.t, func() bool {
		got = nil
		for _, e := range a.events("request") {
			got = append(got, e.Request)
		}
		return len(got) >= n
	}, patience, 10*time.Millisecond, "waiting for %d requests to the handler", n)
	return got
}

// call sends a recorded request byte for byte.
func (a *app) call(r *message) *message {
	a.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(a.host.URL(), "http://"))
	require.NoError(a.t, err)
	defer c.Close()
	require.NoError(a.t, c.SetDeadline(time.Now().Add(patience)))
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\n", r.Method, r.Path)
	for _, h := range r.Headers {
		fmt.Fprintf(&out, "%s: %s\r\n", h[0], h[1])
	}
	out.WriteString("\r\n")
	if r.BodyEncoding == "base64" {
		body, err := base64.StdEncoding.DecodeString(r.Body)
		require.NoError(a.t, err)
		out.Write(body)
	} else {
		out.WriteString(r.Body)
	}
	_, err = c.Write(out.Bytes())
	require.NoError(a.t, err)
	answer, err := readMessage(bufio.NewReader(c), false, nil)
	require.NoError(a.t, err)
	return answer
}

// get calls with the one header that is needed.
func (a *app) get(path string) *message {
	a.t.Helper()
	return a.call(&message{Method: "GET", Path: path, Headers: [][2]string{{"Host", "h"}}})
}

func (m *message) status() string { return strings.SplitN(m.StatusLine+"  ", " ", 3)[1] }

// logs is what the host logged.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

type logLine struct {
	Level    string
	Category string
	Message  string `json:"msg"`
	Error    string
}

func (l *logLine) UnmarshalJSON(text []byte) error {
	var line struct{ Level, Category, Msg, Message, Error string }
	err := json.Unmarshal(text, &line)
	*l = logLine{line.Level, line.Category, line.Msg + line.Message, line.Error}
	return err
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) lines(t *testing.T) (lines []logLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range bytes.Lines(l.text.Bytes()) {
		var line logLine
		require.NoError(t, json.Unmarshal(text, &line))
		lines = append(lines, line)
	}
	return lines
}

// find is the first line that contains text.
func (l *logs) find(t *testing.T, text string) (logLine, bool) {
	for _, line := range l.lines(t) {
		if strings.Contains(line.Message, text) {
			return line, true
		}
	}
	return logLine{}, false
}

func (l *logs) await(t *testing.T, text string) logLine {
	t.Helper()
	var line logLine
	require.Eventually(t, func() (ok bool) {
		line, ok = l.find(t, text)
		return ok
	}, patience, 10*time.Millisecond, "waiting for the log to say %q", text)
	return line
}

var (
	ids     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	moments = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+`)
	ports   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// same makes two messages comparable: ids, moments and ports have names, and
// headers are in one order and case.
func same(m *message) *message {
	if m == nil {
		return nil
	}
	plain := *m
	plain.Headers = nil
	for _, h := range m.Headers {
		value := ids.ReplaceAllString(h[1], "<id>")
		switch name := strings.ToLower(h[0]); name {
		case "date", "server":
			value = "<" + name + ">"
		case "host":
			value = ports.ReplaceAllString(value, "<address>")
		}
		plain.Headers = append(plain.Headers, [2]string{strings.ToLower(h[0]), value})
	}
	slices.SortFunc(plain.Headers, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	if strings.Contains(m.header("Content-Type"), "json") && strings.HasPrefix(m.Body, `{"Data"`) {
		plain.Body = sameJSON(m.Body)
	}
	return &plain
}

// sameJSON is an envelope with its members in order and without ids and moments.
func sameJSON(text string) string {
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		return text
	}
	ordered, _ := json.Marshal(tree)
	return moments.ReplaceAllString(ids.ReplaceAllString(string(ordered), "<id>"), "<moment>")
}

func requireSame(t *testing.T, want, got *message) {
	t.Helper()
	require.Equal(t, same(want), same(got))
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
