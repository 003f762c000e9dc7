package sweep_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

const (
	// latency is what the benchmark adds to each call.
	latency = 20 * time.Millisecond
	// pageSize of the simulated ARM; the real one's is not published.
	pageSize = 100
	// lookEvery is how many calls lie between two looks at the memory.
	lookEvery = 25
	// perSubscription is how many resource groups lie in each subscription.
	perSubscription = 200
)

// BenchmarkPlan reads tenants of 10^2 to 10^5 assignments and eligibilities, over 10
// to 10,000 scopes. It reports
//
//	calls     calls to the services
//	limited   of them, how many were throttled (the tenant applies ARM's buckets)
//	live-MB   the most memory in use, beside the simulated tenant's own
//	ns/op     time, with 20 ms of latency for each call
//
// Only one in a hundred is a finding, so what is kept does not grow with what is read.
func BenchmarkPlan(b *testing.B) {
	for _, size := range []struct{ entries, scopes int }{{100, 10}, {1000, 100}, {10_000, 1000}, {100_000, 10_000}} {
		b.Run(fmt.Sprintf("%d/%d", size.entries, size.scopes), func(b *testing.B) {
			tenant, app := bigTenant(size.entries, size.scopes)
			road := &road{next: tenant.Transport(), tenant: tenant}
			client, err := pim.NewClient(tenant.Credential(app), &pim.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: road}})
			require.NoError(b, err)
			rules, err := sweep.ParseRules([]byte(everything))
			require.NoError(b, err)
			var found, seen int
			for b.Loop() {
				b.StopTimer()
				s := &sweep.Sweeper{Client: client, Store: &sweep.Memory{},
					Engine: &pim.Engine{Tenant: tenant.ID(), Client: client, Ledger: ledger.NewMemory(), Guard: pim.Guard{Identity: []string{app}}},
					Rules:  func(context.Context) (*sweep.Rules, error) { return rules, nil }}
				road.begin()
				b.StartTimer()
				p, err := s.Plan(b.Context())
				require.NoError(b, err)
				require.Zero(b, p.Unread(), "%+v", p.Scopes)
				found, seen = len(p.Proposals), p.Seen()
			}
			require.Equal(b, size.entries, seen)
			require.Equal(b, size.entries/100, found)
			b.ReportMetric(float64(road.calls), "calls")
			b.ReportMetric(float64(road.limited), "limited")
			b.ReportMetric(float64(road.peak)/(1<<20), "live-MB")
		})
	}
}

// bigTenant has a tenth of its entries as eligibilities, and of each hundred entries
// one that is permanent. A thousand people hold them.
func bigTenant(entries, scopes int) (*simtenant.Tenant, string) {
	t := simtenant.New(simtenant.Options{PageSize: pageSize, Throttle: true})
	t.AddManagementGroup("prod", "")
	app := t.AddServicePrincipal(simtenant.ServicePrincipal{Name: "azure-pim", ManagedIdentity: true, AppRoles: appRoles})
	t.Assign(simtenant.Grant{Scope: "/", Role: simtenant.RoleUserAccessAdmin, Principal: app})
	var people, groups []string
	for i := range min(1000, entries) {
		people = append(people, t.AddUser(simtenant.User{Name: fmt.Sprint("person ", i)}))
	}
	sub := ""
	for i := range scopes {
		if i%perSubscription == 0 {
			sub = t.AddSubscription("", fmt.Sprint("subscription ", i), "/providers/Microsoft.Management/managementGroups/prod")
		}
		groups = append(groups, t.AddResourceGroup(sub, fmt.Sprint("group-", i)))
	}
	for i := range entries {
		g := simtenant.Grant{Scope: groups[i%scopes], Role: []string{"Reader", "Contributor", "Owner"}[i/scopes%3], Principal: people[(i*7+i/scopes)%len(people)],
			For: 25 * day, Ago: 10 * day}
		switch {
		case i%100 == 0:
			g.For = 0
			t.Assign(g)
		case i%10 == 5:
			t.MakeEligible(g)
		default:
			t.Assign(g)
		}
	}
	t.ForgetCalls()
	return t, app
}

// road is the way to the tenant: it takes its time, and counts.
type road struct {
	next   policy.Transporter
	tenant *simtenant.Tenant

	mu             sync.Mutex
	calls, limited int
	base, peak     uint64
}

func (r *road) begin() {
	r.tenant.ForgetCalls()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls, r.limited, r.peak, r.base = 0, 0, 0, live()
}

func (r *road) Do(q *http.Request) (*http.Response, error) {
	time.Sleep(latency)
	resp, err := r.next.Do(q)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls++; err == nil && resp.StatusCode == http.StatusTooManyRequests {
		r.limited++
	}
	if r.calls%lookEvery == 0 {
		r.tenant.ForgetCalls()
		if now := live(); now > r.base {
			r.peak = max(r.peak, now-r.base)
		}
	}
	return resp, err
}

// live is the memory in use once nothing else is left to collect.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
