package functions_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

const selfRules = `
version: 1
rules:
  - name: for oneself
    effect: allow
    actions: [grant, activate, deactivate]
    callers: [{anyUser: true}]
    principals: [{self: true}]
    planes: [azure]
    scopes: [SUB]
    roles: [Contributor]
    maxDuration: PT8H
    mode: self
`

const contributor = "b24988ac-6180-42a0-ab88-20f7382dd24c"

const activateADA = `{"id":"CR1","action":"activate","scope":"SUB","role":"Contributor","principalId":"ADA","justification":"Deploy the release","duration":"PT2H"}`

func newSelf(t *testing.T) *app {
	a := newSignIn(t, selfRules)
	a.tenant.MakeEligible(simtenant.Grant{Scope: a.sub, Role: "Contributor", Principal: a.ada})
	return a
}

func TestUserActivatesWithTheirOwnToken(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSelf(t)
		code, body, header := a.as(a.token(a.ada, simtenant.WithMFA()), http.MethodPost, "/api/changes", a.ids(activateADA))
		require.Contains(t, []int{http.StatusCreated, http.StatusAccepted}, code, "%s", body)
		require.Equal(t, "/api/changes/CR1", header.Get("Location"))
		a.settle()
		done := a.report(a.call(http.MethodGet, "/api/changes/CR1", "", "x-functions-key", "", "Authorization", "Bearer "+a.token(a.ada)))
		require.Equal(t, pim.Done, done.State, "%+v", done.Fault)
		require.Equal(t, "user:"+a.ada, done.RequestedBy)
		requests := a.tenant.Requests()
		require.Len(t, requests, 1)
		require.Equal(t, "SelfActivate", string(requests[0].Action))
		require.Equal(t, a.ada, requests[0].RequestorID, "PIM was asked by the user, not by us")
		require.Equal(t, a.ada, requests[0].PrincipalID)
		require.Equal(t, []string{"eligibility " + contributor, "assignment " + contributor}, a.held(a.ada))
	})
}

// What does not do for activating as oneself.
func TestSelfNeedsTheUsersOwnToken(t *testing.T) {
	for _, tt := range []struct {
		name   string
		caller func(*app) []string // headers
		body   string
		want   int
	}{
		{"for somebody else", func(a *app) []string { return bearer(a.token(a.bob, simtenant.WithMFA())) }, activateADA, http.StatusForbidden},
		{"an application for itself", func(a *app) []string { return bearer(a.token(a.identity)) }, strings.Replace(activateADA, "ADA", "APP", 1), http.StatusForbidden},
		{"a function key", func(*app) []string { return nil }, activateADA, http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSelf(t)
				rec := a.call(http.MethodPost, "/api/changes", a.ids(tt.body), tt.caller(a)...)
				require.Equal(t, tt.want, rec.Code, rec.Body.String())
				require.Empty(t, a.tenant.Requests())
				require.Zero(t, a.tenant.Count("", "/oauth2/"), "no token is traded for what is not allowed")
			})
		})
	}
}

func bearer(token string) []string {
	return []string{"x-functions-key", "", "Authorization", "Bearer " + token}
}

// What PIM asks of the user goes back to the user, who comes again with the proof.
func TestUserIsAskedToStepUp(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy func(*simtenant.Policy)
		claims string // in the challenge
		proof  simtenant.Claim
	}{
		{"second factor", func(p *simtenant.Policy) { p.RequireOnActivation(simtenant.RequireMFA) }, `"mfa"`, simtenant.WithMFA()},
		{"authentication context", func(p *simtenant.Policy) { p.RequireOnActivation(); p.AuthenticationContext = "c1" }, `"c1"`, simtenant.WithContext("c1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSelf(t)
				a.tenant.UpdatePolicy(simtenant.PlaneAzure, a.sub, "Contributor", tt.policy)
				rec := a.call(http.MethodPost, "/api/changes", a.ids(activateADA), bearer(a.token(a.ada))...)
				require.Equal(t, http.StatusUnauthorized, rec.Code, rec.Body.String())
				p := a.problem(rec)
				require.Equal(t, pim.CodeStepUp, p.Code)
				challenge := rec.Header().Get("WWW-Authenticate")
				require.True(t, strings.HasPrefix(challenge, `Bearer error="insufficient_claims", claims="`), challenge)
				coded := strings.TrimSuffix(strings.TrimPrefix(challenge, `Bearer error="insufficient_claims", claims="`), `"`)
				claims, err := base64.StdEncoding.DecodeString(coded)
				require.NoError(t, err)
				require.Contains(t, string(claims), tt.claims)
				require.NotContains(t, a.log.String(), "access_token", "the log needs no claims")
				require.NotContains(t, a.audit.String(), "access_token")
				require.NotContains(t, a.held(a.ada), "assignment "+contributor)

				rec = a.call(http.MethodPost, "/api/changes", a.ids(activateADA), bearer(a.token(a.ada, tt.proof))...)
				require.Contains(t, []int{http.StatusCreated, http.StatusAccepted}, rec.Code, rec.Body.String())
				a.settle()
				require.Contains(t, a.held(a.ada), "assignment "+contributor)
			})
		})
	}
}

