package ledger_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/azurite"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
)

// sender is a transport that is a function.
type sender func(*http.Request) (*http.Response, error)

func (s sender) Do(r *http.Request) (*http.Response, error) { return s(r) }

// loses drops the answers to the first n requests of a method, after the service has
// acted on them.
func loses(method string, n int) func(sender) sender {
	return func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			if r.Method != method || n <= 0 {
				return next(r)
			}
			n--
			return azurite.Lose(next, r)
		}
	}
}

// answers gives one answer to whatever is asked.
func answers(status int, header http.Header) func(sender) sender {
	return func(sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
		}
	}
}

func TestLostAnswerOfAWriteThatGotThroughIsAWin(t *testing.T) {
	for _, lost := range []int{1, 2} {
		created, err := newTable(t, loses(http.MethodPost, lost)).Save(t.Context(), change("CR1"))
		require.NoError(t, err)
		require.NotEmpty(t, created.Version)

		table := newTable(t, loses(http.MethodPut, lost))
		c := save(t, table, change("CR1"))[0]
		c.Lease.Worker = "me"
		c, err = table.Save(t.Context(), c)
		require.NoError(t, err)
		stands, err := table.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, c, stands)
		save(t, table, c) // the version that came back is the one that stands
	}
}

func TestWriteWhoseEveryAnswerIsLostIsNeitherWonNorLost(t *testing.T) {
	table := newTable(t, loses(http.MethodPost, 3))
	_, err := table.Save(t.Context(), change("CR1"))
	require.Equal(t, pim.CodeBusy, pim.CodeOf(err), "%v", err)
}

func TestConflictThatCannotBeReadBackIsNotCalledOne(t *testing.T) {
	table := newTable(t, func(next sender) sender {
		post := loses(http.MethodPost, 1)(next)
		return func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return nil, errors.New("no route to host")
			}
			return post(r)
		}
	})
	_, err := table.Save(t.Context(), change("CR1"))
	require.Equal(t, pim.CodeBusy, pim.CodeOf(err), "%v", err)
}

func TestLostAnswerDoesNotWinOverAnotherWorker(t *testing.T) {
	var rival *ledger.Table
	table := newTable(t, func(next sender) sender {
		first := true
		return func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPut || !first {
				return next(r)
			}
			// Our request never arrives, and another worker writes before we ask again.
			first = false
			c, err := rival.Load(r.Context(), "CR1")
			if err == nil {
				c.Lease.Worker = "rival"
				_, err = rival.Save(r.Context(), c)
			}
			return nil, errors.Join(errors.New("connection reset"), err)
		}
	})
	rival = table
	c := save(t, table, change("CR1"))[0]
	c.Lease.Worker = "me"
	_, err := table.Save(t.Context(), c)
	require.Equal(t, pim.CodeConflict, pim.CodeOf(err), "%v", err)
	stands, err := table.Load(t.Context(), "CR1")
	require.NoError(t, err)
	require.Equal(t, "rival", stands.Lease.Worker)
}

func TestEveryFaultOfTheServiceHasACode(t *testing.T) {
	for _, r := range []struct {
		name  string
		wrap  func(sender) sender
		code  pim.Code
		retry pim.Retry
		wait  time.Duration
	}{
		{"throttled, without a time", answers(429, nil), pim.CodeBusy, pim.RetryLater, 0},
		{"throttled for longer than a call waits", answers(503, http.Header{"Retry-After": {"120"}}), pim.CodeBusy, pim.RetryAfter, 2 * time.Minute},
		{"a fault of its own", answers(500, nil), pim.CodeBusy, pim.RetryLater, 0},
		{"not signed in", answers(401, nil), pim.CodeDenied, pim.RetryLater, 0},
		{"no right", answers(403, nil), pim.CodeDenied, pim.RetryLater, 0},
		{"no table", answers(404, http.Header{"X-Ms-Error-Code": {"TableNotFound"}}), pim.CodeInternal, pim.RetryLater, 0},
		{"anything unknown", answers(418, nil), pim.CodeInternal, pim.RetryLater, 0},
		{"unreachable", func(sender) sender {
			return func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") }
		}, pim.CodeBusy, pim.RetryLater, 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			l := newTable(t, r.wrap)
			_, load := l.Load(t.Context(), "CR1")
			_, create := l.Save(t.Context(), change("CR1"))
			_, update := l.Save(t.Context(), change("CR1", func(c *pim.Change) { c.Version = "W/\"1\"" }))
			_, prune := l.Prune(t.Context(), noon)
			all := []error{load, create, update, prune}
			for _, err := range l.List(t.Context(), pim.Filter{}) {
				all = append(all, err)
			}
			require.Len(t, all, 5)
			for _, err := range all {
				require.Equal(t, r.code, pim.CodeOf(err), "%v", err)
				retry, wait := pim.RetryOf(err)
				require.Equal(t, r.retry, retry)
				require.Equal(t, r.wait, wait)
				require.NotContains(t, err.Error(), "\n")
			}
		})
	}
}

func TestMissingTableIsNotAMissingChange(t *testing.T) {
	s := azurite.Start(t)
	o := &ledger.TableOptions{Name: "Never"}
	o.Transport = s.Client()
	table, err := ledger.NewTable(s.Table(), s.Credential(), o)
	require.NoError(t, err)
	_, err = table.Load(t.Context(), "CR1")
	require.Equal(t, pim.CodeInternal, pim.CodeOf(err), "%v", err)
	_, err = table.Save(t.Context(), change("CR1"))
	require.Equal(t, pim.CodeInternal, pim.CodeOf(err), "%v", err)
}

