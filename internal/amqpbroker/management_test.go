package amqpbroker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRequestThatSaysNothingIsRefused(t *testing.T) {
	token := uuid{1}
	for _, tc := range []struct {
		name, operation string
		body            pairs
		status          int32
		condition       any
	}{
		{"no tokens", "renew-lock", nil, 400, "com.microsoft:argument-error"},
		{"empty tokens", "renew-lock", pairs{{"lock-tokens", []uuid{}}}, 400, "com.microsoft:argument-error"},
		{"tokens of the wrong type", "renew-lock", pairs{{"lock-tokens", []string{"x"}}}, 400, "com.microsoft:argument-error"},
		{"one token of the wrong type", "renew-lock", pairs{{"lock-tokens", []any{token, "x"}}}, 400, "com.microsoft:argument-error"},
		{"an array of tokens", "renew-lock", pairs{{"lock-tokens", []uuid{token}}}, 410, "com.microsoft:message-lock-lost"},
		{"a list of tokens", "renew-lock", pairs{{"lock-tokens", []any{token}}}, 410, "com.microsoft:message-lock-lost"},
		{"nothing to settle", "update-disposition", pairs{{"disposition-status", "completed"}}, 400, "com.microsoft:argument-error"},
		{"no outcome", "update-disposition", pairs{{"lock-tokens", []uuid{token}}}, 400, "com.microsoft:argument-error"},
		{"no number to cancel", "cancel-scheduled-message", nil, 400, "com.microsoft:argument-error"},
		{"a number that is text", "cancel-scheduled-message", pairs{{"sequence-numbers", []any{"1"}}}, 400, "com.microsoft:argument-error"},
		{"a list of numbers", "cancel-scheduled-message", pairs{{"sequence-numbers", []any{int64(1)}}}, 404, "com.microsoft:message-not-found"},
		{"no number to receive", "receive-by-sequence-number", nil, 400, "com.microsoft:argument-error"},
		{"nothing to schedule", "schedule-message", nil, 400, "com.microsoft:argument-error"},
		{"no message to schedule", "schedule-message", pairs{{"messages", []any{pairs{{"message-id", "a"}}}}}, 400, "amqp:decode-error"},
		{"a page of less than nothing", "get-message-sessions", pairs{{"skip", int32(-1)}, {"top", int32(1)}}, 400, "com.microsoft:argument-error"},
		{"unknown", "dance", nil, 501, "amqp:not-implemented"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			byHand(t, func(t *testing.T, _ *Server, c *raw) {
				status, condition, _ := c.ask("q", tc.operation, tc.body)
				require.Equal(t, []any{tc.status, tc.condition}, []any{status, condition})
			}, QueueConfig{Name: "q"})
		})
	}
}
