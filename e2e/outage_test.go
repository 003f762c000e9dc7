package e2e_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// first is a Match for the first n calls of each address.
func first(n int) func(*http.Request, []byte) bool {
	var mu sync.Mutex
	seen := map[string]int{}
	return func(r *http.Request, _ []byte) bool {
		mu.Lock()
		defer mu.Unlock()
		seen[r.URL.Path]++
		return seen[r.URL.Path] <= n
	}
}

func TestAnswersLostAfterTheActGrantOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		lost  int // answers to each request of PIM
		again int // times that it is asked again: the client's own repetitions, within one step
	}{
		{"one: the client asks again and is told that the request exists", 1, 1},
		{"all of the client's tries: the next step finds the request", 3, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fast())
			w.settings["PIM_LEASE"] = "" // nobody dies, and no try is to be cut short
			wants := w.wants(8)
			w.tenant.Inject(simtenant.Fault{Method: http.MethodPut, Match: first(tt.lost), Times: simtenant.Always, DropAnswer: true})
			w.host()
			for _, a := range wants {
				w.send(functions.RequestsQueue, a.request())
			}
			require.Equal(t, 2*len(wants)*tt.again, w.granted(time.Minute, wants...))
		})
	}
}

// cutAtEach cuts all connections to Service Bus whenever PIM has got n requests more,
// three times.
func cutAtEach(n int) func(*world) bool {
	next := n
	return func(w *world) bool {
		if len(w.tenant.Requests()) >= next {
			w.queues.DropConnections()
			next += n
		}
		return next > 4*n
	}
}

// An outage lasts until it has been felt, but longer than the client's own patience: so
// that steps fail, and not only calls.
func TestGrantsOutliveAnOutage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		shut  func(w *world, shut bool)
		lasts time.Duration
		felt  func(w *world) bool
	}{
		{
			"of Table Storage", // three tries, about 2 s
			func(w *world, shut bool) { w.toTable.shut.Store(shut) }, 5 * time.Second,
			func(w *world) bool { return w.toTable.answered(wasShut) >= 10 },
		},
		{
			"of the tenant", // three tries, about 2 s
			func(w *world, shut bool) { w.toTenant.shut.Store(shut) }, 5 * time.Second,
			func(w *world) bool { return w.toTenant.answered(wasShut) >= 10 },
		},
		{
			"of Service Bus", // six tries, about 10 s
			func(w *world, shut bool) { w.queues.Refuse(shut) }, 15 * time.Second,
			func(w *world) bool { return w.log.has("Service Bus cannot be reached") },
		},
		{
			"of all connections to Service Bus, again and again",
			func(w *world, _ bool) { w.queues.DropConnections() }, 0,
			cutAtEach(5),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fast())
			wants := w.wants(20)
			asked := 0
			outage := newTrap(func(_ int, step string) bool {
				if strings.HasPrefix(step, "PUT role") {
					asked++
				}
				return asked == 3
			}, false, func(*http.Request) error { tt.shut(w, true); return nil })
			w.toTenant.trap.Store(outage)
			w.send(functions.RequestsQueue, bulk(wants[:10])) // while it can be reached
			for _, a := range wants[10:] {
				w.send(functions.RequestsQueue, a.request())
			}
			h := w.host()
			require.NoError(t, outage.sprung(t))
			began := time.Now()
			w.eventually("the outage is felt", settled, func() bool { return tt.felt(w) && time.Since(began) >= tt.lasts })
			tt.shut(w, false)
			over := time.Now()
			w.resume(h, wants...)
			again := w.granted(settled, wants...)
			t.Logf("out for %v; %v later all was granted; PIM was asked %d times again", over.Sub(began), time.Since(over), again)
		})
	}
}