// PIM's own approval: the change waits in PIM, whose approvers decide with tokens of
// their own.
func TestNativeApprovalIsShownAndDecided(t *testing.T) {
	for name, approve := range map[string]bool{"approved": true, "denied": false} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSelf(t)
				a.tenant.UpdatePolicy(simtenant.PlaneAzure, a.sub, "Contributor", func(p *simtenant.Policy) { p.RequireApproval(a.approvers) })
				rec := a.call(http.MethodPost, "/api/changes", a.ids(activateADA), bearer(a.token(a.ada, simtenant.WithMFA()))...)
				require.Equal(t, http.StatusAccepted, rec.Code, rec.Body.String())
				require.Equal(t, pim.Pending, a.report(rec).State)

				own := a.approvals(a.token(a.ada))
				require.Empty(t, own, "nobody approves for themselves")
				waiting := a.approvals(a.token(a.bob))
				require.Len(t, waiting, 1)
				require.True(t, waiting[0].Native)
				require.Equal(t, a.ada, waiting[0].Request.Requestor)

				path := "/api/approvals/" + waiting[0].ID
				ballot := `{"approve":true,"justification":"as planned"}`
				if !approve {
					ballot = `{"approve":false,"justification":"not today"}`
				}
				for who, headers := range map[string][]string{"carl": bearer(a.token(a.carl)), "ada": bearer(a.token(a.ada)), "our own identity": bearer(a.token(a.identity)), "a key": nil} {
					rec := a.call(http.MethodPost, path, ballot, headers...)
					require.GreaterOrEqual(t, rec.Code, 400, "%s: %s", who, rec.Body)
				}
				a.app.Engine.Guard.Stopped = true
				require.Equal(t, http.StatusForbidden, a.call(http.MethodPost, path, ballot, bearer(a.token(a.bob))...).Code, "stopped")
				a.app.Engine.Guard.Stopped = false
				require.Len(t, a.approvals(a.token(a.bob)), 1, "still waiting")

				before := strings.Count(a.audit.String(), `"what":"vote"`)
				rec = a.call(http.MethodPost, path, ballot, bearer(a.token(a.bob))...)
				require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
				require.Equal(t, before+1, strings.Count(a.audit.String(), `"what":"vote"`))
				require.Contains(t, a.audit.String(), a.bob)
				require.NotContains(t, a.audit.String(), "as planned")
				rec = a.call(http.MethodPost, path, ballot, bearer(a.token(a.bob))...)
				require.Equal(t, http.StatusConflict, rec.Code, "decided once: %s", rec.Body)

				a.settle()
				got := a.report(a.call(http.MethodGet, "/api/changes/CR1", "", bearer(a.token(a.ada))...))
				if approve {
					require.Equal(t, pim.Done, got.State, "%+v", got.Fault)
					require.Contains(t, a.held(a.ada), "assignment "+contributor)
				} else {
					require.Equal(t, pim.Failed, got.State)
					require.NotContains(t, a.held(a.ada), "assignment "+contributor)
				}
			})
		})
	}
}

// waiting is an entry of GET /api/approvals.
type waiting struct {
	ID            string
	Native        bool
	Change        *pim.Report
	Justification string
	Group, Digest string
	Request       *struct{ Requestor, Justification string }
}

func (a *app) approvals(token string) []waiting {
	a.t.Helper()
	code, body, _ := a.as(token, http.MethodGet, "/api/approvals", "")
	require.Equal(a.t, http.StatusOK, code, "%s", body)
	return decoded[struct{ Value []waiting }](a.t, body).Value
}
