package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/azurite"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
)

// journal is what both ledgers can do.
type journal interface {
	pim.Ledger
	Prune(ctx context.Context, before time.Time) (int, error)
}

// onBoth runs test on an empty ledger of each kind.
func onBoth(t *testing.T, test func(t *testing.T, l journal)) {
	t.Run("memory", func(t *testing.T) { test(t, ledger.NewMemory()) })
	t.Run("table", func(t *testing.T) { test(t, newTable(t, nil)) })
}

// newTable returns an empty table of its own, as the transport in wrap shows it; nil
// shows it as it is.
func newTable(t *testing.T, wrap func(sender) sender) *ledger.Table {
	t.Helper()
	s := azurite.Start(t)
	o := &ledger.TableOptions{Name: "T" + strings.ReplaceAll(uuid.NewString(), "-", "")}
	o.Transport = s.Client()
	o.Retry.MaxRetries, o.Retry.RetryDelay = 2, time.Millisecond
	table, err := ledger.NewTable(s.Table(), s.Credential(), o)
	require.NoError(t, err)
	require.NoError(t, table.EnsureTable(t.Context()))
	if wrap != nil {
		o.Transport = wrap(s.Client().Do)
		table, err = ledger.NewTable(s.Table(), s.Credential(), o)
		require.NoError(t, err)
	}
	return table
}

const (
	alice = "5b0a2c11-65b4-4f1c-8f3d-3a1c3f0b8a01"
	bob   = "5b0a2c11-65b4-4f1c-8f3d-3a1c3f0b8a02"
)

// noon has the seven digits that Table Storage keeps of a time, and two more.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 123456789, time.UTC)

// change is a small one that is on its way.
func change(id string, edit ...func(*pim.Change)) pim.Change {
	scope, err := pim.ParseScope(pim.Azure, "/subscriptions/00000000-0000-0000-0000-000000000001")
	if err != nil {
		panic(err)
	}
	c := pim.Change{
		Request: pim.Request{ID: id, Action: pim.Grant, Plane: pim.Azure, Scope: scope, Role: "Reader", Principal: alice, Duration: pim.DefaultDuration},
		Role:    pim.Role{ID: "acdd72a7-3385-48ef-bd42-f606fba81ae7", Name: "Reader"},
		State:   pim.Pending, Step: pim.StepLook, Created: noon, Since: noon, Updated: noon,
	}
	for _, e := range edit {
		e(&c)
	}
	return c
}

func state(s pim.State) func(*pim.Change) { return func(c *pim.Change) { c.State = s } }
func of(principal string) func(*pim.Change) {
	return func(c *pim.Change) { c.Request.Principal = principal }
}
func updated(at time.Time) func(*pim.Change) { return func(c *pim.Change) { c.Updated = at } }
func unsent(c *pim.Change)                   { c.Outbox = []pim.Event{{ID: "1"}} }
func until(at time.Time) func(*pim.Change) {
	return func(c *pim.Change) { c.Result = &pim.Result{Until: &at} }
}

func save(t *testing.T, l pim.Ledger, changes ...pim.Change) []pim.Change {
	t.Helper()
	for i, c := range changes {
		saved, err := l.Save(t.Context(), c)
		require.NoError(t, err)
		changes[i] = saved
	}
	return changes
}

func ids(t *testing.T, list iter.Seq2[pim.Change, error]) []string {
	t.Helper()
	found := []string{}
	for c, err := range list {
		require.NoError(t, err)
		found = append(found, c.ID())
	}
	return found
}

func TestOneOfFiftyCreatesAChange(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		const rivals = 50
		won := make([]bool, rivals)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range rivals {
			wg.Go(func() {
				<-start
				_, err := l.Save(t.Context(), change("CR1", func(c *pim.Change) { c.Lease.Worker = fmt.Sprint(i) }))
				won[i] = err == nil
				if err != nil && pim.CodeOf(err) != pim.CodeConflict {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		winner := slices.Index(won, true)
		require.NotEqual(t, -1, winner)
		require.NotContains(t, won[winner+1:], true)
		stands, err := l.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(winner), stands.Lease.Worker)
	})
}

func TestOnlyTheVersionThatStandsCanBeReplaced(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		first := save(t, l, change("CR1"))[0]
		require.NotEmpty(t, first.Version)
		second := save(t, l, first)[0]
		require.NotEqual(t, first.Version, second.Version)
		for name, c := range map[string]pim.Change{
			"an older version":        first,
			"as if it were new":       change("CR1"),
			"a version of a gone one": change("CR2", func(c *pim.Change) { c.Version = first.Version }),
			"another letter case's":   change("cr1", func(c *pim.Change) { c.Version = second.Version }),
		} {
			_, err := l.Save(t.Context(), c)
			require.Equal(t, pim.CodeConflict, pim.CodeOf(err), "%s: %v", name, err)
		}
		stands, err := l.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, second.Version, stands.Version)
		save(t, l, stands)
	})
}

