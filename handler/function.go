// Package handler speaks the Azure Functions custom handler protocol. It knows
// nothing of PIM.
//
// The Functions host starts the process, sends it every invocation as an HTTP
// request on a loopback port, and kills it without a signal. With
// enableForwardingHttpRequest set in host.json, the host forwards the request of
// an HTTP function unchanged, so that function is an ordinary [http.Handler].
// Every other trigger is posted to /<function name> as an [Envelope].
//
// [New] makes one http.Handler of a table of functions; [Listen] and [Server]
// run it as the host expects. What is said of the host here was recorded from a
// real one; the recordings are in testdata.
package handler

import (
	"context"
	"io"
	"net/http"
)

// Function is one entry of the function table. Make it with [HTTP],
// [ServiceBus] or [Timer].
type Function struct {
	Name    string // the function's directory, as the host knows it
	Trigger string // the type of its trigger binding in function.json
	Pattern string // methods and path it is served at: "GET,POST /api/changes/{id}"

	// serve is run once for each invocation. Its error fails the invocation and
	// takes the place of whatever it wrote.
	serve func(http.ResponseWriter, *http.Request) error
}

// HTTP returns a function served at pattern, which is written as for
// [http.ServeMux] but for two things: several methods may be named, parted by
// commas, and there is no host. "{name}" is one segment, "{name...}" at the end
// is all that is left; [http.Request.PathValue] tells them, in the letters the
// caller used and with %2F decoded. Literal segments match in any letter case,
// and one trailing slash is overlooked, because the host does both.
//
// What h writes is kept until h returns, since the host buffers it anyway: h
// cannot flush or hijack. If h panics, the caller gets a problem document with
// status 500.
func HTTP(name, pattern string, h http.Handler) Function {
	return Function{Name: name, Trigger: "httpTrigger", Pattern: pattern,
		serve: func(w http.ResponseWriter, r *http.Request) error {
			h.ServeHTTP(w, r)
			return nil
		}}
}

// ServiceBus returns a function that is given one message at a time; its
// function.json must say "dataType": "binary", see [Message].
//
// An error of fn fails the invocation, and the host then delivers the message
// again in the same instant, until the queue's delivery count is used up and the
// message is dead-lettered. So "later" is never an error: fn schedules a message
// and returns nil. The same goes for what can never succeed, a
// [Message.Malformed] body above all: fn records that elsewhere and returns nil.
func ServiceBus[T any](name string, fn func(context.Context, Message[T]) error) Function {
	return triggered(name, "serviceBusTrigger", func(ctx context.Context, body io.Reader) error {
		m, err := readMessage[T](body)
		if err != nil {
			return err
		}
		return fn(ctx, m)
	})
}

// Timer returns a function run on a schedule. An error of fn is only logged by
// the host; the next run comes by the schedule.
func Timer(name string, fn func(context.Context, Tick) error) Function {
	return triggered(name, "timerTrigger", func(ctx context.Context, body io.Reader) error {
		t, err := readTick(body)
		if err != nil {
			return err
		}
		return fn(ctx, t)
	})
}

// triggered returns a function that is sent envelopes.
func triggered(name, trigger string, fn func(context.Context, io.Reader) error) Function {
	return Function{Name: name, Trigger: trigger, Pattern: "POST /" + name,
		serve: func(w http.ResponseWriter, r *http.Request) error {
			if err := fn(r.Context(), r.Body); err != nil {
				return err
			}
			writeComplete(w, http.StatusOK)
			return nil
		}}
}

func (f Function) isHTTP() bool { return f.Trigger == "httpTrigger" }
