package amqpbroker

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	headerSASL = "AMQP\x03\x01\x00\x00"
	headerAMQP = "AMQP\x00\x01\x00\x00"
)

// conn is one connection of a client. Frames are handled one after the other
// under mu; what waits (for messages, for a session) runs beside.
type conn struct {
	server *Server
	nc     net.Conn
	done   chan struct{} // closed when the connection ends
	wg     sync.WaitGroup

	mu       sync.Mutex // guards writing, and all below, sessions and links included
	maxFrame uint32
	sessions map[uint16]*session
	claims   claims
}

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{server: s, nc: nc, done: make(chan struct{}), sessions: map[uint16]*session{}}
}

// serve runs the connection to its end.
func (c *conn) serve() error {
	defer c.end()
	r := bufio.NewReader(c.nc)
	if err := c.handshake(r); err != nil {
		return err
	}
	for {
		f, err := readFrame(r)
		if err != nil {
			return err
		}
		if err := c.handle(f); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// end releases all that the connection held and waits for what runs beside.
func (c *conn) end() {
	_ = c.nc.Close()
	close(c.done)
	c.mu.Lock()
	for _, s := range c.sessions {
		s.end()
	}
	c.mu.Unlock()
	c.wg.Wait()
}

// detachLinks ends the links to queues. One that cannot be told has lost its
// connection anyway.
func (c *conn) detachLinks(reason *fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sessions {
		for _, l := range s.links {
			if l.queue != nil {
				_ = l.fail(reason)
			}
		}
	}
}

// handshake exchanges protocol headers, and SASL if the client asks for it.
func (c *conn) handshake(r *bufio.Reader) error {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	if string(head[:]) == headerSASL {
		if err := c.sasl(r); err != nil {
			return err
		}
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return err
		}
	}
	_, err := c.nc.Write([]byte(headerAMQP))
	if string(head[:]) != headerAMQP {
		return fmt.Errorf("protocol header %q is not AMQP 1.0", head)
	}
	return err
}

// handle answers one frame. It returns io.EOF when the client has closed.
func (c *conn) handle(f frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f.code {
	case 0:
		return nil
	case codeOpen:
		return c.open(f.fields)
	case codeBegin:
		return c.begin(f.channel, f.fields)
	case codeClose:
		_ = c.send(0, codeClose)
		return io.EOF
	}
	s := c.sessions[f.channel]
	if s == nil {
		return fmt.Errorf("performative 0x%x on the unknown channel %d", f.code, f.channel)
	}
	return s.handle(f)
}

// send writes a performative. The caller holds mu.
func (c *conn) send(channel uint16, code uint64, fields ...any) error {
	return writeFrame(c.nc, frameAMQP, channel, appendValue(nil, described{code, fields}))
}

func (c *conn) open(f fields) error {
	c.maxFrame = maxFrameSize
	if n := f.uint32(2); n > 0 {
		c.maxFrame = min(max(n, minMaxFrameSize), maxFrameSize)
	}
	if idle := time.Duration(f.uint32(4)) * time.Millisecond; idle > 0 {
		// Twice in the time the client waits, so that one frame may be late.
		c.wg.Go(func() { c.beat(idle / 2) })
	}
	const maxChannel = uint16(4999) // Service Bus allows 5,000 sessions a connection
	const idle = uint32(240_000)    // ms, as Service Bus announces; not enforced here
	return c.send(0, codeOpen, "amqpbroker", nil, uint32(maxFrameSize), maxChannel, idle)
}

// beat sends empty frames while the connection lasts.
func (c *conn) beat(every time.Duration) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-t.C:
			c.mu.Lock()
			err := writeFrame(c.nc, frameAMQP, 0, nil)
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}
}
