package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/azurepim/azure-pim/internal/auditlog"
	"github.com/azurepim/azure-pim/internal/azurite"
	"github.com/azurepim/azure-pim/pim"
	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// The log is read from a real container, by the person that az has signed in.
func TestContainerIsReadByIdentity(t *testing.T) {
	storage := azurite.Start(t)
	address := storage.Blob() + "/" + fill(t, storage)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/container", RequireExplicitExec: true, UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			certificate := filepath.Join(env.WorkDir, "cert.pem")
			env.Setenv("SSL_CERT_FILE", certificate)
			env.Setenv("AZURE_TOKEN_CREDENTIALS", "dev")
			env.Setenv("CONTAINER", address)
			token, err := storage.Credential().GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{"https://storage.azure.com/.default"}})
			if err != nil {
				return err
			}
			answer, err := json.Marshal(map[string]any{"accessToken": token.Token, "expires_on": token.ExpiresOn.Unix()})
			if err != nil {
				return err
			}
			if err := os.WriteFile(certificate, storage.CertPEM(), 0o600); err != nil {
				return err
			}
			return installAz(env, "cat <<'END'\n"+string(answer)+"\nEND\n")
		},
	})
}

// fill makes a container with the log of two days. On the second, a line has been
// taken out of one of the files.
func fill(t *testing.T, storage *azurite.Server) string {
	t.Helper()
	ctx, name := t.Context(), uuid.NewString()
	options := azcore.ClientOptions{Transport: storage.Client()}
	write := func(instance string, at time.Time, changes ...string) {
		log, err := auditlog.NewBlob(storage.Blob(), instance, storage.Credential(), &auditlog.BlobOptions{ClientOptions: options, Container: name})
		require.NoError(t, err)
		require.NoError(t, log.EnsureContainer(ctx))
		for _, change := range changes {
			require.NoError(t, log.Write(ctx, pim.Record{Time: at, Event: "audit", What: pim.AuditDecision, Change: change}))
		}
	}
	first := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	write("app-1", first, "CR1", "CR2")
	write("app-1", first.AddDate(0, 0, 1), "CR3")
	write("app-2", first.AddDate(0, 0, 1), "CR4", "CR5", "CR6")

	c, err := container.NewClient(storage.Blob()+"/"+name, storage.Credential(), &container.ClientOptions{ClientOptions: options})
	require.NoError(t, err)
	const broken = "2026/11/22/app-2.jsonl"
	resp, err := c.NewBlobClient(broken).DownloadStream(ctx, nil)
	require.NoError(t, err)
	lines := json.NewDecoder(resp.Body)
	var text []byte
	for n := 1; n <= 3; n++ {
		var line json.RawMessage
		require.NoError(t, lines.Decode(&line))
		if n != 2 {
			text = append(append(text, line...), '\n')
		}
	}
	require.NoError(t, resp.Body.Close())
	_, err = c.NewBlobClient(broken).Delete(ctx, nil)
	require.NoError(t, err)
	_, err = c.NewBlockBlobClient(broken).UploadBuffer(ctx, text, &blockblob.UploadBufferOptions{})
	require.NoError(t, err)
	return name
}
