package functions_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/functions"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/azurepim/azure-pim/pim/sweep"
)

const systemRule = `  - name: the sweep
    effect: allow
    actions: [deactivate, removeEligible, cancel, assign, makeEligible]
    callers: [{system: true}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [/]
    roles: [Owner, "*"]
    maxEligible: P365D
    maxDuration: P365D
`

// newSweepApp is an app that watches its subscription, with ada in it for good.
func newSweepApp(t *testing.T, mode string) *app {
	t.Helper()
	a := newApp(t, rules+systemRule)
	r, err := sweep.ParseRules([]byte("version: 1\nmode: " + mode + "\nwatch: [{scope: " + a.sub + "}]\nrules: {permanent: {mode: on}, expiring: {within: P14D}}\n" +
		"caps: {run: {removals: 9, percent: 100}, scope: {removals: 9, percent: 100}}\n"))
	require.NoError(t, err)
	a.app.Sweeper = &sweep.Sweeper{Client: a.app.Engine.Client, Engine: a.app.Engine, Store: &sweep.Memory{}, Log: a.app.Log,
		Rules: func(context.Context) (*sweep.Rules, error) { return r, nil }}
	a.Handler = functions.New(a.app)
	a.tenant.Assign(simtenant.Grant{Scope: a.sub, Role: "Contributor", Principal: a.ada, Ago: 24 * time.Hour})
	a.tenant.ForgetCalls()
	return a
}

func (a *app) adaHolds() bool {
	for _, h := range a.tenant.Assignments() {
		if h.PrincipalID == a.ada {
			return true
		}
	}
	return false
}

func decoded[T any](t *testing.T, body []byte) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal(body, &v), "%s", body)
	return v
}

func TestSweepIsPlannedAppliedShownAndRestored(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSweepApp(t, "apply")
		rec := a.call("POST", "/api/sweeps", "{}")
		require.Equal(t, http.StatusCreated, rec.Code, rec.Body.String())
		st := decoded[sweep.Status](t, rec.Body.Bytes())
		at := rec.Header().Get("Location")
		require.Equal(t, "/api/sweeps/"+st.Plan.ID, at)
		require.Equal(t, 1, st.Plan.Removable())
		require.True(t, a.adaHolds(), "a plan removes nothing")

		require.Equal(t, http.StatusNotFound, a.call("POST", "/api/sweeps", `{"apply":"0000"}`).Code)
		require.Equal(t, http.StatusBadRequest, a.call("POST", "/api/sweeps", `{"apply":"`+st.Plan.Hash+`","force":true}`).Code)
		require.True(t, a.adaHolds())

		rec = a.call("POST", "/api/sweeps", `{"apply":"`+st.Plan.Hash+`"}`)
		require.Equal(t, http.StatusAccepted, rec.Code, "listings do not show it yet: %s", rec.Body)
		require.Equal(t, at, rec.Header().Get("Location"))
		require.False(t, a.adaHolds())
		a.settle()
		rec = a.call("POST", "/api/sweeps", `{"apply":"`+st.Plan.Hash+`"}`)
		require.Equal(t, http.StatusOK, rec.Code)
		require.Equal(t, sweep.Tally{Removed: 1}, decoded[sweep.Status](t, rec.Body.Bytes()).Tally)

		rec = a.call("GET", at, "")
		require.Equal(t, http.StatusOK, rec.Code)
		require.Equal(t, sweep.Applied, decoded[sweep.Status](t, rec.Body.Bytes()).Run.Phase)
		rec = a.call("GET", "/api/sweeps", "")
		listed := decoded[struct{ Value []sweep.Summary }](t, rec.Body.Bytes())
		require.Len(t, listed.Value, 1)
		require.Equal(t, st.Plan.Hash, listed.Value[0].Hash)

		time.Sleep(10 * time.Minute)
		rec = a.call("POST", at+"/restore", "")
		require.Contains(t, []int{http.StatusOK, http.StatusAccepted}, rec.Code, rec.Body.String())
		a.settle()
		require.True(t, a.adaHolds())
		require.Equal(t, 1, decoded[sweep.Status](t, a.call("GET", at, "").Body.Bytes()).Tally.Restored)
	})
}

