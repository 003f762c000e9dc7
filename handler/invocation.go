package handler

import (
	"context"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
)

// invocation is what a context knows of the invocation it belongs to.
type invocation struct {
	function, id, traceparent string
}

type invocationKey struct{}

// InvocationID returns the host's id of the invocation ctx belongs to, for logs
// and traces; "" outside of one. The host sends a request again under the same
// id if its connection broke.
func InvocationID(ctx context.Context) string { return invocationOf(ctx).id }

// Traceparent returns the W3C trace context of the invocation, "" if the request
// had none or a wrong one. A caller may send any he likes.
func Traceparent(ctx context.Context) string { return invocationOf(ctx).traceparent }

func invocationOf(ctx context.Context) invocation {
	in, _ := ctx.Value(invocationKey{}).(invocation)
	return in
}

func newInvocation(h http.Header) invocation {
	in := invocation{id: lastElement(h.Values("X-Azure-Functions-InvocationId"))}
	if tp := h.Get("Traceparent"); traceparent.MatchString(tp) {
		in.traceparent = tp
	}
	return in
}

func withInvocation(ctx context.Context, in invocation) context.Context {
	return context.WithValue(ctx, invocationKey{}, in)
}

// traceparent is version 00 of https://www.w3.org/TR/trace-context/.
var traceparent = regexp.MustCompile(`^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)

// lastElement returns the last of a list header's elements. The host keeps what
// the caller sent in front of its own.
func lastElement(lines []string) string {
	list := strings.Join(lines, ",")
	return strings.TrimSpace(list[strings.LastIndexByte(list, ',')+1:])
}

// attrs returns in as fields of a log record.
func (in invocation) attrs() []slog.Attr {
	var as []slog.Attr
	for _, a := range []slog.Attr{
		slog.String("function", in.function),
		slog.String("invocation", in.id),
		slog.String("traceparent", in.traceparent),
	} {
		if a.Value.String() != "" {
			as = append(as, a)
		}
	}
	return as
}
