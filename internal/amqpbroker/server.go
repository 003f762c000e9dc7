package amqpbroker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"slices"
	"sync"

	"github.com/Azure/go-amqp"
)

// Server speaks AMQP 1.0 for a Broker. Set its fields before the first Start,
// Serve or Dial.
type Server struct {
	Broker *Broker

	// Authorize decides on each token that a client puts: the address of the
	// entity, the type of the token ("jwt" or "servicebus.windows.net:sastoken")
	// and the token. Its error is told to the client with 401. Of a client that
	// signs in with SASL PLAIN the address is empty, the type "PLAIN" and the
	// token "user:password". Nil: all pass.
	Authorize func(audience, tokenType, token string) error

	// Log hears of connections that ended badly. Nil: nobody does.
	Log *log.Logger

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[*conn]struct{}
	refusing  bool
	closed    bool
	wg        sync.WaitGroup
}

var errUnreachable = errors.New("the broker is unreachable")

// Start listens on addr (127.0.0.1:0 takes any free port) and serves beside
// the caller until Close.
func (s *Server) Start(addr string) (net.Addr, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	s.Serve(ln)
	return ln.Addr(), nil
}

// Serve serves ln, which may speak TLS, beside the caller until Close.
func (s *Server) Serve(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, ln)
	s.wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			if err := s.serve(nc); err != nil {
				_ = nc.Close()
			}
		}
	})
}

// Dial returns a connection within this process, for the NewWebSocketConn of
// azservicebus.ClientOptions. Client and broker then run without a socket, and
// so in virtual time inside a testing/synctest bubble.
func (s *Server) Dial(context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	if err := s.serve(server); err != nil {
		return nil, err
	}
	return client, nil
}

// serve serves one connection beside the caller.
func (s *Server) serve(nc net.Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusing || s.closed {
		return errUnreachable
	}
	if s.conns == nil {
		s.conns = map[*conn]struct{}{}
	}
	c := newConn(s, nc)
	s.conns[c] = struct{}{}
	s.wg.Go(func() {
		err := c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		if s.Log != nil && err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
			s.Log.Printf("connection of %s: %v", nc.RemoteAddr(), err)
		}
	})
	return nil
}

// DropConnections cuts every connection, as a failover in Azure does. Clients
// may connect again at once.
func (s *Server) DropConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.nc.Close()
	}
}

// DetachLinks ends every link to a queue with the given condition, as Service
// Bus does with amqp:link:detach-forced after ten idle minutes, and with
// amqp:unauthorized-access when a claim has expired.
func (s *Server) DetachLinks(condition amqp.ErrCond) {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock() // a connection may have to be dropped before it can be told
	for _, c := range conns {
		c.detachLinks(&fault{condition, "The link was detached by the broker.", 400})
	}
}

// Refuse(true) makes the broker unreachable: connections are cut, and new ones
// end before the first byte. The messages stay. Refuse(false) ends that.
func (s *Server) Refuse(refuse bool) {
	s.mu.Lock()
	s.refusing = refuse
	s.mu.Unlock()
	if refuse {
		s.DropConnections()
	}
}

// Close stops listening, cuts all connections and closes the Broker. It
// returns when nothing of the server runs any more.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
	s.mu.Unlock()
	s.DropConnections()
	s.wg.Wait()
	s.Broker.Close()
}

// ConnectionString is what clients take to reach a server at addr: plain TCP,
// and a key that nobody checks unless Authorize does. It has the form that the
// official emulator documents.
func ConnectionString(addr net.Addr) string {
	return fmt.Sprintf("Endpoint=sb://%s;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SAS_KEY_VALUE;UseDevelopmentEmulator=true", addr)
}
