package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
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
	log := fill(t, storage)
	copied := log.read(firstFile)
	testscript.Run(t, testscript.Params{
		Files:               []string{"testdata/container/audit_verify.txtar", manual(t, "container")},
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "console": console},
		Setup: func(env *testscript.Env) error {
			certificate := filepath.Join(env.WorkDir, "cert.pem")
			env.Setenv("SSL_CERT_FILE", certificate)
			env.Setenv("AZURE_TOKEN_CREDENTIALS", "dev")
			env.Setenv("CONTAINER", log.URL())
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
			file := filepath.Join(env.WorkDir, "copies", filepath.FromSlash(firstFile))
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(file, copied, 0o600); err != nil {
				return err
			}
			return installAz(env, "cat <<'END'\n"+string(answer)+"\nEND\n")
		},
	})
}

const (
	firstFile  = "2026/11/21/app-1.jsonl"
	brokenFile = "2026/11/22/app-2.jsonl"
)

// auditLog is a container with files of the audit log in it.
type auditLog struct {
	*container.Client
	t *testing.T
}

// fill makes a log of two days. On the second, a line has been taken out of one of
// the files.
func fill(t *testing.T, storage *azurite.Server) auditLog {
	t.Helper()
	name := uuid.NewString()
	options := azcore.ClientOptions{Transport: storage.Client()}
	write := func(instance string, at time.Time, changes ...string) {
		log, err := auditlog.NewBlob(storage.Blob(), instance, storage.Credential(), &auditlog.BlobOptions{ClientOptions: options, Container: name})
		require.NoError(t, err)
		require.NoError(t, log.EnsureContainer(t.Context()))
		for _, change := range changes {
			require.NoError(t, log.Write(t.Context(), pim.Record{Time: at, Event: "audit", What: pim.AuditDecision, Change: change}))
		}
	}
	first := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	write("app-1", first, "CR1", "CR2")
	write("app-1", first.AddDate(0, 0, 1), "CR3")
	write("app-2", first.AddDate(0, 0, 1), "CR4", "CR5", "CR6")

	c, err := container.NewClient(storage.Blob()+"/"+name, storage.Credential(), &container.ClientOptions{ClientOptions: options})
	require.NoError(t, err)
	log := auditLog{c, t}
	lines := bytes.SplitAfter(log.read(brokenFile), []byte("\n"))
	_, err = c.NewBlobClient(brokenFile).Delete(t.Context(), nil)
	require.NoError(t, err)
	_, err = c.NewBlockBlobClient(brokenFile).UploadBuffer(t.Context(), slices.Concat(lines[0], lines[2]), nil)
	require.NoError(t, err)
	return log
}

func (l auditLog) read(name string) []byte {
	l.t.Helper()
	resp, err := l.NewBlobClient(name).DownloadStream(l.t.Context(), nil)
	require.NoError(l.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(l.t, err)
	return text
}
