package crew_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/crew"
)

func TestNoMoreWorkAtOnceThanThereArePlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := crew.New(3)
		var now, most, done atomic.Int32
		began := time.Now()
		for range 10 {
			c.Send(func() {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second) // virtual
				now.Add(-1)
				done.Add(1)
			})
		}
		c.Wait()
		require.EqualValues(t, 10, done.Load())
		require.EqualValues(t, 3, most.Load())
		require.Equal(t, 4*time.Second, time.Since(began))
	})
}

func TestPanicIsRaisedWhereTheCrewIsWaitedFor(t *testing.T) {
	c := crew.New(1)
	c.Send(func() { panic("a bug") })
	ran := false
	c.Send(func() { ran = true })
	defer func() {
		said, _ := recover().(string)
		require.Contains(t, said, "a bug")
		require.Contains(t, said, "crew_test.go", "the stack is that of who panicked")
		require.False(t, ran, "after a panic nothing more is begun")
	}()
	c.Wait()
	t.Fatal("nothing panicked")
}
