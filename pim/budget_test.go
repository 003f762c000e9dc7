package pim_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

// atOnce has the tenant take a second over each write, and returns how many it had at
// the most at the same time.
func (w *world) atOnce() (most func() int) {
	var mu sync.Mutex
	now, peak := 0, 0
	w.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Times: simtenant.Always, Delay: time.Second, Match: func(*http.Request, []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		now++
		peak = max(peak, now)
		time.AfterFunc(999*time.Millisecond, func() { mu.Lock(); now--; mu.Unlock() })
		return true
	}})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return peak
	}
}

// A bulk run stays within the published buckets: the tenant, which keeps them, never
// has to say 429, and never sees more than a handful of writes at once.
func TestBulkRunIsNeverThrottled(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t, func(o *simtenant.Options) { o.Throttle = true })
		most := w.atOnce()
		const changes = 300
		var all sync.WaitGroup
		for i := range changes {
			user := w.tenant.AddUser(simtenant.User{Name: fmt.Sprintf("user %d", i)})
			r := w.ask(fmt.Sprintf("CR%d", i), pim.Grant, w.sub, "Owner")
			r.Principal = user
			c, err := w.engine.Start(t.Context(), key, r)
			require.NoError(t, err)
			all.Go(func() { w.finish(c.ID()) })
		}
		all.Wait()
		for _, c := range w.tenant.Calls() {
			require.NotEqual(t, http.StatusTooManyRequests, c.Status, "%s %s", c.Method, c.Path)
		}
		require.Len(t, w.tenant.Requests(), 2*changes)
		require.LessOrEqual(t, most(), 4)
	})
}

// However many subscriptions a bulk run is spread over, the tenant never sees more than
// so many writes at once.
func TestBulkRunOverManySubscriptionsIsBoundedInAll(t *testing.T) {
	inTime(t, func(t *testing.T) {
		w := newWorld(t)
		most := w.atOnce()
		var all sync.WaitGroup
		for i := range 100 {
			r := w.ask(fmt.Sprintf("CR%d", i), pim.Grant, w.tenant.AddSubscription("", fmt.Sprint("production ", i), ""), "Owner")
			c, err := w.engine.Start(t.Context(), key, r)
			require.NoError(t, err)
			all.Go(func() { w.finish(c.ID()) })
		}
		all.Wait()
		require.Len(t, w.tenant.Requests(), 200)
		require.Equal(t, 16, most())
	})
}
