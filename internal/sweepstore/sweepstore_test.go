package sweepstore_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/fake"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/azurite"
	"github.com/azurepim/azure-pim/internal/sweepstore"
	"github.com/azurepim/azure-pim/pim"
	"github.com/azurepim/azure-pim/pim/sweep"
)

// sender is a transport that is a function.
type sender func(*http.Request) (*http.Response, error)

func (s sender) Do(r *http.Request) (*http.Response, error) { return s(r) }

// blobs is a store in a container of its own, as wrap shows the service to it.
func blobs(t *testing.T, wrap func(sender) sender) sweep.Store {
	t.Helper()
	server := azurite.Start(t)
	at := server.Blob() + "/" + uuid.NewString()
	c, err := container.NewClient(at, server.Credential(), &container.ClientOptions{ClientOptions: azcore.ClientOptions{Transport: server.Client()}})
	require.NoError(t, err)
	_, err = c.Create(t.Context(), nil)
	require.NoError(t, err)
	o := azcore.ClientOptions{Transport: server.Client(), Retry: policy.RetryOptions{MaxRetries: 2, RetryDelay: time.Millisecond, TryTimeout: 10 * time.Second}}
	if wrap != nil {
		o.Transport = wrap(server.Client().Do)
	}
	s, err := sweepstore.New(at, server.Credential(), &o)
	require.NoError(t, err)
	return s
}

// onBoth holds both stores to the same answers.
func onBoth(t *testing.T, f func(*testing.T, sweep.Store)) {
	t.Run("memory", func(t *testing.T) { f(t, &sweep.Memory{}) })
	t.Run("blobs", func(t *testing.T) { f(t, blobs(t, nil)) })
}

func names(t *testing.T, s sweep.Store, prefix string) []string {
	t.Helper()
	out := []string{}
	for n, err := range s.Names(t.Context(), prefix) {
		require.NoError(t, err)
		out = append(out, n)
	}
	return out
}

func TestDocumentComesBackAsItWasSaved(t *testing.T) {
	onBoth(t, func(t *testing.T, s sweep.Store) {
		_, _, err := s.Load(t.Context(), "plans/1.json")
		require.Equal(t, pim.CodeNotFound, pim.CodeOf(err))
		want := []byte(`{"a":"ü 壊 \u0000"}`)
		v, err := s.Save(t.Context(), "plans/1.json", want, "")
		require.NoError(t, err)
		got, version, err := s.Load(t.Context(), "plans/1.json")
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, v, version)
		require.NotEmpty(t, v)
	})
}

func TestOnlyTheVersionThatWasReadIsWrittenOver(t *testing.T) {
	onBoth(t, func(t *testing.T, s sweep.Store) {
		save := func(doc, version string) (string, error) {
			return s.Save(t.Context(), "runs/1.json", []byte(doc), version)
		}
		_, err := save("none", "0x123")
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err), "%v", err)
		v1, err := save("1", "")
		require.NoError(t, err)
		_, err = save("another first", "")
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err))
		v2, err := save("2", v1)
		require.NoError(t, err)
		_, err = save("another second", v1)
		require.Equal(t, pim.CodeConflict, pim.CodeOf(err))
		_, err = save("3", v2)
		require.NoError(t, err)
	})
}

func TestOfManyWritersOneGetsThrough(t *testing.T) {
	onBoth(t, func(t *testing.T, s sweep.Store) {
		var wg sync.WaitGroup
		var won atomic.Int32
		for i := range 8 {
			wg.Go(func() {
				switch _, err := s.Save(t.Context(), "plans/1.json", fmt.Append(nil, i), ""); {
				case err == nil:
					won.Add(1)
				case pim.CodeOf(err) != pim.CodeConflict:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, won.Load())
	})
}

func TestNamesComeInTheirOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, s sweep.Store) {
		for _, n := range []string{"plans/b.json", "runs/a.json", "plans/a.json", "memory.json"} {
			_, err := s.Save(t.Context(), n, []byte("{}"), "")
			require.NoError(t, err)
		}
		require.Equal(t, []string{"plans/a.json", "plans/b.json"}, names(t, s, "plans/"))
		require.Empty(t, names(t, s, "plans/c"))
	})
}

func TestWriteWhoseAnswerWasLostIsNoConflict(t *testing.T) {
	lost := 0
	s := blobs(t, func(next sender) sender {
		return func(r *http.Request) (*http.Response, error) {
			if r.Method != http.MethodPut || lost > 0 {
				return next(r)
			}
			lost++
			return azurite.Lose(next, r)
		}
	})
	v, err := s.Save(t.Context(), "plans/1.json", []byte("{}"), "")
	require.NoError(t, err)
	_, version, err := s.Load(t.Context(), "plans/1.json")
	require.NoError(t, err)
	require.Equal(t, version, v)
	require.Equal(t, 1, lost)
}

// What a store that fails says must never be read as: there is no such plan.
func TestStoreThatFailsIsNotOneThatIsEmpty(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		code   string
		want   pim.Code
	}{
		{"no container", 404, "ContainerNotFound", pim.CodeInternal},
		{"forbidden", 403, "AuthorizationPermissionMismatch", pim.CodeDenied},
		{"throttled", 503, "ServerBusy", pim.CodeBusy},
		{"broken", 500, "InternalError", pim.CodeBusy},
		{"odd", 400, "InvalidHeaderValue", pim.CodeInternal},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}, Transport: sender(func(r *http.Request) (*http.Response, error) {
				return &http.Response{Request: r, StatusCode: tt.status, Body: http.NoBody,
					Header: http.Header{"X-Ms-Error-Code": {tt.code}}}, nil
			})}
			s, err := sweepstore.New("https://account.blob.core.windows.net/sweeps", &fake.TokenCredential{}, &o)
			require.NoError(t, err)
			_, _, err = s.Load(t.Context(), "plans/1.json")
			require.Equal(t, tt.want, pim.CodeOf(err))
			_, err = s.Save(t.Context(), "plans/1.json", nil, "")
			require.Equal(t, tt.want, pim.CodeOf(err))
			for _, err := range s.Names(t.Context(), "plans/") {
				require.Equal(t, tt.want, pim.CodeOf(err))
			}
		})
	}
}

func TestStoreIsReachedByHTTPSAlone(t *testing.T) {
	for _, at := range []string{"", "sweeps", "http://account.blob.core.windows.net/sweeps", "https://account.blob.core.windows.net", "https://a.example/sweeps?sig=1", "https://u:p@a.example/sweeps"} {
		_, err := sweepstore.New(at, &fake.TokenCredential{}, nil)
		require.Equal(t, pim.CodeInvalid, pim.CodeOf(err), strings.TrimSpace(at))
	}
	_, err := sweepstore.New("https://account.blob.core.windows.net/sweeps", nil, nil)
	require.Equal(t, pim.CodeInvalid, pim.CodeOf(err))
}

func TestStoreKeepsToTheCallersTime(t *testing.T) {
	s := blobs(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.Load(ctx, "plans/1.json")
	require.Equal(t, pim.CodeBusy, pim.CodeOf(err))
}
