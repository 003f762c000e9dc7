package functions

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// deadletters shows what was delivered too often.
func (a *App) deadletters(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.mayRead(r.Context(), caller); err != nil {
		return answer{}, err
	}
	limit, err := limitOf(r)
	if err != nil || a.Queues == nil {
		return answer{status: http.StatusOK, body: list[DeadLetter]{Value: []DeadLetter{}}}, err
	}
	out := list[DeadLetter]{Value: []DeadLetter{}}
	for _, q := range []string{RequestsQueue, ChangesQueue, OutcomesQueue} {
		found, err := a.Queues.DeadLetters(r.Context(), q, limit-len(out.Value))
		if err != nil {
			return answer{}, err
		}
		if out.Value = append(out.Value, found...); len(out.Value) >= limit {
			break
		}
	}
	return answer{status: http.StatusOK, body: out}, nil
}

// deadletter sends a dead letter again. Its id is <queue>:<sequence>.
func (a *App) deadletter(r *http.Request, caller pim.Caller) (answer, error) {
	if err := a.Engine.Holds(r.Context(), pim.Operators, caller); err != nil {
		return answer{}, err
	}
	queue, seq, _ := strings.Cut(r.PathValue("id"), ":")
	n, err := strconv.ParseInt(seq, 10, 64)
	if err != nil || queue != RequestsQueue && queue != ChangesQueue && queue != OutcomesQueue {
		return answer{}, &pim.Error{Code: pim.CodeInvalid, Field: "id", Detail: "id is not <queue>:<sequence>"}
	}
	if a.Queues == nil {
		return answer{}, &pim.Error{Code: pim.CodeNotFound, Detail: "there is no Service Bus here"}
	}
	if err := a.Queues.Resubmit(r.Context(), queue, n); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted, body: map[string]any{"queue": queue, "sequence": n}}, nil
}
