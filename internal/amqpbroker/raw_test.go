package amqpbroker

import (
	"bufio"
	"log"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// raw is a client that writes its frames by hand: go-amqp forgives a broker
// what others do not. It has one AMQP session, on channel 0.
type raw struct {
	t        *testing.T
	nc       net.Conn
	received chan frame // closed when the broker has hung up
}

// byHand runs f in virtual time on a connection that is open and has a claim
// for the whole namespace.
func byHand(t *testing.T, f func(*testing.T, *Server, *raw), queues ...QueueConfig) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &Server{Broker: NewBroker(queues...), Log: log.New(t.Output(), "broker: ", 0)}
		defer s.Close()
		f(t, s, open(t, s))
	})
}

// open connects a raw client and puts its claim.
func open(t *testing.T, s *Server) *raw {
	t.Helper()
	c := hello(t, s, headerAMQP)
	c.send(codeOpen, "raw", nil, uint32(1<<16))
	c.send(codeBegin, nil, uint32(0), window, window)
	c.want(codeOpen)
	c.want(codeBegin)
	c.claim()
	return c
}

// hello connects a raw client, which has yet to open, and greets in AMQP or SASL.
func hello(t *testing.T, s *Server, greeting string) *raw {
	t.Helper()
	nc, err := s.Dial(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = nc.Close() })
	c := &raw{t: t, nc: nc, received: make(chan frame, 10_000)}
	r := bufio.NewReader(nc)
	go func() {
		defer close(c.received)
		for {
			if head, err := r.Peek(4); err == nil && string(head) == "AMQP" {
				_, _ = r.Discard(len(headerAMQP))
			}
			f, err := readFrame(r)
			if err != nil {
				return
			}
			c.received <- f
		}
	}()
	_, err = nc.Write([]byte(greeting))
	require.NoError(t, err)
	return c
}

func (c *raw) send(code uint64, fields ...any) {
	c.t.Helper()
	require.NoError(c.t, writeFrame(c.nc, frameAMQP, 0, appendValue(nil, described{code, fields})))
}

// want returns the next frame, which must be of the given kind.
func (c *raw) want(code uint64) frame {
	c.t.Helper()
	synctest.Wait()
	select {
	case f, ok := <-c.received:
		require.True(c.t, ok, "the broker has hung up")
		require.Equal(c.t, code, f.code, "%#v", f.fields)
		return f
	default:
		require.Fail(c.t, "nothing came", "want 0x%x", code)
		panic("unreachable")
	}
}

// wantNothing asserts that the broker has said nothing more.
func (c *raw) wantNothing() {
	c.t.Helper()
	synctest.Wait()
	select {
	case f := <-c.received:
		require.Fail(c.t, "a frame came", "%#v", f)
	default:
	}
}

// sender attaches a link to send on, and receiver one to receive from.
func (c *raw) sender(handle uint32, name, address string) {
	c.t.Helper()
	c.send(codeAttach, name, handle, false, uint8(0), uint8(0), described{codeSource, []any{}}, described{codeTarget, []any{address}}, nil, nil, uint32(0))
	c.want(codeAttach)
	c.want(codeFlow)
}

func (c *raw) receiver(handle uint32, name, address string) {
	c.t.Helper()
	c.receiverOf(handle, name, described{codeSource, []any{address}})
	c.want(codeAttach)
}

func (c *raw) receiverOf(handle uint32, name string, source described) {
	c.t.Helper()
	c.send(codeAttach, name, handle, true, uint8(0), uint8(1), source, described{codeTarget, []any{}})
}

// credit allows so many messages on a receiving link that had seen so many.
func (c *raw) credit(handle, seen, credit uint32, more ...any) {
	c.t.Helper()
	c.send(codeFlow, append([]any{uint32(0), window, uint32(0), window, handle, seen, credit}, more...)...)
}

// put sends a message in one frame, settled.
func (c *raw) put(handle uint32, sections ...described) {
	c.t.Helper()
	body := appendValue(nil, described{codeTransfer, []any{handle, uint32(0), []byte("tag"), uint32(0), true, false}})
	require.NoError(c.t, writeFrame(c.nc, frameAMQP, 0, append(body, inBytes(sections)...)))
}

func inBytes(sections []described) (b []byte) {
	for _, s := range sections {
		b = appendValue(b, s)
	}
	return b
}

// written is a message as the broker has it from a sender.
func written(t testing.TB, sections ...described) *content {
	t.Helper()
	c, err := parse(inBytes(sections))
	require.NoError(t, err)
	return c
}

// ask sends a request to a queue's $management and returns the status, the
// condition if it failed, and the answer.
func (c *raw) ask(queue, operation string, body pairs) (status any, condition any, answer pairs) {
	c.t.Helper()
	node := queue + "/$management"
	c.sender(100, "ask", node)
	c.receiver(101, "answers", node)
	c.credit(101, 0, 1)
	c.put(100,
		described{codeProperties, []any{"id", nil, nil, nil, "answers"}},
		described{codeApplication, pairs{{"operation", "com.microsoft:" + operation}}},
		described{codeValue, body})
	m := c.want(codeTransfer).sections(c.t)
	for handle := range uint32(2) {
		c.send(codeDetach, 100+handle, true)
		c.want(codeDetach)
	}
	p, _ := m[codeApplication].(pairs)
	answer, _ = m[codeValue].(pairs)
	return p.get("statusCode"), p.get("errorCondition"), answer
}

