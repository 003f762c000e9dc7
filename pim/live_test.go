package pim_test

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/ledger"
)

// liveRules allow the test what it does, and no more: one principal, one place.
const liveRules = `
version: 1
rules:
  - name: the test
    effect: allow
    actions: [grant, makeEligible, activate, deactivate, removeEligible, extend, renew, cancel]
    callers: [{anyKey: true}]
    principals: [{ids: [PRINCIPAL]}]
    planes: [PLANE]
    scopes: ["SCOPE"]
    roles: ["ROLE"]
    eligibility: make
    maxEligible: P3D
    maxDuration: PT1H
    justification: {required: false}
    waives: [mfa, authenticationContext, approval]
`

// The same life as on the simulated tenant, in real time: half an hour for each plane
// that is named, one call after the other. What it leaves behind it takes away, also
// when it fails.
func TestALifeOnALiveTenant(t *testing.T) {
	tenant := os.Getenv("PIM_LIVE_TENANT")
	if tenant == "" {
		t.Skip("no live tenant: set PIM_LIVE_TENANT, PIM_LIVE_PRINCIPAL and PIM_LIVE_SUBSCRIPTION, PIM_LIVE_DIRECTORY_ROLE or PIM_LIVE_GROUP as docs/pim-api.md says")
	}
	principal := os.Getenv("PIM_LIVE_PRINCIPAL")
	require.NotEmpty(t, principal, "PIM_LIVE_PRINCIPAL is the object id of a user who may be given the roles")
	cred, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{TenantID: tenant})
	require.NoError(t, err)
	client, err := pim.NewClient(cred, nil)
	require.NoError(t, err)
	for _, p := range []struct{ plane, place, role string }{
		{"azure", under("/subscriptions/", os.Getenv("PIM_LIVE_SUBSCRIPTION")), cmp.Or(os.Getenv("PIM_LIVE_AZURE_ROLE"), "Reader")},
		{"directory", "/", os.Getenv("PIM_LIVE_DIRECTORY_ROLE")},
		{"group", os.Getenv("PIM_LIVE_GROUP"), "member"},
	} {
		t.Run(p.plane, func(t *testing.T) {
			if p.place == "" || p.role == "" {
				t.Skip("no place on this plane was named")
			}
			text := strings.NewReplacer("PRINCIPAL", principal, "PLANE", p.plane, "SCOPE", p.place, "ROLE", p.role).Replace(liveRules)
			rules, err := pim.ParseRules([]byte(text))
			require.NoError(t, err)
			l := &life{t: t, ctx: t.Context(), run: "live-" + uuid.NewString(), plane: pim.Plane(p.plane), scope: p.place, role: p.role, principal: strings.ToLower(principal),
				engine: &pim.Engine{Tenant: tenant, Client: client, Ledger: ledger.NewMemory(), Audit: &auditTrail{},
					Rules: func(context.Context) (*pim.Rules, error) { return rules, nil },
					Log:   slog.New(slog.NewTextHandler(t.Output(), nil))}}
			require.False(t, l.holds(pim.Eligibility) || l.holds(pim.Assignment), "the principal holds the role: it would be taken away")
			t.Cleanup(func() { l.cleared(t) })
			l.told()
		})
	}
}

// under is the place below, or none.
func under(above, name string) string {
	if name == "" {
		return ""
	}
	return above + name
}

// cleared takes away whatever the life has left. The test's own context is over.
func (l *life) cleared(t *testing.T) {
	after := *l
	after.run += "-end"
	after.ctx = context.Background()
	for _, ask := range []string{`"action":"cancel"`, `"action":"deactivate"`, `"action":"removeEligible"`} {
		if c := after.change(ask); c.State != pim.Done {
			t.Errorf("%s left the tenant as it was: take the access away by hand: %+v", ask, c.Fault)
		}
	}
}
