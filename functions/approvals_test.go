package functions_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/simtenant"
	"github.com/stretchr/testify/require"
)

const approvalRules = `
version: 1
keys:
  - {name: servicenow, sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b} # of "secret"
readers: [{keys: [servicenow]}]
rules:
  - name: owner by two
    effect: allow
    actions: [grant]
    callers: [{anyUser: true}, {keys: [servicenow]}]
    principals: [{any: true}]
    planes: [azure]
    scopes: [SUB]
    roles: [Owner]
    eligibility: make
    maxEligible: P1D
    maxDuration: PT8H
    waives: [mfa]
    approval: {group: APPROVERS, within: PT4H}
`

const grantADA = `{"id":"CR1","action":"grant","scope":"SUB","role":"Owner","principalId":"ADA","justification":"Deploy the secret release"}`

// newWaiting is an app with a change of ada's that awaits approval, asked for by
// herself.
func newWaiting(t *testing.T) *app {
	a := newSignIn(t, approvalRules)
	a.ask(bearer(a.token(a.ada)), grantADA, http.StatusAccepted)
	return a
}

func (a *app) ask(headers []string, body string, want int) pim.Report {
	a.t.Helper()
	rec := a.call(http.MethodPost, "/api/changes", a.ids(body), headers...)
	require.Equal(a.t, want, rec.Code, rec.Body.String())
	return decoded[pim.Report](a.t, rec.Body.Bytes())
}

// ballot is a yes to a change as bob sees it.
func (a *app) ballot(id string) string {
	a.t.Helper()
	for _, w := range a.approvals(a.token(a.bob)) {
		if w.ID == id {
			return fmt.Sprintf(`{"digest":%q,"approve":true,"justification":"as planned"}`, w.Digest)
		}
	}
	require.Fail(a.t, "bob sees no change "+id)
	return ""
}

func (a *app) vote(headers []string, ballot string) int {
	a.t.Helper()
	return a.call(http.MethodPost, "/api/approvals/CR1", ballot, headers...).Code
}

func (a *app) state(id string) pim.Report {
	a.t.Helper()
	return a.report(a.call(http.MethodGet, "/api/changes/"+id, ""))
}

func TestApprovedChangeIsDone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		require.Equal(t, pim.AwaitingApproval, a.state("CR1").State)
		require.Equal(t, []string{"CR1 change.approval"}, a.queues.outcomes(t), "an outcome asks for it")
		require.Zero(t, a.effects())

		seen := a.approvals(a.token(a.bob))
		require.Len(t, seen, 1)
		require.Equal(t, "Deploy the secret release", seen[0].Justification, "who decides sees why it is asked")
		require.Equal(t, a.approvers, seen[0].Group)
		require.Equal(t, "user:"+a.ada, seen[0].Change.RequestedBy)

		require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.bob)), a.ballot("CR1")))
		require.Zero(t, a.effects(), "who approves does not drive")
		a.settle()
		done := a.state("CR1")
		require.Equal(t, pim.Done, done.State, "%+v", done.Fault)
		require.Equal(t, "user:"+a.bob, done.Votes[0].By)
		require.Equal(t, []string{"CR1 change.approval", "CR1 change.decided", "CR1 change.granted"}, a.queues.outcomes(t))
		require.Contains(t, a.audit.String(), `"what":"vote"`)
		require.NotContains(t, a.audit.String()+a.log.String(), "as planned")
		require.NotContains(t, a.audit.String()+a.log.String(), "secret release")
	})
}

