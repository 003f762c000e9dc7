package handler_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

// FuzzEnvelope: whatever is posted, the host gets a complete answer, and what
// was decoded once is not decoded further.
func FuzzEnvelope(f *testing.F) {
	for _, glob := range []string{"servicebus-*", "timer-*"} {
		for _, rec := range recordings(f, glob) {
			for _, r := range rec.Requests {
				f.Add([]byte(r.Body))
			}
		}
	}
	var got *message
	h := handler.New(newConsole().Logger, handler.Options{},
		handler.ServiceBus("q", func(_ context.Context, m message) error { got = &m; return nil }),
		handler.Timer("sweep", func(context.Context, handler.Tick) error { return nil }))
	f.Fuzz(func(t *testing.T, body []byte) {
		var e, again handler.Envelope
		if json.Unmarshal(body, &e) == nil {
			b, err := json.Marshal(e)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(b, &again))
			require.Equal(t, e.Metadata, again.Metadata)
			require.Len(t, again.Data, len(e.Data))
		}
		for _, path := range []string{"/q", "/sweep"} {
			got = nil
			w := ask(h, "POST", path, string(body))
			require.Contains(t, []int{200, 500}, w.Code)
			require.Equal(t, complete, w.Body.String())
			if path == "/q" && w.Code == 200 {
				require.NotNil(t, got)
				require.Equal(t, got.Malformed == nil, got.Body != nil)
				require.GreaterOrEqual(t, got.DeliveryCount, 0)
			}
		}
	})
}
