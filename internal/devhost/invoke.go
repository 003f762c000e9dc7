package devhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

var errFunctionTimeout = errors.New("functionTimeout exceeded")

// invoke runs one invocation under functionTimeout, in which it also waits for
// the handler to listen. When that is over, the handler's process is killed,
// neighbours included, a grace time later.
func (h *Host) invoke(ctx context.Context, name, id, reason string, do func(context.Context) error) error {
	log := h.log.With("category", "Function."+name)
	log.Info(fmt.Sprintf("Executing 'Functions.%s' (Reason='%s', Id=%s)", name, reason, id))
	start := time.Now()
	if h.functionTimeout > 0 {
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		defer cancel(nil)
		watch := time.AfterFunc(h.functionTimeout, func() {
			log.Error(fmt.Sprintf("Timeout value of %v exceeded by function 'Functions.%s' (Id: '%s'). Initiating cancellation.", h.functionTimeout, name, id))
			h.killAfterGrace(ctx, cancel)
		})
		defer watch.Stop()
	}
	err := h.child.awaitReady(ctx)
	if err == nil {
		err = do(ctx)
	}
	took := time.Since(start).Milliseconds()
	if err != nil {
		log.Error(fmt.Sprintf("Executed 'Functions.%s' (Failed, Id=%s, Duration=%dms)", name, id, took), "error", err)
		return err
	}
	log.Info(fmt.Sprintf("Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%dms)", name, id, took))
	return nil
}

// killAfterGrace kills the handler unless the invocation ends meanwhile, as it
// does when another's time-out has killed the handler. The process that was started
// instead has done nothing wrong.
func (h *Host) killAfterGrace(ctx context.Context, cancel context.CancelCauseFunc) {
	pid := h.child.pid()
	select {
	case <-time.After(h.cfg.Timing.TimeoutGrace):
		h.child.kill(pid)
		cancel(errFunctionTimeout)
	case <-ctx.Done():
	}
}

// envelope is what a function other than a forwarded HTTP one is given.
type envelope struct {
	Data     map[string]any
	Metadata map[string]any
}

// sys is in every envelope's Metadata.
type sys struct {
	MethodName string
	UtcNow     string
	RandGuid   string
}

func newSys(name string) sys {
	return sys{name, time.Now().UTC().Format("2006-01-02T15:04:05.9999999Z"), uuid.NewString()}
}

// post gives the handler an envelope at /<name> and takes its answer.
func (h *Host) post(ctx context.Context, name, id string, e envelope) error {
	body, err := plainJSON(e)
	if err != nil {
		return err
	}
	answer, err := h.wire.do(ctx, wireRequest{
		method: "POST", target: "/" + name, body: body, chunked: true,
		header: [][2]string{
			{"Host", h.wire.addr},
			{headerHostVersion, hostVersion},
			{headerInvocationID, id},
			{"User-Agent", hostAgent},
			{"Transfer-Encoding", "chunked"},
			{"Content-Type", "application/json; charset=utf-8"},
		},
	})
	if err != nil {
		return err
	}
	logs, err := answer.envelope()
	for _, line := range logs {
		h.log.Info(line, "category", "Function."+name+".User")
	}
	if errors.Is(err, errNoAnswer) {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return err
}

// plainJSON encodes v without escaping &, < and >, as the host does not.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
