package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/internal/devhost"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// lagging is a tenant whose lists are late, so that a look cannot tell what was done a
// moment ago.
func lagging() simtenant.Options {
	o := fast()
	o.AzureDelay = time.Second
	return o
}

// continuation is our own message about a change, as a resumption would send it.
func continuation(t *testing.T, a want) []byte {
	b, err := json.Marshal(pim.Continuation{Change: a.id, Generation: 1, Step: pim.StepDecide})
	require.NoError(t, err)
	return b
}

// shuffle puts messages into an order that is the same in every run.
func shuffle(bodies [][]byte) {
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
}

func TestMessagesThatComeTwiceAndOutOfOrderGrantOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lagging())
	single, many := w.wants(15), w.wants(15)
	var requests, continuations [][]byte
	for range 2 {
		requests = append(requests, bulk(many))
		for _, a := range single {
			requests = append(requests, a.request())
		}
		for _, a := range append(single, many...) {
			continuations = append(continuations, continuation(t, a))
		}
	}
	shuffle(requests)
	shuffle(continuations)
	w.send(functions.ChangesQueue, continuations[:15]...) // of changes that nobody has heard of
	w.send(functions.RequestsQueue, requests...)
	w.host()
	w.send(functions.ChangesQueue, continuations[15:]...)
	again := w.granted(time.Minute, append(single, many...)...)
	t.Logf("%d requests and %d continuations for 30 changes; PIM was asked %d times again", len(requests), len(continuations), again)
}

func TestTwoHandlersOnOneChangeGrantOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, lagging())
	queued, called := w.wants(20), w.wants(10)
	hosts := []*devhost.Host{w.host(), w.host()}
	for _, h := range hosts {
		require.NoError(t, h.Ready(t.Context()))
	}
	var messages [][]byte
	for _, a := range queued {
		messages = append(messages, a.request(), a.request()) // side by side: one for each
	}
	w.send(functions.RequestsQueue, messages...)
	var callers sync.WaitGroup
	for _, a := range called {
		for _, h := range hosts {
			callers.Go(func() {
				status, body := post(t, h, a.request())
				if status != http.StatusCreated && status != http.StatusAccepted {
					t.Errorf("%d: %s", status, body)
				}
			})
		}
	}
	callers.Wait()
	again := w.granted(time.Minute, append(queued, called...)...)
	lost := w.toTable.answered(http.StatusPreconditionFailed) + w.toTable.answered(http.StatusConflict)
	require.Positive(t, lost, "the two never met")
	t.Logf("the two met %d times in the journal; PIM was asked %d times again", lost, again)
}

// post asks for a change over HTTP. Status zero: the connection was cut, or the caller
// had no patience left.
func post(t *testing.T, h *devhost.Host, body []byte) (status int, answer string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL()+"/api/changes", bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("x-functions-key", h.Key())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Sprint(resp.StatusCode, " ", err)
	}
	return resp.StatusCode, string(b)
}