func TestIdentityThatAzuriteDoesNotTakeIsDenied(t *testing.T) {
	s := azurite.Start(t)
	o := &ledger.TableOptions{}
	o.Transport = s.Client()
	table, err := ledger.NewTable(s.Table(), &fake.TokenCredential{}, o)
	require.NoError(t, err)
	_, err = table.Load(t.Context(), "CR1")
	require.Equal(t, pim.CodeDenied, pim.CodeOf(err), "%v", err)
}

func TestEndpointThatWouldShowTheTokenIsRefused(t *testing.T) {
	cred := &fake.TokenCredential{}
	for _, endpoint := range []string{"http://127.0.0.1:10002/devstoreaccount1", "memory", "", "https://", "https://a.example/?sig=x", "https://u:p@a.example"} {
		_, err := ledger.NewTable(endpoint, cred, nil)
		require.Equal(t, pim.CodeInvalid, pim.CodeOf(err), endpoint)
	}
	_, err := ledger.NewTable("https://a.table.core.windows.net", nil, nil)
	require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
	_, err = ledger.NewTable("https://a.table.core.windows.net/", cred, nil)
	require.NoError(t, err)
}

func TestTableThatExistsIsEnsuredAgain(t *testing.T) {
	table := newTable(t, nil)
	save(t, table, change("CR1"))
	require.NoError(t, table.EnsureTable(t.Context()))
	require.Equal(t, []string{"CR1"}, ids(t, table.List(t.Context(), pim.Filter{})))
}

// The service sends only what matches: a scan that carried everything here would be
// paid for with every run of a timer.
func TestFiltersAreTheServices(t *testing.T) {
	var sent, asked atomic.Int64
	table := newTable(t, func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			asked.Add(1)
			resp, err := next(r)
			if err != nil || r.Method != http.MethodGet {
				return resp, err
			}
			b, err := io.ReadAll(resp.Body)
			var page struct{ Value []json.RawMessage }
			if err == nil && json.Unmarshal(b, &page) == nil {
				sent.Add(int64(len(page.Value)))
			}
			resp.Body = io.NopCloser(bytes.NewReader(b))
			return resp, err
		}
	})
	save(t, table,
		change("a", state(pim.Pending), updated(noon.Add(-time.Hour))),
		change("b", state(pim.Done), of(bob)),
		change("c", state(pim.Failed), unsent),
	)
	for _, r := range []struct {
		filter pim.Filter
		want   string
	}{
		{pim.Filter{States: []pim.State{pim.Done, pim.Refused}}, "b"},
		{pim.Filter{Principal: bob}, "b"},
		{pim.Filter{After: "b"}, "c"},
		{pim.Filter{Idle: noon}, "a"},
		{pim.Filter{Unsent: true}, "c"},
	} {
		sent.Store(0)
		require.Equal(t, []string{r.want}, ids(t, table.List(t.Context(), r.filter)))
		require.EqualValues(t, 1, sent.Load(), "%+v", r.filter)
	}
	asked.Store(0)
	_, err := table.Load(t.Context(), "a")
	require.NoError(t, err)
	require.EqualValues(t, 1, asked.Load(), "a point read")
}

func TestEntryThatCannotBeReadHidesNoOther(t *testing.T) {
	s := azurite.Start(t)
	o := &ledger.TableOptions{Name: "Broken"}
	o.Transport = s.Client()
	table, err := ledger.NewTable(s.Table(), s.Credential(), o)
	require.NoError(t, err)
	require.NoError(t, table.EnsureTable(t.Context()))
	save(t, table, change("a", state(pim.Done)), change("c", state(pim.Done)))
	raw, err := aztables.NewServiceClient(s.Table(), s.Credential(), &aztables.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: s.Client()}})
	require.NoError(t, err)
	_, err = raw.NewClient("Broken").AddEntity(t.Context(), []byte(`{"PartitionKey":"b","RowKey":"b","State":"done","Updated":"2000","Change0":"{","Change2":"}"}`), nil)
	require.NoError(t, err)

	_, err = table.Load(t.Context(), "b")
	require.Equal(t, pim.CodeInternal, pim.CodeOf(err))
	var seen []string
	for c, err := range table.List(t.Context(), pim.Filter{}) {
		if err != nil {
			require.Equal(t, pim.CodeInternal, pim.CodeOf(err))
			require.True(t, strings.Contains(err.Error(), "entry b"), err)
		}
		seen = append(seen, c.ID())
	}
	require.Equal(t, []string{"a", "b", "c"}, seen, "the error says which it is")
	n, err := table.Prune(t.Context(), noon.Add(time.Hour))
	require.Error(t, err)
	require.Equal(t, 2, n)
}

func TestChangeThatSomebodyWritesMeanwhileIsNotPruned(t *testing.T) {
	var rival *ledger.Table
	table := newTable(t, func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "rerun") {
				c, err := rival.Load(r.Context(), "rerun")
				if err == nil {
					c.State, c.Generation = pim.Pending, c.Generation+1
					_, err = rival.Save(r.Context(), c)
				}
				if err != nil {
					return nil, err
				}
			}
			return next(r)
		}
	})
	rival = table
	save(t, table, change("rerun", state(pim.Done)), change("spent", state(pim.Done)))
	n, err := table.Prune(t.Context(), noon.Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, 1, n)
	stands, err := table.Load(t.Context(), "rerun")
	require.NoError(t, err)
	require.Equal(t, pim.Pending, stands.State)
}
