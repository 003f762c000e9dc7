package pim_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/stretchr/testify/require"
)

// outOfReach is an Outbox that gives up after ten seconds, as Service Bus does while it
// cannot be reached.
type outOfReach struct{ tries int }

func (o *outOfReach) fail() error {
	o.tries++
	time.Sleep(10 * time.Second) // virtual
	return errors.New("connection refused")
}

func (o *outOfReach) Continue(context.Context, ...pim.Continuation) error { return o.fail() }
func (o *outOfReach) Publish(context.Context, ...pim.Event) error         { return o.fail() }

func TestCallerIsNotKeptWaitingForQueuesOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		queues := &outOfReach{}
		w.engine.Outbox = queues
		c, err := w.engine.Start(t.Context(), key, w.ask("CR1", pim.Grant, w.sub, "Reader"))
		require.NoError(t, err)
		began := time.Now()
		c, err = w.engine.Drive(t.Context(), key, c.ID(), began.Add(25*time.Second))
		require.Error(t, err, "nobody will drive it on")
		require.Less(t, time.Since(began), 30*time.Second)
		require.Equal(t, pim.StepConfirm, c.Step, "PIM was asked for all of it")
		require.Equal(t, 2, queues.tries, "the decision, and the continuation")

		w.engine.Outbox = w.outbox
		require.Equal(t, pim.Done, w.finish(c.ID()).State)
		require.Len(t, w.outbox.events, 2, "the journal kept the decision, too")
	})
}
