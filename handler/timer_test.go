package handler_test

import (
	"context"
	"testing"
	"time"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

func TestTickIsRunWhateverItsStatusLooksLike(t *testing.T) {
	status := func(last, next, updated time.Time) *handler.ScheduleStatus {
		return &handler.ScheduleStatus{Last: last, Next: next, LastUpdated: updated}
	}
	var never time.Time
	three := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, status string
		want         *handler.ScheduleStatus
	}{
		{"with zones", `{"Last":"0001-01-01T00:00:00+00:00","Next":"2026-11-23T03:00:00+00:00","LastUpdated":"2026-11-23T04:00:00.0000001+01:00"}`, status(never, three, three.Add(100*time.Nanosecond))},
		{"without zones", `{"Last":"0001-01-01T00:00:00","Next":"2026-11-23T03:00:00","LastUpdated":"2026-11-23T03:00:00.0000001"}`, status(never, three, three.Add(100*time.Nanosecond))},
		{"of both kinds", `{"Last":"0001-01-01T00:00:00","Next":"2026-11-23T03:00:00Z","LastUpdated":"0001-01-01T00:00:00"}`, status(never, three, never)},
		{"with one time alone", `{"Next":"2026-11-23T03:00:00","Last":null}`, status(never, three, never)},
		{"none", `null`, nil},
		{"no time", `{"Last":"yesterday","Next":"2026-11-23T03:00:00Z"}`, nil},
		{"no text", `{"Last":1}`, nil},
		{"no object", `"monitored"`, nil},
		{"a list", `[]`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got *handler.Tick
			h := handler.New(newConsole().Logger, handler.Options{}, handler.Timer("sweep",
				func(_ context.Context, tick handler.Tick) error { got = &tick; return nil }))
			w := ask(h, "POST", "/sweep", `{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":`+tc.status+`,"IsPastDue":true}},"Metadata":{"sys":{}}}`)
			require.Equal(t, 200, w.Code)
			require.True(t, got.IsPastDue)
			require.True(t, got.Schedule.AdjustForDST)
			require.Equal(t, handler.Metadata{"sys": "{}"}, got.Metadata)
			if tc.want == nil {
				require.Nil(t, got.ScheduleStatus)
				return
			}
			require.NotNil(t, got.ScheduleStatus)
			for _, pair := range [][2]time.Time{
				{tc.want.Last, got.ScheduleStatus.Last}, {tc.want.Next, got.ScheduleStatus.Next}, {tc.want.LastUpdated, got.ScheduleStatus.LastUpdated},
			} {
				require.True(t, pair[0].Equal(pair[1]), "%v", pair)
			}
		})
	}
}
