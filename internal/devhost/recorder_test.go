package devhost_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// recorderDir is set for a process that is to be the recording handler: the
// folder it is told by and tells in.
const recorderDir = "DEVHOST_TEST_RECORDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(recorderDir); dir != "" {
		record(dir)
		return
	}
	flag.Parse()
	_ = flag.Set("test.parallel", "16") // the tests wait more than they work
	os.Exit(m.Run())
}

// plan is what a recorder is told. Its answers may change while it runs.
type plan struct {
	ListenAfterMs int
	NeverListen   bool
	Exits         []exit // of the first process, the second, …
	Answers       []answer
}

type exit struct {
	Code    int
	Before  bool // before it listens
	AfterMs int
}

// answer is a recorded handlerAnswer.
type answer struct {
	Status         int
	Reason         string
	Headers        [][2]string
	Body           string
	BodyEncoding   string
	DelayMs        int
	Drop           string
	Raw            string
	RawEnd         bool
	Chunked        bool
	ManyHeaders    int
	Exit           *int
	Stdout, Stderr string
}

// event is a line the recorder tells.
type event struct {
	Event   string
	PID     int
	Argv    []string `json:",omitempty"`
	Cwd     string   `json:",omitempty"`
	Environ []string `json:",omitempty"`
	Request *message `json:",omitempty"`
}

// message is a request or an answer as it came, header lines in order.
type message struct {
	Method, Path, StatusLine string
	Headers                  [][2]string
	Body                     string
	BodyEncoding             string
	Interim                  []string
}

func record(dir string) {
	parent := os.Getppid()
	go func() { // the host may be killed, and we would be left behind
		for os.Getppid() == parent {
			time.Sleep(100 * time.Millisecond)
		}
		os.Exit(3)
	}()
	events, err := os.OpenFile(filepath.Join(dir, "events"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(err)
	tell := func(e event) {
		e.PID = os.Getpid()
		line, err := json.Marshal(e)
		check(err)
		_, err = events.Write(append(line, '\n'))
		check(err)
	}
	cwd, _ := os.Getwd()
	tell(event{Event: "start", Argv: os.Args[1:], Cwd: cwd, Environ: os.Environ()})
	p := readPlan(dir)
	if starts := bytes.Count(readFile(filepath.Join(dir, "events")), []byte(`"Event":"start"`)); starts <= len(p.Exits) {
		e := p.Exits[starts-1]
		leave := func() { time.Sleep(time.Duration(e.AfterMs) * time.Millisecond); os.Exit(e.Code) }
		if e.Before {
			leave()
		}
		go leave()
	}
	if p.NeverListen {
		select {}
	}
	time.Sleep(time.Duration(p.ListenAfterMs) * time.Millisecond)
	ln, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"))
	check(err)
	turns := make(chan int, 1)
	turns <- 0
	for {
		c, err := ln.Accept()
		check(err)
		go serve(c, dir, tell, turns)
	}
}

func serve(c net.Conn, dir string, tell func(event), turns chan int) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		request, err := readMessage(in, true, func() { io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n") })
		if err != nil {
			return
		}
		if request.Path == "/" {
			tell(event{Event: "poll", Request: request})
			io.WriteString(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
			continue
		}
		// Answers first: who has seen the request told may change them.
		turn := <-turns
		answers := readPlan(dir).Answers
		turns <- turn + 1
		tell(event{Event: "request", Request: request})
		if len(answers) > 0 && !answers[min(turn, len(answers)-1)].write(c, request) {
			return
		}
	}
}

func (a answer) write(c net.Conn, r *message) (keep bool) {
	time.Sleep(time.Duration(a.DelayMs) * time.Millisecond)
	io.WriteString(os.Stdout, a.Stdout)
	io.WriteString(os.Stderr, a.Stderr)
	switch {
	case a.Exit != nil:
		os.Exit(*a.Exit)
	case a.Drop == "before":
		return false
	case a.Raw != "":
		io.WriteString(c, a.Raw)
		return !a.RawEnd
	}
	body := []byte(a.Body)
	if a.BodyEncoding == "base64" {
		body, _ = base64.StdEncoding.DecodeString(a.Body)
	}
	var out bytes.Buffer
	if a.Reason == "" {
		a.Reason = "Whatever"
	}
	fmt.Fprintf(&out, "HTTP/1.1 %d %s\r\n", a.Status, a.Reason)
	for _, h := range a.Headers {
		fmt.Fprintf(&out, "%s: %s\r\n", h[0], h[1])
	}
	for i := range a.ManyHeaders {
		fmt.Fprintf(&out, "X-Many-%d: v%d\r\n", i, i)
	}
	keep = !strings.Contains(r.header("Connection"), "close")
	if keep {
		out.WriteString("Connection: keep-alive\r\nKeep-Alive: timeout=600\r\n")
	} else {
		out.WriteString("Connection: close\r\n")
	}
	switch {
	case a.Status == 204 || a.Status == 304:
		out.WriteString("\r\n")
	case a.Drop == "mid":
		fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n%s", len(body)+10, body)
		keep = false
	case a.Chunked:
		fmt.Fprintf(&out, "Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	default:
		fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	c.Write(out.Bytes())
	return keep
}

// readMessage reads a request or an answer and keeps its lines as they are.
func readMessage(in *bufio.Reader, request bool, proceed func()) (*message, error) {
	line := func() (string, error) {
		text, err := in.ReadString('\n')
		return strings.TrimRight(text, "\r\n"), err
	}
	first, err := line()
	if err != nil {
		return nil, err
	}
	m := &message{StatusLine: first, Headers: [][2]string{}}
	for {
		text, err := line()
		if err != nil {
			return nil, err
		}
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ": ")
		m.Headers = append(m.Headers, [2]string{name, value})
	}
	if request {
		m.Method, m.Path, _ = strings.Cut(strings.TrimSuffix(first, " HTTP/1.1"), " ")
		m.StatusLine = ""
	} else if strings.HasPrefix(first, "HTTP/1.1 1") {
		rest, err := readMessage(in, request, proceed)
		if err == nil {
			rest.Interim = append([]string{first}, rest.Interim...)
		}
		return rest, err
	}
	if proceed != nil && m.header("Expect") != "" {
		proceed()
	}
	var body []byte
	if m.header("Transfer-Encoding") == "chunked" {
		for {
			size, err := line()
			if err != nil {
				return nil, err
			}
			n, err := strconv.ParseInt(size, 16, 32)
			if err != nil {
				return nil, err
			}
			chunk := make([]byte, n+2)
			if _, err := io.ReadFull(in, chunk); err != nil {
				return nil, err
			}
			if body = append(body, chunk[:n]...); n == 0 {
				break
			}
		}
	} else if n, _ := strconv.Atoi(m.header("Content-Length")); n > 0 {
		body = make([]byte, n)
		if _, err := io.ReadFull(in, body); err != nil {
			return nil, err
		}
	}
	m.Body = string(body)
	if !bytes.Equal([]byte(strings.ToValidUTF8(m.Body, "")), body) || m.header("Content-Encoding") != "" {
		m.Body, m.BodyEncoding = base64.StdEncoding.EncodeToString(body), "base64"
	}
	return m, nil
}

func (m *message) header(name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h[0], name) {
			return h[1]
		}
	}
	return ""
}

func readPlan(dir string) (p plan) {
	check(json.Unmarshal(readFile(filepath.Join(dir, "plan")), &p))
	return p
}

func readFile(path string) []byte {
	text, err := os.ReadFile(path)
	check(err)
	return text
}

// check ends the recorder, with a code that the host takes for a crash.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "recorder:", err)
		os.Exit(2)
	}
}
