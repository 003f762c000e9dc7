package functions

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// deadletters shows what was delivered too often, queue by queue.
func (a *App) deadletters(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.mayRead(r.Context(), caller); err != nil {
		return answer{}, err
	}
	limit, err := limitOf(r)
	if err != nil {
		return answer{}, err
	}
	at, err := startOf(r)
	if err != nil {
		return answer{}, err
	}
	out := list[DeadLetter]{Value: []DeadLetter{}}
	if a.Queues == nil {
		return answer{status: http.StatusOK, body: out}, nil
	}
	queues := []string{RequestsQueue, ChangesQueue, OutcomesQueue}
	for _, q := range queues[slices.Index(queues, at.queue):] {
		found, err := a.Queues.DeadLetters(r.Context(), q, at.sequence, limit+1-len(out.Value))
		if err != nil {
			return answer{}, err
		}
		if out.Value, at.sequence = append(out.Value, found...), 0; len(out.Value) > limit {
			next := out.Value[limit]
			out.Value, out.Next = out.Value[:limit], letter{next.Queue, next.Sequence}.String()
			break
		}
	}
	return answer{status: http.StatusOK, body: out}, nil
}

// letter names a dead letter: <queue>:<sequence>.
type letter struct {
	queue    string
	sequence int64
}

func (l letter) String() string { return l.queue + ":" + strconv.FormatInt(l.sequence, 10) }

func parseLetter(s string) (letter, bool) {
	queue, seq, _ := strings.Cut(s, ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	known := queue == RequestsQueue || queue == ChangesQueue || queue == OutcomesQueue
	return letter{queue, n}, err == nil && n >= 0 && known
}

// startOf is where a listing of dead letters begins.
func startOf(r *http.Request) (letter, error) {
	next := r.URL.Query().Get("next")
	if next == "" {
		return letter{queue: RequestsQueue}, nil
	}
	l, ok := parseLetter(next)
	if !ok {
		return l, &pim.Error{Code: pim.CodeInvalid, Field: "next", Detail: "next is not one that an earlier page named"}
	}
	return l, nil
}

// deadletter sends a dead letter again.
func (a *App) deadletter(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.Engine.Holds(r.Context(), pim.Operators, caller); err != nil {
		return answer{}, err
	}
	l, ok := parseLetter(r.PathValue("id"))
	if !ok {
		return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: "id", Detail: "id is not <queue>:<sequence>"}
	}
	if a.Queues == nil {
		return answer{}, &pim.Error{Code: pim.CodeNotFound, Detail: "there is no Service Bus here"}
	}
	if err := a.Queues.Resubmit(r.Context(), l.queue, l.sequence); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, body: map[string]any{"queue": l.queue, "sequence": l.sequence}}, nil
}
