package auditlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/auditlog"
	"github.com/azurepim/azure-pim/pim"
)

// noon of the day that the tests write on.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// record is the i-th of its kind.
func record(i int) pim.Record {
	return pim.Record{
		Time: noon.Add(time.Duration(i) * time.Millisecond), Event: "audit", What: pim.AuditDecision, Change: fmt.Sprintf("CR%d", i),
		Caller: "user:alice", Action: pim.Grant, Plane: pim.Azure, Scope: "/", Allowed: true,
		Role: pim.Role{ID: "r", Name: "Größter & <Held>"}, Duration: pim.DefaultDuration,
		Reasons: []pim.Reason{{Code: pim.NoMatch, Detail: "none"}}, Start: &noon, Condition: "@Resource[a] StringEquals 'b' && <c>",
		Window: &pim.Window{Start: &noon, Duration: pim.DefaultDuration}, Mark: "5b0a2c11-65b4",
	}
}

// sinkFunc is a sink that is a function.
type sinkFunc func(context.Context, pim.Record) error

func (f sinkFunc) Write(ctx context.Context, r pim.Record) error { return f(ctx, r) }

// writerFunc is a writer that is a function.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestWriterWritesEachRecordAsOneLineInOneCall(t *testing.T) {
	var calls [][]byte
	sink := auditlog.NewWriter(writerFunc(func(b []byte) (int, error) {
		calls = append(calls, bytes.Clone(b))
		return len(b), nil
	}))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := sink.Write(t.Context(), record(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, calls, 20)
	seen := map[string]bool{}
	for _, b := range calls {
		require.Equal(t, len(b)-1, bytes.IndexByte(b, '\n'))
		var r pim.Record
		require.NoError(t, json.Unmarshal(b, &r))
		require.Equal(t, "audit", r.Event)
		seen[r.Change] = true
	}
	require.Len(t, seen, 20)
}

func TestRecordThatAWriterDoesNotTakeIsAnError(t *testing.T) {
	full := errors.New("no space left on device")
	sink := auditlog.NewWriter(writerFunc(func([]byte) (int, error) { return 0, full }))
	err := sink.Write(t.Context(), record(1))
	require.ErrorIs(t, err, full)
	require.Equal(t, pim.CodeInternal, pim.CodeOf(err))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, sink.Write(ctx, record(1)), context.Canceled)
}

func TestAllMustTakeARecord(t *testing.T) {
	busy := &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater}
	taken := 0
	takes := sinkFunc(func(context.Context, pim.Record) error { taken++; return nil })
	fails := sinkFunc(func(context.Context, pim.Record) error { return busy })
	for _, r := range []struct {
		name  string
		sinks []pim.Sink
		code  pim.Code
		taken int
	}{
		{"both do", []pim.Sink{takes, takes}, "", 2},
		{"the first does not", []pim.Sink{fails, takes}, pim.CodeBusy, 1},
		{"the last does not", []pim.Sink{takes, fails}, pim.CodeBusy, 1},
		{"there is none", nil, pim.CodeInternal, 0},
	} {
		taken = 0
		err := auditlog.All(r.sinks...).Write(t.Context(), record(1))
		require.Equal(t, r.code, pim.CodeOf(err), r.name)
		require.Equal(t, r.taken, taken, r.name)
	}
}