func TestSweepReportsComeInThreeForms(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSweepApp(t, "report")
		at := a.call("POST", "/api/sweeps", "").Header().Get("Location")
		for format, kind := range map[string]string{"": "application/json", "?format=json": "application/json", "?format=html": "text/html; charset=utf-8", "?format=text": "text/plain; charset=utf-8"} {
			rec := a.call("GET", at+format, "")
			require.Equal(t, http.StatusOK, rec.Code, format)
			require.Equal(t, kind, rec.Header().Get("Content-Type"))
			require.Contains(t, rec.Body.String(), "Contributor", format)
		}
		page := a.call("GET", at+"?format=html", "")
		require.True(t, strings.HasPrefix(page.Header().Get("Content-Security-Policy"), "default-src 'none'"))
		require.Equal(t, http.StatusBadRequest, a.call("GET", at+"?format=pdf", "").Code)
		for _, format := range []string{"", "?format=html"} {
			rec := a.call("GET", "/api/sweeps/20260101T000000Z-abcdef"+format, "")
			require.Equal(t, http.StatusNotFound, rec.Code)
			require.Equal(t, "application/problem+json", rec.Header().Get("Content-Type"))
		}
	})
}

// Readers look, operators act, and nobody else does either.
func TestSweepsAreForThoseWhomTheRulesName(t *testing.T) {
	for _, tt := range []struct {
		name      string
		offices   string
		read, act int
	}{
		{"operator", "operators: [{anyKey: true}]", http.StatusOK, http.StatusCreated},
		{"reader", "readers: [{anyKey: true}]", http.StatusOK, http.StatusForbidden},
		{"anybody", "", http.StatusForbidden, http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSweepApp(t, "report")
				at := a.call("POST", "/api/sweeps", "").Header().Get("Location")
				parsed, err := pim.ParseRules([]byte("version: 1\n" + tt.offices + "\nrules: []"))
				require.NoError(t, err)
				a.app.Engine.Rules = func(context.Context) (*pim.Rules, error) { return parsed, nil }
				require.Equal(t, tt.read, a.call("GET", "/api/sweeps", "").Code)
				require.Equal(t, tt.read, a.call("GET", at, "").Code)
				require.Equal(t, tt.read, a.call("GET", at+"?format=html", "").Code)
				require.Equal(t, tt.act, a.call("POST", "/api/sweeps", "{}").Code)
				if tt.act == http.StatusForbidden {
					require.Equal(t, tt.act, a.call("POST", at+"/restore", "").Code)
				}
				rec := a.call("GET", at+"?format=html", "", "x-functions-key", "")
				require.Equal(t, http.StatusUnauthorized, rec.Code)
			})
		})
	}
}

func TestTimerSweeps(t *testing.T) {
	tick := `{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"IsPastDue":false}},"Metadata":{}}`
	for mode, holds := range map[string]bool{"report": true, "apply": false} {
		t.Run(mode, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSweepApp(t, mode)
				rec := a.call("POST", "/sweep", tick, "x-functions-key", "")
				require.Equal(t, http.StatusOK, rec.Code, a.log.String())
				require.Equal(t, holds, a.adaHolds())
			})
		})
	}
	t.Run("nothing to sweep with", func(t *testing.T) {
		inTime(t, func(t *testing.T) {
			a := newApp(t, rules)
			require.Equal(t, http.StatusOK, a.call("POST", "/sweep", tick, "x-functions-key", "").Code)
			require.Equal(t, http.StatusNotFound, a.call("POST", "/api/sweeps", "{}").Code)
			require.Equal(t, http.StatusNotFound, a.call("GET", "/api/sweeps", "").Code)
		})
	})
}

// The queue ends what a sweep began, and the next look tells that it is over.
func TestResumeTimerTellsThatASweepHasEnded(t *testing.T) {
	tick := `{"Data":{"timer":{"Schedule":{"AdjustForDST":true},"IsPastDue":false}},"Metadata":{}}`
	inTime(t, func(t *testing.T) {
		a := newSweepApp(t, "apply")
		rec := a.call("POST", "/api/sweeps", "{}")
		st := decoded[sweep.Status](t, rec.Body.Bytes())
		require.Equal(t, http.StatusAccepted, a.call("POST", "/api/sweeps", `{"apply":"`+st.Plan.Hash+`"}`).Code)
		phase := func() sweep.Phase {
			return decoded[sweep.Status](t, a.call("GET", rec.Header().Get("Location"), "").Body.Bytes()).Run.Phase
		}
		require.Equal(t, http.StatusOK, a.call("POST", "/resume", tick, "x-functions-key", "").Code)
		require.Equal(t, sweep.Applying, phase())
		a.settle()
		require.Equal(t, http.StatusOK, a.call("POST", "/resume", tick, "x-functions-key", "").Code)
		require.Equal(t, sweep.Applied, phase())
	})
}
