package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim/simtenant"
)

func TestEachRuleFindsWhatItIsFor(t *testing.T) {
	for _, tt := range []struct {
		name string
		seed func(w *world)
		want []string
	}{
		{"permanent assignment of a person", func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.ada})
		}, []string{"permanent assignment ada"}},
		{"permanent assignment of an application is named in as many words, or left", func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: w.rg, Role: "Contributor", Principal: w.robot})
		}, []string{}},
		{"assignment that is too long", func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: w.mg, Role: "Reader", Principal: w.bob, For: 60 * day, Ago: day})
		}, []string{"overlong assignment bob"}},
		{"assignment that is just short enough", func(w *world) {
			w.tenant.Assign(simtenant.Grant{Scope: w.mg, Role: "Reader", Principal: w.bob, For: 30 * day})
		}, []string{}},
		{"eligibility that is too long", func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 365 * day})
		}, []string{"overlong eligibility bob"}},
		{"deleted principal", func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 100 * day})
			w.tenant.Delete(w.bob)
		}, []string{"deleted eligibility bob"}},
		{"disabled user", func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 100 * day})
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 100 * day})
			w.tenant.Disable(w.bob)
		}, []string{"disabled eligibility bob"}},
		{"eligibility that nobody has used for long", func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 100 * day, Ago: 40 * day})
		}, []string{"unused eligibility bob"}},
		{"eligibility that is young", func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.bob, For: 100 * day, Ago: 20 * day})
		}, []string{}},
		{"eligibility that was used through us", func(w *world) {
			w.tenant.MakeEligible(simtenant.Grant{Scope: w.sub, Role: "Owner", Principal: w.ada, For: 100 * day, Ago: 40 * day})
			w.grant("CR1", w.rg, "Owner", "PT1H")
			time.Sleep(20 * day)
		}, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				w := newWorld(t)
				tt.seed(w)
				w.tenant.ForgetCalls()
				p := w.plan()
				require.Equal(t, tt.want, w.found(p), "%+v", p.Proposals)
				require.Zero(t, p.Unread(), "%+v", p.Scopes)
				require.Zero(t, w.effects(), "a plan changes nothing")
			})
		})
	}
}
