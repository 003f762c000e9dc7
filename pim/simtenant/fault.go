package simtenant

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// Always is the Times of a fault that never wears out.
const Always = -1

// Fault makes calls go wrong. The zero value matches every call, once, and does
// nothing.
type Fault struct {
	// Method and Path choose the calls: an exact method, a part of the path in
	// any case. Match narrows further. Empty and nil mean any.
	Method, Path string
	Match        func(r *http.Request, body []byte) bool
	// Skip lets that many matching calls pass first.
	Skip int
	// Times is how many calls it befalls; zero means one.
	Times int
	// Until ends it at a time of the tenant's clock; zero means never.
	Until time.Time
	// Probability befalls only that share of the matching calls; zero means all.
	// The dice are seeded by Options.Seed.
	Probability float64

	// Delay holds the call up before anything else happens to it.
	Delay time.Duration
	// DropRequest cuts the connection before the call is carried out,
	// DropAnswer after it.
	DropRequest, DropAnswer bool
	// Status answers in place of the service, with Code and Message; zero lets
	// the service answer. RetryAfter goes into the header.
	Status        int
	Code, Message string
	RetryAfter    time.Duration
	// Claims makes it a challenge of continuous access evaluation: with Status
	// 401, the caller is to come back with a token that has these claims.
	Claims string
}

// Inject adds faults. A call meets the first that matches it.
func (t *Tenant) Inject(faults ...Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range faults {
		if f.Times == 0 {
			f.Times = 1
		}
		t.faults = append(t.faults, &f)
	}
}

// ClearFaults takes all faults away.
func (t *Tenant) ClearFaults() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// fault finds the fault that befalls a call and wears it out by one.
func (t *Tenant) fault(c *call) Fault {
	for _, f := range t.faults {
		if !t.matches(f, c) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Probability > 0 && t.random.Float64() >= f.Probability {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return *f
	}
	return Fault{}
}

func (t *Tenant) matches(f *Fault, c *call) bool {
	return f.Times != 0 && (f.Method == "" || f.Method == c.method) &&
		strings.Contains(strings.ToLower(c.path), strings.ToLower(f.Path)) &&
		(f.Until.IsZero() || t.now().Before(f.Until)) &&
		(f.Match == nil || f.Match(c.request, c.body))
}

// hold waits as a slow service does, or as long as the caller stays.
func hold(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var statusCodes = map[int]string{
	http.StatusForbidden: "AuthorizationFailed", http.StatusTooManyRequests: "TooManyRequests",
	http.StatusInternalServerError: "InternalServerError", http.StatusBadGateway: "BadGateway",
	http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusGatewayTimeout: "GatewayTimeout",
}

// answer is what the fault says in place of the service.
func (f Fault) answer() *answer {
	code, message := f.Code, f.Message
	if code == "" {
		code = statusCodes[f.Status]
	}
	if message == "" {
		message = http.StatusText(f.Status)
	}
	return reply(f.Status, errorBody(code, message)).after(f.RetryAfter)
}

// errorBody is the shape of an error that both services share.
func errorBody(code, message string) any {
	return map[string]any{"error": map[string]any{"code": code, "message": message}}
}
