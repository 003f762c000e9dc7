package simulation

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/azurepim/azure-pim/pim"
)

var errCut = errors.New("the connection was cut")

// unreachable is what ledger and outbox say when they cannot be reached.
func unreachable(what string) error {
	return &pim.Error{Code: pim.CodeBusy, Retry: pim.RetryLater, Detail: what + " could not be reached", Err: errCut}
}

// ask takes a call to a system: f is carried out unless the call is lost on its way,
// and its error is what the caller learns of it.
func (w *world) ask(ctx context.Context, s system, what string, f func() error) error {
	v := w.stop(ctx, point{system: s, what: what})
	if v.fault == lostAsk || ctx.Err() != nil {
		return unreachable(string(s))
	}
	err := f()
	w.stop(ctx, point{what: "after " + what, after: true})
	if v.fault == lostReply || ctx.Err() != nil {
		return unreachable(string(s))
	}
	return err
}

// journal is the way to the ledger.
type journal struct {
	world *world
	to    pim.Ledger
}

func (j journal) Load(ctx context.Context, id string) (pim.Change, error) {
	v := j.world.stop(ctx, point{system: theLedger, what: "load " + id})
	if v.fault != fine {
		return pim.Change{}, unreachable("ledger")
	}
	return j.to.Load(ctx, id)
}

func (j journal) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	saved := c
	err := j.world.ask(ctx, theLedger, "save "+c.ID()+" "+string(c.State)+"/"+string(c.Step), func() (err error) {
		if saved, err = j.to.Save(ctx, c); err == nil {
			j.world.watch.saved(ctx.Value(taskKey{}).(*task), saved)
		}
		return err
	})
	return saved, err
}

func (j journal) List(ctx context.Context, f pim.Filter) iter.Seq2[pim.Change, error] {
	return func(yield func(pim.Change, error) bool) {
		if v := j.world.stop(ctx, point{system: theLedger, what: "list"}); v.fault != fine {
			yield(pim.Change{}, unreachable("ledger"))
			return
		}
		for c, err := range j.to.List(ctx, f) {
			if !yield(c, err) {
				return
			}
		}
	}
}

// sink is the way to the audit log.
type sink struct{ world *world }

func (s sink) Write(ctx context.Context, r pim.Record) error {
	return s.world.ask(ctx, theAudit, "audit "+r.Change+" "+string(r.What), func() error {
		if s.world.refusesLine(r) {
			return errCut
		}
		s.world.watch.audited(r)
		return nil
	})
}

// outbox is the way to the queues.
type outbox struct{ world *world }

func (o outbox) Continue(ctx context.Context, cs ...pim.Continuation) error {
	return o.world.ask(ctx, theOutbox, "continue "+cs[0].Key(), func() error {
		for _, c := range cs {
			o.world.changes.send(c.Key(), c, c.After)
		}
		return nil
	})
}

func (o outbox) Publish(ctx context.Context, events ...pim.Event) error {
	return o.world.ask(ctx, theOutbox, "publish "+events[0].ID, func() error {
		for _, e := range events {
			o.world.watch.told(e)
		}
		return nil
	})
}

// wire is the way to the tenant.
type wire struct {
	world *world
	to    policy.Transporter
}

func (x wire) Do(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	t := ctx.Value(taskKey{}).(*task)
	e, err := readEffect(r)
	if err != nil {
		x.world.watch.broken("%s: %v", t.name, err)
	}
	v := x.world.stop(ctx, point{system: theTenant, what: r.Method + " " + short(r.URL.Path)})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if v.fault == late && e == nil {
		v.fault = lostReply // a read is nobody's concern any more
	}
	switch v.fault {
	case lostAsk:
		return nil, errCut
	case late:
		return nil, x.tarry(r, t, *e)
	case throttled:
		return answer(r, http.StatusTooManyRequests, "TooManyRequests", time.Duration(1+t.id%20)*time.Second), nil
	case broken:
		return answer(r, http.StatusServiceUnavailable, "ServiceUnavailable", 0), nil
	}
	if e != nil {
		x.world.watch.acting(t, *e)
	}
	resp, err := x.to.Do(r)
	if e != nil {
		if err == nil {
			x.world.watch.acted(x.world.watch.intended(t), *e, resp.StatusCode)
			x.world.note(t, "answered "+strconv.Itoa(resp.StatusCode))
		}
		x.world.stop(ctx, point{what: "after " + r.Method, after: true})
	}
	if v.fault == lostReply {
		return nil, errCut
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return resp, err
}

// tarry lets a call come to the tenant, which takes longer over it than the caller
// waits.
func (x wire) tarry(r *http.Request, t *task, e effect) error {
	w := x.world
	var body []byte
	if r.Body != nil { // a withdrawal has none
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return err
		}
	}
	w.watch.acting(t, e)
	i := w.watch.intended(t)
	w.plan(between(w.random, time.Minute, 90*time.Second), "a late answer", func() {
		r := r.Clone(context.Background())
		r.Body = io.NopCloser(bytes.NewReader(body))
		resp, err := x.to.Do(r)
		if err != nil {
			panic("simulation: " + err.Error()) // nobody but us loses calls
		}
		w.watch.acted(i, e, resp.StatusCode)
		if resp.StatusCode/100 == 2 {
			w.watch.excuse(i)
		}
		w.remark("answered %d to nobody", resp.StatusCode)
	})
	patience := time.NewTimer(2 * time.Minute)
	defer patience.Stop()
	select {
	case <-r.Context().Done():
	case <-patience.C: // the connection's end, for whoever waits longer than he should
	}
	w.stop(r.Context(), point{what: "given up " + r.Method, after: true})
	return errCut
}

// answer is one that comes in the tenant's place.
func answer(r *http.Request, status int, code string, after time.Duration) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	if after > 0 {
		h.Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	body := `{"error":{"code":"` + code + `","message":"` + code + `"}}`
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// short leaves the part of a path that tells calls apart.
func short(path string) string {
	if at := strings.LastIndex(path, "/providers/Microsoft.Authorization/"); at >= 0 {
		return path[at+len("/providers/Microsoft.Authorization/"):]
	}
	return path
}
