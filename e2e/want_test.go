package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
)

// want is one grant that is asked for.
type want struct{ id, scope, principal string }

// wants makes people, and a grant for each of them, spread over the subscriptions.
func (w *world) wants(n int) []want {
	out := make([]want, n)
	for i := range out {
		id := "CR" + uuid.NewString()[:13]
		out[i] = want{id, w.subscriptions[i%len(w.subscriptions)], w.tenant.AddUser(simtenant.User{Name: "Person " + id})}
	}
	return out
}

// request is the message or the body that asks for it.
func (a want) request() []byte {
	b, err := json.Marshal(map[string]any{
		"id": a.id, "action": "grant", "scope": a.scope, "role": "Contributor", "principalId": a.principal,
		"duration": "PT4H", "justification": "Deploy the release", // a thousand must fit into one message of 256 KB
	})
	if err != nil {
		panic(err) // strings can always be written
	}
	return b
}

// bulk is one message that asks for all of them.
func bulk(wants []want) []byte {
	bodies := make([]string, len(wants))
	for i, a := range wants {
		bodies[i] = string(a.request())
	}
	return []byte(`{"changes":[` + strings.Join(bodies, ",") + `]}`)
}

// send puts messages on a queue, each under an id of its own, so that the queue takes
// none for another's duplicate.
func (w *world) send(queue string, bodies ...[]byte) {
	w.t.Helper()
	sender, err := w.told.client.NewSender(queue, nil)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, sender.Close(w.t.Context())) }()
	for _, b := range bodies {
		id := uuid.NewString()
		require.NoError(w.t, sender.SendMessage(w.t.Context(), &azservicebus.Message{MessageID: &id, Body: b}, nil))
	}
}

// idle reports whether no message waits or is at work.
func (w *world) idle() bool {
	for _, q := range []string{functions.RequestsQueue, functions.ChangesQueue, functions.OutcomesQueue} {
		if active, scheduled, _, _ := w.queues.Broker.Counts(q); active+scheduled > 0 {
			return false
		}
	}
	return true
}

// granted waits until every grant was told to be done and nothing is on its way any
// more. Then the tenant holds exactly what was wanted, asked for by exactly one request
// for each effect; each change is done in the journal and was told of once; no message
// was given up. It returns how often PIM was asked again for what it had already.
func (w *world) granted(within time.Duration, wants ...want) (again int) {
	w.t.Helper()
	w.eventually("every grant is told", within, func() bool { return w.told.grants() >= len(wants) })
	w.eventually("the queues are idle", within, w.idle)
	w.exactly(wants)
	journalled := 0
	for c, err := range w.journal.List(w.t.Context(), pim.Filter{}) {
		require.NoError(w.t, err)
		require.Equal(w.t, pim.Done, c.State, c.ID())
		// Its outcomes may stand in it still, sent and not struck off because the table was
		// out of reach just then: the queue drops what is sent again.
		journalled++
	}
	require.Equal(w.t, len(wants), journalled)
	for _, a := range wants {
		require.ElementsMatch(w.t, []pim.EventType{pim.EventDecided, pim.EventGranted}, w.told.about(a.id), a.id)
	}
	require.Equal(w.t, len(wants), w.told.changes(), "nothing else was told of")
	for _, q := range []string{functions.RequestsQueue, functions.ChangesQueue, functions.OutcomesQueue} {
		_, _, _, dead := w.queues.Broker.Counts(q)
		require.Zero(w.t, dead, "dead letters of %s", q)
	}
	return w.toTenant.count(http.MethodPut) - 2*len(wants)
}

// exactly holds the tenant to the grants: their eligibilities, their activations, one
// request for each, and nothing else that was asked for.
func (w *world) exactly(wants []want) {
	w.t.Helper()
	key := func(a simtenant.Access) string { return fmt.Sprint(a.Kind, a.Scope, a.PrincipalID) }
	wanted := map[string]int{}
	for _, a := range wants {
		for _, kind := range []simtenant.Kind{simtenant.Eligibility, simtenant.Assignment} {
			wanted[key(simtenant.Access{Kind: kind, Scope: a.scope, PrincipalID: a.principal})] = 1
		}
	}
	held, asked := map[string]int{}, map[string]int{}
	for _, a := range append(w.tenant.Assignments(), w.tenant.Eligibilities()...) {
		if a.PrincipalID != w.identity { // whose role came with the deployment
			held[key(a)]++
			require.Less(w.t, time.Until(a.End), 25*time.Hour, "it ends by itself")
		}
	}
	for _, r := range w.tenant.Requests() {
		asked[key(r.Access)]++
	}
	require.Equal(w.t, wanted, held, "what the tenant holds")
	require.Equal(w.t, wanted, asked, "what the tenant was asked for")
}