// The ballot is about the exact change, so all of it is shown.
func TestApproversSeeAllThatTheyApprove(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, approvalRules)
		start := time.Now().Add(3 * time.Hour).UTC().Truncate(time.Second)
		const condition = "@Resource[a] StringEquals 'b'"
		a.ask(bearer(a.token(a.ada)), strings.Replace(grantADA, `"action"`, fmt.Sprintf(`"duration":"PT2H","eligibleDuration":"PT20H","start":%q,"condition":%q,"action"`,
			start.Format(time.RFC3339), condition), 1), http.StatusAccepted)
		seen := a.approvals(a.token(a.bob))
		require.Len(t, seen, 1)
		require.Equal(t, start, *seen[0].Change.Start)
		require.Equal(t, "PT2H", seen[0].Change.Duration.String())
		require.Equal(t, "PT20H", seen[0].Change.Eligible.String())
		require.Equal(t, condition, seen[0].Change.Condition)
		require.Contains(t, a.audit.String(), `"start":"`+start.Format(time.RFC3339)+`"`)
		require.Contains(t, a.audit.String(), `"eligibleDuration":"PT20H"`)

		require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.bob)), a.ballot("CR1")))
		a.settle()
		require.Contains(t, a.audit.String(), `"pimWindow":{"start":"`+start.Format(time.RFC3339)+`","duration":"PT2H"}`)
	})
}

func TestDeniedChangeIsRefused(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		no := strings.Replace(a.ballot("CR1"), "true", "false", 1)
		require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.bob)), no))
		a.settle()
		got := a.state("CR1")
		require.Equal(t, pim.Refused, got.State)
		require.Equal(t, pim.NotApproved, got.Fault.Reasons[0].Code)
		require.Zero(t, a.effects())
	})
}

// Who cannot approve, and with which ballot nobody can.
func TestVotesThatDoNotCount(t *testing.T) {
	for _, tt := range []struct {
		name    string
		asker   func(*app) []string // who asked for ada's access; nil is ada
		voter   func(*app) []string // nil is bob
		prepare func(*app)
		edit    func(ballot string) string
		want    int
	}{
		{name: "whoever asked and gains", voter: func(a *app) []string { return bearer(a.token(a.ada)) }, want: http.StatusForbidden},
		{name: "whoever asked", asker: func(a *app) []string { return bearer(a.token(a.carl)) }, voter: func(a *app) []string { return bearer(a.token(a.carl)) }, want: http.StatusForbidden},
		{name: "whoever gains", asker: func(*app) []string { return nil }, voter: func(a *app) []string { return bearer(a.token(a.ada)) }, want: http.StatusForbidden},
		{name: "whoever is not in the group", voter: func(a *app) []string { return bearer(a.token(a.tenant.AddUser(simtenant.User{Name: "mallory"}))) }, want: http.StatusForbidden},
		{name: "whoever says to be in the group", voter: func(a *app) []string {
			mallory := a.tenant.AddUser(simtenant.User{Name: "mallory"})
			return bearer(a.token(mallory, simtenant.WithClaim("groups", []string{a.approvers})))
		}, want: http.StatusForbidden},
		{name: "whoever has left the group", prepare: func(a *app) { a.tenant.Disable(a.bob); a.tenant.Delete(a.bob) }, want: http.StatusForbidden},
		{name: "an application in the group", voter: func(a *app) []string {
			robot := a.tenant.AddServicePrincipal(simtenant.ServicePrincipal{Name: "robot"})
			a.tenant.AddMember(a.approvers, robot)
			return bearer(a.token(robot))
		}, want: http.StatusForbidden},
		{name: "a function key", voter: func(*app) []string { return nil }, want: http.StatusForbidden},
		{name: "another key", voter: func(*app) []string { return []string{"x-functions-key", "another"} }, want: http.StatusForbidden},
		{name: "nobody", voter: func(*app) []string { return []string{"x-functions-key", ""} }, want: http.StatusUnauthorized},
		{name: "an expired token", voter: func(a *app) []string { return bearer(a.token(a.bob, simtenant.WithLife(-time.Hour))) }, want: http.StatusUnauthorized},
		{name: "without having looked", edit: func(string) string { return `{"approve":true}` }, want: http.StatusConflict},
		{name: "with the look of another change", edit: func(string) string { return `{"digest":"` + strings.Repeat("a", 64) + `","approve":true}` }, want: http.StatusConflict},
		{name: "too late", prepare: func(*app) { time.Sleep(4 * time.Hour) }, voter: func(a *app) []string { return bearer(a.token(a.bob)) }, want: http.StatusConflict},
		{name: "with a word too many", edit: func(b string) string { return strings.Replace(b, "{", `{"force":true,`, 1) }, want: http.StatusBadRequest},
		{name: "said twice", edit: func(b string) string { return strings.Replace(b, "{", `{"approve":false,`, 1) }, want: http.StatusBadRequest},
		{name: "with a reordered reason", edit: func(b string) string { return strings.Replace(b, "planned", `\u202edennalp`, 1) }, want: http.StatusBadRequest},
		{name: "with a reason of a book", edit: func(b string) string { return strings.Replace(b, "planned", strings.Repeat("x", 501), 1) }, want: http.StatusBadRequest},
		{name: "with a reason of a library", edit: func(b string) string { return strings.Replace(b, "planned", strings.Repeat("x", 1<<20), 1) }, want: http.StatusRequestEntityTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newSignIn(t, approvalRules)
				a.tenant.AddMember(a.approvers, a.ada)
				a.tenant.AddMember(a.approvers, a.carl)
				asker, voter := bearer(a.token(a.ada)), bearer(a.token(a.bob))
				if tt.asker != nil {
					asker = tt.asker(a)
				}
				a.ask(asker, grantADA, http.StatusAccepted)
				ballot := a.ballot("CR1")
				if tt.prepare != nil {
					tt.prepare(a)
				}
				if tt.voter != nil {
					voter = tt.voter(a)
				}
				if tt.edit != nil {
					ballot = tt.edit(ballot)
				}
				require.Equal(t, tt.want, a.vote(voter, ballot))
				require.Equal(t, pim.AwaitingApproval, a.state("CR1").State)
				a.settle()
				require.Zero(t, a.effects())
				require.NotContains(t, a.audit.String(), `"what":"vote"`)
			})
		})
	}
}

func TestAnAgreementCountsOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		ballot := a.ballot("CR1")
		require.Equal(t, http.StatusNotFound, a.call(http.MethodPost, "/api/approvals/CR2", ballot, bearer(a.token(a.bob))...).Code)
		no := strings.Replace(ballot, "true", "false", 1)
		require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.bob)), no))
		require.Equal(t, http.StatusConflict, a.vote(bearer(a.token(a.bob)), ballot), "after a no there is no yes")

		// Asked again it is another run, and the old ballot says nothing about it.
		a.ask(bearer(a.token(a.ada)), grantADA, http.StatusAccepted)
		require.Equal(t, pim.AwaitingApproval, a.state("CR1").State)
		require.Equal(t, http.StatusConflict, a.vote(bearer(a.token(a.bob)), ballot), "replayed")
		require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.bob)), a.ballot("CR1")))
		require.Equal(t, http.StatusConflict, a.vote(bearer(a.token(a.bob)), ballot), "twice")
		a.settle()
		require.Equal(t, pim.Done, a.state("CR1").State)
		require.Equal(t, http.StatusConflict, a.vote(bearer(a.token(a.bob)), ballot), "after the end")
		require.Len(t, a.tenant.Requests(), 2)
	})
}

func TestOfTwoVotesAtOnceOneCounts(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		dan := a.tenant.AddUser(simtenant.User{Name: "dan"})
		a.tenant.AddMember(a.approvers, dan)
		yes := a.ballot("CR1")
		a.tenant.Inject(simtenant.Fault{Path: "/checkMember", Delay: time.Second, Times: 2}) // both look before either writes
		codes := make(chan int, 2)
		go func() { codes <- a.vote(bearer(a.token(a.bob)), yes) }()
		go func() { codes <- a.vote(bearer(a.token(dan)), strings.Replace(yes, "true", "false", 1)) }()
		require.ElementsMatch(t, []int{http.StatusOK, http.StatusConflict}, []int{<-codes, <-codes})
		require.Len(t, a.state("CR1").Votes, 1)
	})
}

