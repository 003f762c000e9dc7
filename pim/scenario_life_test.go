package pim_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

// life is one access from its first grant to its last trace, told so that it needs
// nothing but the engine: it is the same on a simulated tenant and on a live one.
type life struct {
	t                      *testing.T
	ctx                    context.Context
	engine                 *pim.Engine
	run                    string // begins the ids of the changes
	plane                  pim.Plane
	scope, role, principal string
	asked                  int
}

func TestALifeFromTheFirstGrantToTheLastTrace(t *testing.T) {
	onPlanes(t, func(s *scene) {
		l := &life{t: s.t, ctx: s.t.Context(), engine: s.engine, run: "life", plane: s.plane, scope: s.scope, role: s.role, principal: s.carl}
		l.told()
		require.Equal(s.t, "eligibility AdminAssign, assignment AdminAssign, eligibility AdminExtend, assignment AdminRemove, "+
			"assignment AdminAssign Canceled, eligibility AdminRemove, eligibility AdminAssign, eligibility AdminRenew, eligibility AdminRemove", s.asked())
		require.Empty(s.t, s.heldBy(s.carl))
		require.Empty(s.t, s.tenant.Eligibilities())
	})
}

// told takes about half an hour by the clock of the services.
func (l *life) told() {
	require.False(l.t, l.holds(pim.Eligibility), "the principal is to begin with nothing")
	require.False(l.t, l.holds(pim.Assignment), "the principal is to begin with nothing")

	l.done(`"action":"grant","duration":"PT1H","eligibleDuration":"P1D"`, false)
	l.eventually(pim.Eligibility, true)
	l.eventually(pim.Assignment, true)
	l.done(`"action":"grant","duration":"PT30M"`, true)
	l.done(`"action":"makeEligible","duration":"PT8H"`, true)
	l.done(`"action":"extend","duration":"P3D"`, false)
	l.done(`"action":"deactivate"`, false)
	l.eventually(pim.Assignment, false)
	l.done(`"action":"deactivate"`, true)

	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	c := l.done(`"action":"activate","duration":"PT1H","start":"`+tomorrow+`"`, false)
	require.True(l.t, c.Result.Scheduled)
	l.done(`"action":"cancel","kind":"assignment"`, false)
	l.done(`"action":"cancel","kind":"assignment"`, true)
	l.done(`"action":"removeEligible"`, false)
	l.eventually(pim.Eligibility, false)
	l.done(`"action":"removeEligible"`, true)

	l.done(`"action":"makeEligible","duration":"PT10M"`, false)
	l.wait(12 * time.Minute)
	l.eventually(pim.Eligibility, false)
	l.done(`"action":"renew","duration":"P1D"`, false)
	l.eventually(pim.Eligibility, true)
	l.done(`"action":"removeEligible"`, false)
	l.eventually(pim.Eligibility, false)
}

// done asks for something and waits for its end, which must be a good one.
func (l *life) done(ask string, already bool) pim.Change {
	l.t.Helper()
	c := l.change(ask)
	require.Equal(l.t, pim.Done, c.State, "%s: %+v", ask, c.Fault)
	require.Equal(l.t, already, c.Result.Already, ask)
	return c
}

func (l *life) change(ask string) pim.Change {
	l.t.Helper()
	l.asked++
	var r pim.Request
	require.NoError(l.t, r.UnmarshalJSON(fmt.Appendf(nil,
		`{"id":"%s-%d","plane":%q,"scope":%q,"role":%q,"principalId":%q,"justification":"test of azure-pim",%s}`,
		l.run, l.asked, l.plane, l.scope, l.role, l.principal, ask)))
	c, err := l.engine.Start(l.ctx, key, r)
	require.NoError(l.t, err)
	for end := time.Now().Add(time.Hour); !c.Ended() && time.Now().Before(end); {
		l.wait(time.Until(c.Due))
		c, err = l.engine.Drive(l.ctx, key, c.ID(), end)
		require.NoError(l.t, err)
	}
	return c
}

// wait is as long as it says on a live tenant, and no time on a simulated one.
func (l *life) wait(d time.Duration) { time.Sleep(d) }

func (l *life) holds(k pim.Kind) bool {
	l.t.Helper()
	at := scope(l.t, l.plane, l.scope)
	role, err := l.engine.Client.Role(l.ctx, at, l.role)
	require.NoError(l.t, err)
	q := pim.Query{Plane: l.plane, Scope: at, Role: role, Principal: l.principal, Exact: true}
	for i, err := range l.engine.Client.Instances(l.ctx, k, q) {
		require.NoError(l.t, err)
		if i.Scope.Key() == at.Key() && i.Member == pim.Direct {
			return true
		}
	}
	return false
}

// eventually gives the listings the five minutes that they may need.
func (l *life) eventually(k pim.Kind, held bool) {
	l.t.Helper()
	for end := time.Now().Add(5 * time.Minute); l.holds(k) != held; l.wait(10 * time.Second) {
		require.True(l.t, time.Now().Before(end), "%s held: still not %t", k, held)
	}
}