// sections returns the sections of the message that a transfer holds.
func (f frame) sections(t *testing.T) map[uint64]any {
	t.Helper()
	out := map[uint64]any{}
	for b := f.payload; len(b) > 0; {
		v, rest, err := decode(b)
		require.NoError(t, err)
		out[v.(described).code.(uint64)] = v.(described).value
		b = rest
	}
	return out
}

// ofGroup is the properties of a message of a session.
func ofGroup(id string) described {
	return described{codeProperties, []any{nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, id}}
}

// ofSession is the source of a link that asks for a session, by its id or any.
func ofSession(queue string, id any) described {
	return described{codeSource, []any{queue, nil, nil, nil, nil, nil, nil, pairs{{symbol(sessionFilter), id}}}}
}

// data is a body of n bytes.
func data(n int) described { return described{codeData, []byte(strings.Repeat("x", n))} }

// claim puts a token for the whole namespace, the way @azure/service-bus does:
// the receiving link has no target address, and reply-to is its name.
func (c *raw) claim() {
	c.t.Helper()
	c.sender(200, "cbs sender", "$cbs")
	c.receiver(201, "cbs receiver", "$cbs")
	c.credit(201, 0, 1)
	c.put(200,
		described{codeProperties, []any{"id", nil, "$cbs", nil, "cbs receiver"}},
		described{codeApplication, pairs{{"operation", "put-token"}, {"type", "jwt"}, {"name", "amqps://ns.servicebus.windows.net/"}}},
		described{codeValue, "token"})
	answer := c.want(codeTransfer)
	require.EqualValues(c.t, 201, answer.fields.uint32(0))
	require.Contains(c.t, string(answer.payload), "Accepted")
}

// id is what a transfer that begins a message says of it.
func (f frame) id() uint32 { return f.fields.uint32(1) }
func (f frame) more() bool { return f.fields.bool(5) }

func TestAnswerGoesToTheLinkThatReplyToMeans(t *testing.T) {
	for _, tc := range []struct{ name, replyTo, want string }{
		{"its target address", "here", "by address"},
		{"its name", "by name", "by name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			byHand(t, func(t *testing.T, _ *Server, c *raw) {
				c.sender(0, "ask", "q/$management")
				c.receiver(1, "by name", "q/$management")
				c.send(codeAttach, "by address", uint32(2), true, uint8(0), uint8(0),
					described{codeSource, []any{"q/$management"}}, described{codeTarget, []any{"here"}})
				c.want(codeAttach)
				c.credit(1, 0, 1)
				c.credit(2, 0, 1)
				c.put(0, described{codeProperties, []any{nil, nil, nil, nil, tc.replyTo}}, described{codeValue, nil})
				names := []string{"ask", "by name", "by address"}
				require.Equal(t, tc.want, names[c.want(codeTransfer).fields.uint32(0)])
			}, QueueConfig{Name: "q"})
		})
	}
}

func TestDeliveriesAreCountedNotFrames(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.sender(0, "in", "q")
		for range 4 { // three frames, of which the last is small
			body := appendValue(nil, described{codeTransfer, []any{uint32(0), uint32(0), []byte("t"), uint32(0), true, true}})
			large := appendValue(nil, data(150_000))
			for len(large) > 50_000 {
				require.NoError(t, writeFrame(c.nc, frameAMQP, 0, append(append([]byte(nil), body...), large[:50_000]...)))
				large = large[50_000:]
			}
			body = appendValue(nil, described{codeTransfer, []any{uint32(0), nil, nil, nil, true, false}})
			require.NoError(t, writeFrame(c.nc, frameAMQP, 0, append(body, large...)))
		}
		c.receiver(1, "out", "q")
		c.credit(1, 0, 10)
		first := c.want(codeTransfer)
		for f := first; f.more(); {
			f = c.want(codeTransfer)
		}
		for i := range uint32(3) {
			f := c.want(codeTransfer)
			require.Equal(t, first.id()+i+1, f.id())
			for f.more() {
				f = c.want(codeTransfer)
			}
		}
	}, QueueConfig{Name: "q"})
}

func TestSessionIsGrantedInTheFormItWasAskedFor(t *testing.T) {
	for _, tc := range []struct {
		name        string
		ask, answer any
	}{
		{"a bare id", "B", "B"},
		{"a described id", described{uint64(0x137000000C), "B"}, described{uint64(0x137000000C), "B"}},
		{"any, bare", nil, "A"},
		{"any, described", described{symbol("com.microsoft:session-filter"), nil}, described{symbol("com.microsoft:session-filter"), "A"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			byHand(t, func(t *testing.T, _ *Server, c *raw) {
				c.sender(0, "in", "q")
				for _, id := range []string{"A", "B"} {
					c.put(0, ofGroup(id), data(1))
				}
				c.receiverOf(1, "out", ofSession("q", tc.ask))
				filter, _ := c.want(codeAttach).fields.list(5, codeSource).at(7).(pairs)
				require.Equal(t, tc.answer, filter.get(sessionFilter))
			}, QueueConfig{Name: "q", RequiresSession: true})
		})
	}
}

func TestCreditGivenBeforeTheSessionIsLockedCounts(t *testing.T) {
	byHand(t, func(t *testing.T, _ *Server, c *raw) {
		c.receiverOf(1, "out", ofSession("q", nil))
		c.credit(1, 0, 5)
		c.wantNothing()
		time.Sleep(time.Second)
		c.sender(0, "in", "q")
		c.put(0, ofGroup("A"), data(1))
		c.want(codeAttach)
		c.want(codeTransfer)
	}, QueueConfig{Name: "q", RequiresSession: true})
}
