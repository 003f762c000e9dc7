package e2e_test

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim"
)

// outcomes are what the queue of outcomes brought, as whoever listens there sees it.
type outcomes struct {
	client *azservicebus.Client

	mu      sync.Mutex
	of      map[string][]pim.EventType // by change
	granted int
}

// listen receives outcomes until the test ends.
func listen(t *testing.T, connection string) *outcomes {
	t.Helper()
	client, err := azservicebus.NewClientFromConnectionString(connection, &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 1, RetryDelay: 50 * time.Millisecond},
	})
	require.NoError(t, err)
	o := &outcomes{client: client, of: map[string][]pim.EventType{}}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { o.receive(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = client.Close(ctx) // the broker ends with the test
	})
	return o
}

func (o *outcomes) receive(ctx context.Context) {
	for ctx.Err() == nil {
		r, err := o.client.NewReceiverForQueue(functions.OutcomesQueue, &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
		if err != nil {
			return // the client is closed
		}
		for err == nil {
			var messages []*azservicebus.ReceivedMessage
			messages, err = r.ReceiveMessages(ctx, 100, nil)
			for _, m := range messages {
				o.note(m.Body)
			}
		}
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		_ = r.Close(bound) // it failed: another takes its place
		cancel()
	}
}

func (o *outcomes) note(body []byte) {
	var e pim.Event
	o.mu.Lock()
	defer o.mu.Unlock()
	if json.Unmarshal(body, &e) != nil {
		e.Type = "not an outcome"
	}
	o.of[e.Subject] = append(o.of[e.Subject], e.Type)
	if e.Type == pim.EventGranted {
		o.granted++
	}
}

// about are the outcomes of a change, in no order.
func (o *outcomes) about(change string) []pim.EventType {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.of[change])
}

// grants is how many changes were told to be granted.
func (o *outcomes) grants() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.granted
}

// changes are how many changes were heard of.
func (o *outcomes) changes() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.of)
}