func TestLedgerSharesNoMemoryWithItsCallers(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		mine := change("CR1", unsent)
		save(t, l, mine)
		mine.Outbox[0].ID = "forged"
		loaded, err := l.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, "1", loaded.Outbox[0].ID)
		loaded.Outbox[0].ID = "forged"
		again, err := l.Load(t.Context(), "CR1")
		require.NoError(t, err)
		require.Equal(t, "1", again.Outbox[0].ID)
	})
}

func TestUnknownChangeIsNotFound(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		save(t, l, change("CR1"))
		for _, id := range []string{"CR2", "cr1", "", "CR1'", "CR1/..", "x' or 'a' eq 'a", strings.Repeat("a", 101), "CR1\x00", "ü"} {
			_, err := l.Load(t.Context(), id)
			require.Equal(t, pim.CodeNotFound, pim.CodeOf(err), "%q: %v", id, err)
		}
	})
}

func TestIdsOfEveryFormAreKept(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		want := []string{"-", "...", "A", "CR:1", "_", "a", "a.b-c_d:e", strings.Repeat("z", 100)}
		for _, id := range want {
			save(t, l, change(id))
			c, err := l.Load(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, id, c.ID())
		}
		require.Equal(t, want, ids(t, l.List(t.Context(), pim.Filter{})))
	})
}

func TestListNarrowsByEachFieldOfTheFilter(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		save(t, l,
			change("a", state(pim.Pending)),
			change("b", state(pim.Done), of(bob)),
			change("c", state(pim.Failed), unsent),
			change("d", state(pim.Done), updated(noon.Add(-time.Hour))),
			change("e", state(pim.AwaitingApproval), of(bob), updated(noon.Add(-time.Nanosecond))),
			change("f", updated(time.Time{})),
		)
		many := make([]pim.State, 30)
		many[29] = pim.Failed
		for _, r := range []struct {
			name   string
			filter pim.Filter
			want   []string
		}{
			{"nothing narrows", pim.Filter{}, []string{"a", "b", "c", "d", "e", "f"}},
			{"one state", pim.Filter{States: []pim.State{pim.Done}}, []string{"b", "d"}},
			{"two states", pim.Filter{States: []pim.State{pim.Failed, pim.Done}}, []string{"b", "c", "d"}},
			{"more states than a query takes", pim.Filter{States: many}, []string{"c"}},
			{"a state that does not exist", pim.Filter{States: []pim.State{"x' or State ne 'x"}}, []string{}},
			{"principal", pim.Filter{Principal: bob}, []string{"b", "e"}},
			{"principal that is a filter", pim.Filter{Principal: "x' or Principal ne 'x"}, []string{}},
			{"behind an id", pim.Filter{After: "c"}, []string{"d", "e", "f"}},
			{"behind an id that no change can have", pim.Filter{After: "c'"}, []string{"d", "e", "f"}},
			{"behind an id of another alphabet", pim.Filter{After: "ü"}, []string{}},
			{"behind the last", pim.Filter{After: "f"}, []string{}},
			{"idle", pim.Filter{Idle: noon.Add(-time.Minute)}, []string{"d", "f"}},
			{"idle to the nanosecond", pim.Filter{Idle: noon}, []string{"d", "e", "f"}},
			{"idle in another time zone", pim.Filter{Idle: noon.In(time.FixedZone("", -7*3600))}, []string{"d", "e", "f"}},
			{"unsent", pim.Filter{Unsent: true}, []string{"c"}},
			{"all at once", pim.Filter{States: pim.States(), Principal: bob, After: "b", Idle: noon}, []string{"e"}},
			{"all at once, one fails", pim.Filter{States: pim.States(), Principal: bob, After: "b", Idle: noon, Unsent: true}, []string{}},
		} {
			require.Equal(t, r.want, ids(t, l.List(t.Context(), r.filter)), r.name)
		}
	})
}

func TestListFindsWhoseEndNobodyWasToldOf(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		told := func(c *pim.Change) { c.Expiry = pim.NoticeEnd }
		soon := func(c *pim.Change) { c.Expiry = pim.NoticeSoon }
		removes := func(c *pim.Change) { c.Request.Action, c.Request.Duration = pim.Deactivate, 0 }
		save(t, l,
			change("before", state(pim.Done), until(noon.Add(-time.Nanosecond))),
			change("at", state(pim.Done), until(noon)),
			change("later", state(pim.Done), until(noon.Add(time.Hour))),
			change("soon", state(pim.Done), until(noon.Add(-time.Minute)), soon),
			change("told", state(pim.Done), until(noon.Add(-time.Minute)), told),
			change("pending", until(noon.Add(-time.Minute))),
			change("removal", state(pim.Done), until(noon.Add(-time.Minute)), removes),
			change("forever", state(pim.Done)),
		)
		require.Equal(t, []string{"before", "soon"}, ids(t, l.List(t.Context(), pim.Filter{Ends: noon})))
		require.Equal(t, []string{"at", "before", "later", "soon"}, ids(t, l.List(t.Context(), pim.Filter{Ends: noon.Add(2 * time.Hour)})))
		c, err := l.Load(t.Context(), "before")
		require.NoError(t, err)
		told(&c)
		save(t, l, c)
		require.Equal(t, []string{"soon"}, ids(t, l.List(t.Context(), pim.Filter{Ends: noon})))
	})
}

