package simtenant_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestADroppedAnswerWasStillCarriedOut(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault simtenant.Fault
		kept  int
	}{
		{"before it was carried out", simtenant.Fault{Method: "PUT", DropRequest: true}, 0},
		{"after it was carried out", simtenant.Fault{Method: "PUT", DropAnswer: true}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			server := httptest.NewServer(w)
			defer server.Close()
			for who, client := range map[string]*http.Client{w.alice: w.Client(), w.bob: server.Client()} {
				before := len(w.Requests())
				w.Inject(test.fault)
				path := server.URL + subscription + rbac + assign + "/" + uuid.NewString() + "?api-version=2020-10-01"
				body, err := json.Marshal(newProps("AdminAssign", who, subscription).body())
				require.NoError(t, err)
				req, err := http.NewRequestWithContext(t.Context(), "PUT", path, bytes.NewReader(body))
				require.NoError(t, err)
				req.Header.Set("Authorization", "Bearer "+w.armToken(w.app))
				_, err = client.Do(req)
				require.Error(t, err, "the caller hears nothing")
				require.Equal(t, before+test.kept, len(w.Requests()))
			}
		})
	}
}

func TestFaultsMatchSkipAndWearOut(t *testing.T) {
	w := newWorld(t)
	token := w.armToken(w.carol)
	w.Inject(
		simtenant.Fault{Path: "/rolemanagementpolicies", Skip: 1, Times: 2, Status: 503},
		simtenant.Fault{Method: "GET", Path: "/roleEligibilitySchedules", Status: 429, RetryAfter: 1500 * time.Millisecond},
		simtenant.Fault{Match: func(r *http.Request, _ []byte) bool { return strings.Contains(r.URL.RawQuery, "atScope") }, Status: 418, Code: "Teapot"},
	)
	status := func(path string) int { return w.arm(token, "GET", subscription+rbac+path, nil).Status }
	require.Equal(t, []int{200, 503, 503, 200}, []int{
		status("roleManagementPolicies"), status("roleManagementPolicies"), status("roleManagementPolicies"), status("roleManagementPolicies")})
	r := w.arm(token, "GET", subscription+rbac+"roleEligibilitySchedules", nil)
	require.Equal(t, 429, r.Status)
	require.Equal(t, "2", r.Header.Get("Retry-After"), "whole seconds, rounded up")
	require.Equal(t, "Teapot", w.arm(token, "GET", subscription+rbac+"roleAssignmentSchedules?$filter=atScope()", nil).code())
	require.Equal(t, 200, status("roleEligibilitySchedules"))

	calls := w.Calls()
	require.Len(t, calls, 7)
	require.Equal(t, 503, calls[1].Status)
	require.Equal(t, w.carol, calls[1].Principal, "even a refused call has a caller")
	w.Inject(simtenant.Fault{Times: simtenant.Always, Status: 500})
	require.Equal(t, 500, status("roleDefinitions"))
	w.ClearFaults()
	require.Equal(t, 200, status("roleManagementPolicies"))
}

func TestAFaultCanEndAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Inject(simtenant.Fault{Times: simtenant.Always, Until: w.Now().Add(10 * time.Minute), Status: 403})
		path := subscription + rbac + "roleEligibilitySchedules"
		require.Equal(t, "AuthorizationFailed", w.arm(w.armToken(w.carol), "GET", path, nil).code())
		w.Advance(10 * time.Minute)
		require.Equal(t, 200, w.arm(w.armToken(w.carol), "GET", path, nil).Status)
	})
}

func TestRandomFaultsRepeatWithTheirSeed(t *testing.T) {
	run := func(seed uint64) (out string) {
		w := newWorld(t, simtenant.Options{Seed: seed})
		w.Inject(simtenant.Fault{Times: simtenant.Always, Probability: 0.5, Status: 500})
		for range 40 {
			out += strconv.Itoa(w.arm(w.armToken(w.carol), "GET", subscription+rbac+"roleEligibilitySchedules", nil).Status)
		}
		return out
	}
	first := run(7)
	require.Equal(t, first, run(7))
	require.NotEqual(t, first, run(8))
	require.Contains(t, first, "500")
	require.Contains(t, first, "200")
}

func TestASlowAnswerTakesVirtualTimeAndHeedsItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Inject(simtenant.Fault{Method: "PUT", Delay: 15 * time.Second, Times: 2})
		began := time.Now()
		require.Equal(t, 201, w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.alice, subscription)).Status)
		require.Equal(t, 15*time.Second, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "PUT", "https://management.azure.com/", nil)
		require.NoError(t, err)
		_, err = w.Client().Do(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 20*time.Second, time.Since(began))
	})
}

func TestTokenBucketsRunDryAndRefill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, simtenant.Options{Throttle: true})
		token := w.armToken(w.carol)
		read := func() reply {
			return w.arm(token, "GET", subscription+rbac+"denyAssignments?api-version=2022-04-01", nil)
		}
		require.Equal(t, "249", read().Header.Get("x-ms-ratelimit-remaining-subscription-reads"))
		require.NotEmpty(t, read().Header.Get("x-ms-ratelimit-remaining-subscription-global-reads"))
		for range 248 {
			require.Equal(t, 200, read().Status)
		}
		r := read()
		require.Equal(t, http.StatusTooManyRequests, r.Status)
		require.Equal(t, "1", r.Header.Get("Retry-After"))
		other := w.arm(w.armToken(w.app), "GET", subscription+rbac+"denyAssignments?api-version=2022-04-01", nil)
		require.Equal(t, 200, other.Status, "each caller has a bucket of his own")
		time.Sleep(time.Second)
		require.Equal(t, 200, read().Status)
	})
}

func TestObserversSeeWholeExchanges(t *testing.T) {
	w := newWorld(t)
	var seen []string
	w.Observe(func(r *http.Request, sent []byte, status int, h http.Header, got []byte) {
		seen = append(seen, r.Method+" "+strconv.Itoa(status)+" "+h.Get("Content-Type"))
		require.NotEmpty(t, sent)
		require.Contains(t, string(got), "Provisioned")
		_, err := io.ReadAll(r.Body)
		require.NoError(t, err)
	})
	w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.alice, subscription))
	require.Equal(t, []string{"PUT 201 application/json; charset=utf-8"}, seen)
}

func TestTheAuditLogTellsTheStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.put(w.armToken(w.app), subscription, assign, newProps("AdminAssign", w.alice, subscription))
		time.Sleep(time.Hour)
		var story []string
		for _, e := range w.Events() {
			story = append(story, e.Activity)
			require.Equal(t, w.alice, e.PrincipalID)
			require.Equal(t, "ResourceManagement", e.Category)
		}
		require.Equal(t, []string{
			"Add member to role in PIM requested (timebound)",
			"Add member to role in PIM completed (timebound)",
			"Remove member from role in PIM completed (timebound)",
		}, story)
	})
}
