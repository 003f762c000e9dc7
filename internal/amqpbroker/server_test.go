package amqpbroker_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/go-amqp"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/amqpbroker"
)

const namespace = "ns.servicebus.windows.net"

// credential signs in with a fixed token.
type credential string

func (c credential) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(c), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// onSocket starts a broker on a port and returns it with a client.
func onSocket(t *testing.T, queues ...amqpbroker.QueueConfig) (*amqpbroker.Server, *azservicebus.Client) {
	t.Helper()
	s := &amqpbroker.Server{Broker: amqpbroker.NewBroker(queues...)}
	t.Cleanup(s.Close)
	addr, err := s.Start("127.0.0.1:0")
	require.NoError(t, err)
	c, err := azservicebus.NewClientFromConnectionString(amqpbroker.ConnectionString(addr),
		&azservicebus.ClientOptions{RetryOptions: azservicebus.RetryOptions{MaxRetries: 2, RetryDelay: time.Millisecond}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return s, c
}

// rawConn is a connection that has put no claim.
func rawConn(t *testing.T, s *amqpbroker.Server) *amqp.Conn {
	t.Helper()
	nc, err := s.Dial(t.Context())
	require.NoError(t, err)
	c, err := amqp.NewConn(t.Context(), nc, &amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestClientsConnectAgainAfterAFailover(t *testing.T) {
	s, c := onSocket(t, amqpbroker.QueueConfig{Name: "q"})
	snd, err := c.NewSender("q", nil)
	require.NoError(t, err)
	r := receiver(t, c, "q", nil)
	for _, body := range []string{"1", "2", "3"} {
		require.NoError(t, snd.SendMessage(t.Context(), text(body), nil))
		m := receive(t, r, 1)[0]
		require.Equal(t, body, string(m.Body))
		require.NoError(t, r.CompleteMessage(t.Context(), m, nil))
		s.DropConnections()
	}
	requireCounts(t, s.Broker, "q", counts{})
}

func TestClientsAttachAgainAfterAnIdleDetach(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, c *azservicebus.Client) {
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		require.NoError(t, snd.SendMessage(t.Context(), text("1"), nil))
		s.DetachLinks(amqp.ErrCondDetachForced)
		require.NoError(t, snd.SendMessage(t.Context(), text("2"), nil))
		s.DetachLinks(amqp.ErrCondUnauthorizedAccess)
		requireCode(t, azservicebus.CodeUnauthorizedAccess, snd.SendMessage(t.Context(), text("3"), nil))
		requireCounts(t, s.Broker, "q", counts{active: 2})
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestRefusingBrokerIsUnreachableAndKeepsItsMessages(t *testing.T) {
	s, c := onSocket(t, amqpbroker.QueueConfig{Name: "q"})
	snd, err := c.NewSender("q", nil)
	require.NoError(t, err)
	require.NoError(t, snd.SendMessage(t.Context(), text("before"), nil))
	s.Refuse(true)
	requireCode(t, azservicebus.CodeConnectionLost, snd.SendMessage(t.Context(), text("meanwhile"), nil))
	_, err = s.Dial(t.Context())
	require.Error(t, err)
	s.Refuse(false)
	require.NoError(t, snd.SendMessage(t.Context(), text("after"), nil))
	require.Equal(t, []string{"before", "after"}, bodies(receive(t, receiver(t, c, "q", nil), 2)))
}

func TestMissingQueueIsNotFound(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		_, err := receiver(t, c, "nope", nil).ReceiveMessages(t.Context(), 1, nil)
		var e *amqp.Error // a link to a missing entity surfaces the raw error
		require.ErrorAs(t, err, &e)
		require.Equal(t, amqp.ErrCondNotFound, e.Condition)
	}, amqpbroker.QueueConfig{Name: "q"})
}

func TestTokenDecidesWhoComesIn(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	inVirtualTime(t, func(t *testing.T, s *amqpbroker.Server, _ *azservicebus.Client) {
		s.Authorize = func(audience, tokenType, token string) error {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, tokenType+" "+audience)
			if token != "good" {
				return errors.New("who are you?")
			}
			return nil
		}
		client := func(token string) *azservicebus.Client {
			c, err := azservicebus.NewClient(namespace, credential(token), &azservicebus.ClientOptions{
				NewWebSocketConn: func(ctx context.Context, _ azservicebus.NewWebSocketConnArgs) (net.Conn, error) { return s.Dial(ctx) }})
			require.NoError(t, err)
			return c
		}
		good, bad := client("good"), client("bad")
		send(t, good, "q", text("x"))
		mu.Lock()
		require.Equal(t, []string{"jwt amqps://" + namespace + "/q", "jwt amqps://" + namespace + "/q/$management"}, asked)
		mu.Unlock()
		snd, err := bad.NewSender("q", nil)
		require.NoError(t, err)
		requireCode(t, azservicebus.CodeUnauthorizedAccess, snd.SendMessage(t.Context(), text("y"), nil))
		requireCounts(t, s.Broker, "q", counts{active: 1})
		require.NoError(t, good.Close(t.Context()))
		require.NoError(t, bad.Close(t.Context()))
	}, amqpbroker.QueueConfig{Name: "q"})
}

// claim puts a token for an audience.
func claim(t *testing.T, session *amqp.Session, audience string) {
	t.Helper()
	snd, err := session.NewSender(t.Context(), "$cbs", nil)
	require.NoError(t, err)
	rcv, err := session.NewReceiver(t.Context(), "$cbs", &amqp.ReceiverOptions{TargetAddress: "me"})
	require.NoError(t, err)
	require.NoError(t, snd.Send(t.Context(), &amqp.Message{
		Value: "token", Properties: &amqp.MessageProperties{ReplyTo: to.Ptr("me")},
		ApplicationProperties: map[string]any{"operation": "put-token", "type": "jwt", "name": audience},
	}, nil))
	m, err := rcv.Receive(t.Context(), nil)
	require.NoError(t, err)
	require.EqualValues(t, 202, m.ApplicationProperties["status-code"])
	require.NoError(t, rcv.Close(t.Context()))
	require.NoError(t, snd.Close(t.Context()))
}

func TestClaimCoversItsEntityAndWhatIsBelow(t *testing.T) {
	s, _ := onSocket(t, amqpbroker.QueueConfig{Name: "q"}, amqpbroker.QueueConfig{Name: "q2"})
	for _, tc := range []struct {
		claims  []string // audiences, below the namespace
		address string
		ok      bool
	}{
		{nil, "q", false},
		{nil, "q/$management", false},
		{nil, "nope", false}, // nor does one learn which queues there are
		{[]string{"/q"}, "q", true},
		{[]string{"/Q"}, "q", true},
		{[]string{"/q"}, "q/$management", true},
		{[]string{"/q"}, "q2", false},
		{[]string{"/q2"}, "q", false},
		{[]string{"/q/$management"}, "q", false},
		{[]string{"/q", "/q2"}, "q", true},
		{[]string{"/"}, "q", true},
		{[]string{""}, "q2", true},
	} {
		t.Run(fmt.Sprint(tc.claims, tc.address), func(t *testing.T) {
			session, err := rawConn(t, s).NewSession(t.Context(), nil)
			require.NoError(t, err)
			for _, path := range tc.claims {
				claim(t, session, "amqps://"+namespace+path)
			}
			snd, err := session.NewSender(t.Context(), tc.address, nil)
			if tc.ok {
				require.NoError(t, err)
				return
			}
			if err == nil { // the refusal may come after the answer
				err = snd.Send(t.Context(), amqp.NewMessage(nil), nil)
			}
			var e *amqp.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, amqp.ErrCondUnauthorizedAccess, e.Condition)
		})
	}
}

func TestEveryTypeIsUnderstood(t *testing.T) {
	s, _ := onSocket(t)
	nc, err := s.Dial(t.Context())
	require.NoError(t, err)
	c, err := amqp.NewConn(t.Context(), nc, &amqp.ConnOptions{Properties: map[string]any{
		"null": nil, "true": true, "false": false,
		"ubyte": uint8(1), "ushort": uint16(1), "uint": uint32(1 << 31), "ulong": uint64(1 << 63),
		"uint0": uint32(0), "ulong0": uint64(0), "smalluint": uint32(1), "smallulong": uint64(1),
		"byte": int8(-1), "short": int16(-1), "int": int32(-1 << 31), "long": int64(-1 << 63), "smallint": int32(-1), "smalllong": int64(-1),
		"float": float32(1), "double": 1.0, "time": time.Now(), "uuid": amqp.UUID{1}, "binary": []byte{1}, "long string": string(make([]byte, 300)),
		"list": []any{1, "two"}, "no list": []any{}, "map": map[string]any{"a": []any{}}, "bytes": make([]byte, 300),
		"array": []int64{1, 2}, "strings": []string{"a", "b"}, "booleans": []bool{true, false},
	}})
	require.NoError(t, err)
	_, err = c.NewSession(t.Context(), nil)
	require.NoError(t, err)
	_ = c.Close() // both ends close: the later one finds the pipe closed
}

func TestGarbageEndsItsOwnConnectionAlone(t *testing.T) {
	s, c := onSocket(t, amqpbroker.QueueConfig{Name: "q"})
	const hello = "AMQP\x00\x01\x00\x00"
	for name, bytes := range map[string]string{
		"not AMQP":                      "GET / HTTP/1.1\r\n\r\n",
		"frame over the limit":          hello + "\x7f\xff\xff\xff\x02\x00\x00\x00",
		"frame without room for a head": hello + "\x00\x00\x00\x07\x02\x00\x00\x00",
		"offset beyond the frame":       hello + "\x00\x00\x00\x08\x03\x00\x00\x00",
		"list longer than the frame":    hello + "\x00\x00\x00\x0d\x02\x00\x00\x00\x00\x53\x10\xc0\xff",
		"list of more than it holds":    hello + "\x00\x00\x00\x0e\x02\x00\x00\x00\x00\x53\x10\xc0\x01\xff",
		"endless descriptors":           hello + "\x00\x00\x00\x30\x02\x00\x00\x00" + string(make([]byte, 0x28)),
		"unknown channel":               hello + "\x00\x00\x00\x0c\x02\x00\x00\x07\x00\x53\x12\x45",
		"unknown type":                  hello + "\x00\x00\x00\x09\x02\x00\x00\x00\x3f",
	} {
		t.Run(name, func(t *testing.T) {
			nc, err := s.Dial(t.Context())
			require.NoError(t, err)
			go func() { _, _ = nc.Write([]byte(bytes)) }() // a pipe has no buffer
			_, err = io.ReadAll(nc)
			require.NoError(t, err) // that is, the broker closed
			send(t, c, "q", text("still here"))
		})
	}
}

func TestClientOverTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, DNSNames: []string{namespace},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	require.NoError(t, err)
	s := &amqpbroker.Server{Broker: amqpbroker.NewBroker(amqpbroker.QueueConfig{Name: "q"})}
	s.Serve(ln)
	t.Cleanup(s.Close)
	ca, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(ca)

	c, err := azservicebus.NewClient(namespace, credential("good"),
		&azservicebus.ClientOptions{CustomEndpoint: ln.Addr().String(), TLSConfig: &tls.Config{RootCAs: pool}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	send(t, c, "q", text("x"))
	require.Equal(t, []string{"x"}, bodies(receive(t, receiver(t, c, "q", nil), 1)))
}

func TestIdleConnectionIsKeptAlive(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, _ *amqpbroker.Server, c *azservicebus.Client) {
		snd, err := c.NewSender("q", nil)
		require.NoError(t, err)
		require.NoError(t, snd.SendMessage(t.Context(), text("1"), nil))
		<-time.After(time.Hour)
		require.NoError(t, snd.SendMessage(t.Context(), text("2"), nil))
	}, amqpbroker.QueueConfig{Name: "q"})
}
