package pim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/pim"
)

func TestParseRulesSmoke(t *testing.T) {
	r, err := pim.ParseRules([]byte(`
version: 1
rules:
  - name: crm
    effect: allow
    actions: [grant]
    callers:
      - anyKey: true
    principals:
      - any: true
    planes: [azure]
    scopes: [/subscriptions/11111111-1111-1111-1111-111111111111]
    roles: [Owner]
    maxDuration: PT4H
    eligibility: make
    maxEligible: P1D
`))
	require.NoError(t, err)
	require.NotEmpty(t, r.Hash())
}