func TestListPagesThroughTwoHundredAndFifty(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		var want []string
		for i := range 250 {
			want = append(want, fmt.Sprintf("CR%03d", i))
		}
		var wg sync.WaitGroup
		for part := range slices.Chunk(want, 25) {
			wg.Go(func() {
				for _, id := range slices.Backward(part) {
					if _, err := l.Save(t.Context(), change(id)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		require.Equal(t, want, ids(t, l.List(t.Context(), pim.Filter{})))

		var paged []string
		for after := ""; ; after = paged[len(paged)-1] {
			n := len(paged)
			for c, err := range l.List(t.Context(), pim.Filter{After: after}) {
				require.NoError(t, err)
				if paged = append(paged, c.ID()); len(paged) == n+40 {
					break
				}
			}
			if len(paged) == n {
				break
			}
		}
		require.Equal(t, want, paged)
	})
}

func TestListedChangeCanBeSaved(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		save(t, l, change("a"), change("b"))
		for c, err := range l.List(t.Context(), pim.Filter{}) {
			require.NoError(t, err)
			c.State = pim.Done
			save(t, l, c)
		}
		require.Equal(t, []string{"a", "b"}, ids(t, l.List(t.Context(), pim.Filter{States: []pim.State{pim.Done}})))
	})
}

func TestPruneRemovesOnlyWhatNothingNeeds(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		old, limit := noon.Add(-48*time.Hour), noon.Add(-24*time.Hour)
		save(t, l,
			change("done", state(pim.Done), updated(old)),
			change("refused", state(pim.Refused), updated(old)),
			change("failed", state(pim.Failed), updated(old)),
			change("access-ended", state(pim.Done), updated(old), until(limit.Add(-time.Second))),
			change("kept-access-stands", state(pim.Done), updated(old), until(noon.Add(time.Hour))),
			change("kept-pending", state(pim.Pending), updated(old)),
			change("kept-waiting", state(pim.AwaitingApproval), updated(old)),
			change("kept-unsent", state(pim.Done), updated(old), unsent),
			change("kept-recent", state(pim.Done), updated(limit)),
		)
		n, err := l.Prune(t.Context(), limit)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		require.Equal(t, []string{"kept-access-stands", "kept-pending", "kept-recent", "kept-unsent", "kept-waiting"}, ids(t, l.List(t.Context(), pim.Filter{})))
		n, err = l.Prune(t.Context(), limit)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestVersionOfAPrunedChangeNeverFitsItsSuccessor(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		stale := save(t, l, change("CR1", state(pim.Done)))[0]
		n, err := l.Prune(t.Context(), noon.Add(time.Hour))
		require.NoError(t, err)
		require.Equal(t, 1, n)
		save(t, l, change("CR1"))
		_, err = l.Save(t.Context(), stale)
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err))
	})
}

func TestWorkersNeverBothClaim(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		const rounds, workers = 20, 4
		for round := range rounds {
			c := save(t, l, change(fmt.Sprintf("CR%d", round)))[0]
			var mu sync.Mutex
			var claimed []string
			var wg sync.WaitGroup
			for w := range workers {
				wg.Go(func() {
					for {
						c, err := l.Load(t.Context(), c.ID())
						if err != nil {
							t.Error(err)
							return
						}
						if c.Lease.Worker != "" {
							return // taken
						}
						c.Lease = pim.Lease{Worker: fmt.Sprint(w), Until: noon}
						if _, err := l.Save(t.Context(), c); err == nil {
							mu.Lock()
							claimed = append(claimed, c.Lease.Worker)
							mu.Unlock()
						} else if pim.CodeOf(err) != pim.CodeConflict {
							t.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			stands, err := l.Load(t.Context(), c.ID())
			require.NoError(t, err)
			require.Equal(t, []string{stands.Lease.Worker}, claimed)
		}
	})
}

func TestNothingHappensAfterTheContextEnded(t *testing.T) {
	onBoth(t, func(t *testing.T, l journal) {
		save(t, l, change("CR1", state(pim.Done)))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, load := l.Load(ctx, "CR1")
		_, write := l.Save(ctx, change("CR2"))
		_, prune := l.Prune(ctx, noon.Add(time.Hour))
		var list []error
		for _, err := range l.List(ctx, pim.Filter{}) {
			list = append(list, err)
		}
		require.Len(t, list, 1)
		for _, err := range []error{load, write, prune, list[0]} {
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, pim.CodeBusy, pim.CodeOf(err))
			retry, _ := pim.RetryOf(err)
			require.Equal(t, pim.RetryLater, retry)
		}
		require.Equal(t, []string{"CR1"}, ids(t, l.List(t.Context(), pim.Filter{})))
	})
}