// The rules decide once more when the approved change is done.
func TestApprovedChangeIsDecidedByTheRulesOfTheMoment(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rules string
		want  pim.State
	}{
		{"the rule is gone", nothing, pim.Refused},
		{"it allows less", strings.Replace(approvalRules, "maxDuration: PT8H", "maxDuration: PT30M", 1), pim.Refused},
		{"others approve now", strings.Replace(approvalRules, "group: APPROVERS", "group: 51f0e2aa-7f3f-4d55-8f5e-2a6b0f0c9d77", 1), pim.AwaitingApproval},
		{"a deny rule came", approvalRules + "  - {name: not now, effect: deny, scopes: [SUB]}\n", pim.Refused},
		{"a word of it changed", strings.Replace(approvalRules, "owner by two", "owner by two men", 1), pim.Done},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				a := newWaiting(t)
				require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.bob)), a.ballot("CR1")))
				a.use(tt.rules)
				a.settle()
				a.use(approvalRules)
				require.Equal(t, tt.want, a.state("CR1").State)
				require.Equal(t, tt.want == pim.Done, a.effects() > 0)
			})
		})
	}
}

// The same id with other content is another change, and takes no agreement over.
func TestApprovedIdNamesNothingElse(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		ballot := a.ballot("CR1")
		longer := strings.Replace(grantADA, `"justification"`, `"duration":"PT8H","justification"`, 1)
		a.ask(bearer(a.token(a.ada)), longer, http.StatusConflict)
		require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.bob)), ballot))
		a.ask(bearer(a.token(a.ada)), longer, http.StatusConflict)
		a.settle()
		require.Equal(t, pim.Duration(time.Hour), a.state("CR1").Duration)
	})
}

func TestApprovalThatNobodyGaveEndsTheChange(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		time.Sleep(4*time.Hour + 10*time.Minute)
		require.Equal(t, http.StatusOK, a.call(http.MethodPost, "/resume", `{"Data":{"timer":{}},"Metadata":{}}`).Code)
		a.settle()
		got := a.state("CR1")
		require.Equal(t, pim.Refused, got.State)
		require.Equal(t, pim.NotApproved, got.Fault.Reasons[0].Code)
		require.Contains(t, a.audit.String(), `"result":"refused"`)
		require.Equal(t, []string{"CR1 change.approval", "CR1 change.refused"}, a.queues.outcomes(t))
		require.Zero(t, a.effects())
	})
}

// What is given to a group, its members gain, directly or through others: none of them
// agrees to it.
func TestMembersOfTheGroupThatGainsDoNotApprove(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newSignIn(t, strings.Replace(approvalRules, "{any: true}", "{any: true, types: [user, group]}", 1))
		a.tenant.AddMember(a.approvers, a.carl)
		inner := a.tenant.AddGroup(simtenant.Group{Name: "inner", Members: []string{a.bob}})
		gang := a.tenant.AddGroup(simtenant.Group{Name: "gang"})
		a.tenant.AddMember(gang, inner)
		a.ask(nil, strings.Replace(grantADA, "ADA", gang, 1), http.StatusAccepted)

		require.Empty(t, a.approvals(a.token(a.bob)), "bob is in it")
		seen := a.approvals(a.token(a.carl))
		require.Len(t, seen, 1)
		ballot := fmt.Sprintf(`{"digest":%q,"approve":true}`, seen[0].Digest)
		require.Equal(t, http.StatusForbidden, a.vote(bearer(a.token(a.bob)), ballot))
		require.Equal(t, pim.AwaitingApproval, a.state("CR1").State)
		require.NotContains(t, a.audit.String(), `"what":"vote"`)
		require.Equal(t, http.StatusOK, a.vote(bearer(a.token(a.carl)), ballot))
	})
}

// Who may decide sees it, and readers do; nobody else learns of it.
func TestApprovalsShowToThoseWhoMayDecide(t *testing.T) {
	inTime(t, func(t *testing.T) {
		a := newWaiting(t)
		require.Len(t, a.approvals(a.token(a.bob)), 1)
		require.Empty(t, a.approvals(a.token(a.ada)), "who gains does not decide")
		require.Empty(t, a.approvals(a.token(a.carl)), "nor does who is in no group")
		require.Len(t, decoded[struct{ Value []waiting }](t, a.call(http.MethodGet, "/api/approvals", "").Body.Bytes()).Value, 1, "a reader sees it")
		require.Equal(t, http.StatusForbidden, a.call(http.MethodGet, "/api/approvals", "", "x-functions-key", "another").Code)
		require.Equal(t, http.StatusForbidden, a.call(http.MethodGet, "/api/approvals", "", bearer(a.token(a.identity))...).Code, "an application is no approver")
	})
}
