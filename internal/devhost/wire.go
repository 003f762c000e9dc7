package devhost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxAnswerHead is what the host reads of an answer's status and headers.
	maxAnswerHead = 64 << 10
	// maxIdle bounds the kept connections; the host's own pool has no bound.
	maxIdle = 256
	// continueWithin is how long the host waits for "100 Continue".
	continueWithin = time.Second
)

// errDropped means that the handler closed the connection without a byte of
// answer. A request without a body is then sent again.
var errDropped = errors.New("the handler dropped the connection")

// wireRequest is a request to the handler, byte for byte. net/http's client is
// of no use here: it repeats other requests, and at other times, than the host.
type wireRequest struct {
	method, target string
	header         [][2]string
	body           []byte
	chunked        bool // sent chunked even if empty
}

// wireAnswer is the handler's whole answer.
type wireAnswer struct {
	status int
	header http.Header // without Content-Length and Transfer-Encoding
	length int64       // the Content-Length it named, -1 for none
	body   []byte
}

// wire keeps connections to the handler.
type wire struct {
	addr string
	mu   sync.Mutex
	idle []*wireConn
}

// wireConn is one connection. Its reader waits for the first byte of the next
// answer, so that a closed connection is noticed before it is used again.
type wireConn struct {
	net.Conn
	in    *bufio.Reader
	first chan error // one value for each answer: nil, or why there is none
}

func (w *wire) conn(ctx context.Context) (*wireConn, error) {
	w.mu.Lock()
	for len(w.idle) > 0 {
		c := w.idle[len(w.idle)-1]
		w.idle = w.idle[:len(w.idle)-1]
		select {
		case <-c.first: // closed, or spoke unasked
			c.Close()
		default:
			w.mu.Unlock()
			return c, nil
		}
	}
	w.mu.Unlock()
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", w.addr)
	if err != nil {
		return nil, err
	}
	c := &wireConn{Conn: raw, in: bufio.NewReader(raw), first: make(chan error, 1)}
	go c.awaitByte()
	return c, nil
}

func (c *wireConn) awaitByte() {
	_, err := c.in.Peek(1)
	c.first <- err
}

// keep takes c back for the next request.
func (w *wire) keep(c *wireConn) {
	go c.awaitByte()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.idle) < maxIdle {
		w.idle = append(w.idle, c)
		return
	}
	c.Close()
}

// close drops the idle connections.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.idle {
		c.Close()
	}
	w.idle = nil
}

// do sends r and reads the whole answer. The end of ctx cuts the connection.
func (w *wire) do(ctx context.Context, r wireRequest) (*wireAnswer, error) {
	c, err := w.conn(ctx)
	if err != nil {
		return nil, err
	}
	uncut := context.AfterFunc(ctx, func() { c.Close() })
	answer, reuse, err := c.roundTrip(r)
	if !uncut() {
		return nil, context.Cause(ctx)
	}
	if err != nil || !reuse {
		c.Close()
		return answer, err
	}
	w.keep(c)
	return answer, nil
}

func (c *wireConn) roundTrip(r wireRequest) (answer *wireAnswer, reuse bool, err error) {
	head, body := r.bytes()
	if r.expects() {
		if _, err := c.Write(head); err != nil {
			return nil, false, errDropped
		}
		select {
		case err := <-c.first: // 100, or the answer before the body
			c.first <- err
		case <-time.After(continueWithin):
		}
		head = nil
	}
	if _, err := c.Write(append(head, body...)); err != nil {
		return nil, false, errDropped
	}
	if err := <-c.first; err != nil {
		return nil, false, errDropped
	}
	return c.readAnswer(r.method)
}

func (c *wireConn) readAnswer(method string) (*wireAnswer, bool, error) {
	for {
		resp, err := http.ReadResponse(c.in, &http.Request{Method: method})
		if err != nil {
			return nil, false, err
		}
		if resp.StatusCode < 200 && resp.StatusCode != http.StatusSwitchingProtocols {
			continue // 100 Continue, 103 Early Hints
		}
		head := len(resp.Proto) + len(resp.Status)
		for name, values := range resp.Header {
			for _, v := range values {
				head += len(name) + len(v) + len(": \r\n")
			}
		}
		if head > maxAnswerHead {
			return nil, false, fmt.Errorf("the answer's headers have %d bytes, more than %d", head, maxAnswerHead)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, false, err
		}
		resp.Header.Del("Content-Length")
		return &wireAnswer{resp.StatusCode, resp.Header, resp.ContentLength, body}, !resp.Close, nil
	}
}

func (r wireRequest) expects() bool {
	for _, h := range r.header {
		if http.CanonicalHeaderKey(h[0]) == "Expect" && len(r.body) > 0 {
			return true
		}
	}
	return false
}

func (r wireRequest) bytes() (head, body []byte) {
	var h bytes.Buffer
	fmt.Fprintf(&h, "%s %s HTTP/1.1\r\n", r.method, r.target)
	for _, pair := range r.header {
		fmt.Fprintf(&h, "%s: %s\r\n", pair[0], pair[1])
	}
	h.WriteString("\r\n")
	if !r.chunked {
		return h.Bytes(), r.body
	}
	var b bytes.Buffer
	if len(r.body) > 0 {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(r.body), r.body)
	}
	b.WriteString("0\r\n\r\n")
	return h.Bytes(), b.Bytes()
}
