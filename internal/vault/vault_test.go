package vault_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azfake "github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets/fake"
	"github.com/azurepim/azure-pim/internal/vault"
	"github.com/stretchr/testify/require"
)

// store is a vault of one secret, that counts how often it is read.
type store struct {
	value string
	down  bool
	reads int
}

func (s *store) open(t *testing.T) *vault.Vault {
	server := fake.Server{GetSecret: func(_ context.Context, name, _ string, _ *azsecrets.GetSecretOptions) (r azfake.Responder[azsecrets.GetSecretResponse], e azfake.ErrorResponder) {
		s.reads++
		if s.down || name != "rules" {
			e.SetResponseError(http.StatusForbidden, "Forbidden")
			return
		}
		r.SetResponse(http.StatusOK, azsecrets.GetSecretResponse{Secret: azsecrets.Secret{Value: to.Ptr(s.value)}}, nil)
		return
	}}
	v, err := vault.New("https://fake.vault.azure.net", &azfake.TokenCredential{}, azcore.ClientOptions{Transport: fake.NewServerTransport(&server)})
	require.NoError(t, err)
	return v
}

func TestSecretIsRememberedForItsLifetimeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{value: "one"}
		v := s.open(t)
		for range 3 {
			got, err := v.Secret(t.Context(), "rules")
			require.NoError(t, err)
			require.Equal(t, "one", got)
		}
		require.Equal(t, 1, s.reads)
		s.value = "two"
		time.Sleep(vault.Lifetime + time.Second) // virtual time
		got, err := v.Secret(t.Context(), "rules")
		require.NoError(t, err)
		require.Equal(t, "two", got)
		require.Equal(t, 2, s.reads)
	})
}

func TestSecretDoesNotOutliveAVaultThatSaysNo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{value: "one"}
		v := s.open(t)
		_, err := v.Secret(t.Context(), "rules")
		require.NoError(t, err)
		s.down = true
		time.Sleep(vault.Lifetime + time.Second)
		_, err = v.Secret(t.Context(), "rules")
		var re *azcore.ResponseError
		require.True(t, errors.As(err, &re), err)
		require.NotContains(t, err.Error(), "one")
	})
}
