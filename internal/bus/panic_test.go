package bus_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/bus"
)

// buggy is a credential with a bug, until it is mended.
type buggy struct{ mended atomic.Bool }

func (c *buggy) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if !c.mended.Load() {
		panic("a bug")
	}
	return token("good").GetToken(ctx, o)
}

// What panics beside a send fails that send, not the process and not the bus.
func TestPanicIsOneFailedSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newBroker()
		defer s.Close()
		c := &buggy{}
		o := settings(s.Dial)
		o.Credential = c
		b := newBus(t, o)
		err := b.Send(t.Context(), queue, bus.Message{ID: "a"})
		require.ErrorContains(t, err, "panic: a bug")
		require.ErrorContains(t, err, "panic_test.go")
		require.False(t, bus.Permanent(err))
		c.mended.Store(true)
		require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "a"}))
		requireActive(t, s, 1)
		require.NoError(t, b.Close(t.Context()))
	})
}

// trapped is a connection that panics when it is closed.
type trapped struct {
	net.Conn
	closed chan struct{}
}

func (c trapped) Close() error {
	_ = c.Conn.Close()
	close(c.closed)
	panic("a bug")
}

func TestPanicWhileClosingIsAnError(t *testing.T) {
	s := newBroker()
	t.Cleanup(s.Close)
	b := newBus(t, settings(func(ctx context.Context) (net.Conn, error) {
		c, err := s.Dial(ctx)
		return trapped{c, make(chan struct{})}, err
	}))
	require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "a"}))
	err := b.Close(t.Context())
	require.ErrorContains(t, err, "panic: a bug")
}

// tiring is a credential that gets stuck.
type tiring struct {
	token
	tired   atomic.Bool
	release chan struct{}
}

func (c *tiring) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if c.tired.Load() {
		<-c.release
	}
	return c.token.GetToken(ctx, o)
}

func TestPanicWhileAConnectionIsGivenUpEndsNothing(t *testing.T) {
	s := newBroker()
	t.Cleanup(s.Close)
	c := &tiring{token: "good", release: make(chan struct{})}
	closed := make(chan struct{})
	o := settings(func(ctx context.Context) (net.Conn, error) {
		conn, err := s.Dial(ctx)
		return trapped{conn, closed}, err
	})
	o.Credential, o.Timeout = c, 200*time.Millisecond
	b := newBus(t, o)
	require.NoError(t, b.Send(t.Context(), queue, bus.Message{ID: "a"}))
	c.tired.Store(true)
	require.ErrorContains(t, b.Send(t.Context(), "another", bus.Message{ID: "b"}), "did not answer in time")
	close(c.release) // closing waits for the link that it is needed for
	<-closed
}
