package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim"
)

// distant is a ledger that takes its time over each call.
type distant struct {
	pim.Ledger
	takes time.Duration
}

func (l distant) Load(ctx context.Context, id string) (pim.Change, error) {
	time.Sleep(l.takes) // virtual
	return l.Ledger.Load(ctx, id)
}

func (l distant) Save(ctx context.Context, c pim.Change) (pim.Change, error) {
	time.Sleep(l.takes)
	return l.Ledger.Save(ctx, c)
}

func (a *app) bulk(bodies ...string) string { return `{"changes":[` + strings.Join(bodies, ",") + `]}` }

func TestThousandChangesAreTakenInSeconds(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		a.app.Engine.Ledger = distant{a.app.Engine.Ledger, 50 * time.Millisecond}
		var bodies []string
		for i := range 1000 {
			bodies = append(bodies, a.request(fmt.Sprint("CR", i)))
		}
		began := time.Now()
		rec := a.call(http.MethodPost, "/api/changes", a.bulk(bodies...))
		require.Equal(t, http.StatusAccepted, rec.Code, rec.Body.String())
		require.Less(t, time.Since(began), 10*time.Second)
		require.Len(t, a.queues.held[functions.ChangesQueue], 1000)

		require.Equal(t, http.StatusBadRequest, a.call(http.MethodPost, "/api/changes", a.bulk(append(bodies, a.request("CR1000"))...)).Code)
	})
}

// The first of two that share an id is heard, and each is told what came of it.
func TestBulkTakesWhatSharesAnIDInItsOrder(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		a.app.Engine.Ledger = distant{a.app.Engine.Ledger, time.Second}
		other := strings.Replace(a.request("CR1"), "because", "another reason", 1)
		rec := a.call(http.MethodPost, "/api/changes", a.bulk(a.request("CR1"), other, a.request("CR1"), `{"id":"CR1"}`, other))
		require.Equal(t, http.StatusAccepted, rec.Code)
		var out struct {
			Value []struct {
				Index   int
				Change  *pim.Report
				Problem *functions.Problem
			}
		}
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &out))
		var got []string
		for i, r := range out.Value {
			require.Equal(t, i, r.Index)
			if r.Problem != nil {
				got = append(got, string(r.Problem.Code))
			} else {
				got = append(got, string(r.Change.State))
			}
		}
		require.Equal(t, []string{"pending", "conflict", "pending", "invalid", "conflict"}, got)
		require.Len(t, a.queues.held[functions.ChangesQueue], 1)
	})
}

// bug is a ledger that panics at one change.
type bug struct{ pim.Ledger }

func (l bug) Load(ctx context.Context, id string) (pim.Change, error) {
	if id == "CR2" {
		panic("a bug")
	}
	return l.Ledger.Load(ctx, id)
}

func TestPanicInABulkIsOneFailedInvocation(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newApp(t, rules)
		a.app.Engine.Ledger = bug{a.app.Engine.Ledger}
		body := a.bulk(a.request("CR1"), a.request("CR2"), a.request("CR3"))
		require.Equal(t, http.StatusInternalServerError, a.call(http.MethodPost, "/api/changes", body).Code)
		require.False(t, a.message("requests", "m-1", body, 1))
		require.Contains(t, a.log.String(), "a bug")
	})
}
