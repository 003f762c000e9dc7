// Package azurite gives tests a real Azurite, Microsoft's emulator of Azure Storage,
// that speaks https and takes Entra tokens, so that what runs against it is the code
// that runs in Azure: no shared key, no connection string.
//
// Azurite is a Node.js program. make test installs the release that the file VERSION
// names under .tools/azurite in the module root; nothing else names a release.
package azurite

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

//go:embed VERSION
var release string

// account is the one that Azurite has without being told.
const account = "devstoreaccount1"

// Server is a running Azurite. It lasts as long as the test process.
type Server struct {
	blob, table string
	certificate []byte
	client      *http.Client
	process     process
}

// started is the one Azurite of this test process. A Go test binary has no smaller
// place to keep what all of its tests share.
var started = sync.OnceValues(launch)

// Start returns the Azurite of this test process; the first call starts it. It ends
// with the process, however that ends. Where Azurite is not installed the test is
// skipped, or fails if the environment says CI=true.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := started()
	if errors.Is(err, errMissing) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Blob is the endpoint of the blob service, as an app setting would hold it.
func (s *Server) Blob() string { return s.blob + "/" + account }

// Table is the endpoint of the table service.
func (s *Server) Table() string { return s.table + "/" + account }

// Client trusts the certificate that Azurite shows; it serves as a
// policy.Transporter.
func (s *Server) Client() *http.Client { return s.client }

// CertPEM is that certificate, for a child process: written to a file that
// SSL_CERT_FILE names.
func (s *Server) CertPEM() []byte { return s.certificate }

// Credential signs in to it. Azurite checks audience, issuer and lifetime of a
// token; it has no keys to check a signature with.
func (s *Server) Credential() azcore.TokenCredential { return credential{} }

// errMissing is wrapped by the error of an Azurite that is not installed.
var errMissing = errors.New("azurite is not installed")

// find returns the programs to run: node and Azurite's script.
func find() (node, script string, err error) {
	want := strings.TrimSpace(release)
	root, err := moduleRoot()
	if err != nil {
		return "", "", err
	}
	missing := func(why error) error {
		return fmt.Errorf("%w: %w; in %s run: npm install --prefix .tools/azurite azurite@%s --no-audit --no-fund", errMissing, why, root, want)
	}
	if node, err = exec.LookPath("node"); err != nil {
		return "", "", missing(err)
	}
	modules := filepath.Join(root, ".tools", "azurite", "node_modules")
	manifest, err := os.ReadFile(filepath.Join(modules, "azurite", "package.json"))
	if err != nil {
		return "", "", missing(err)
	}
	var has struct{ Version string }
	if err := json.Unmarshal(manifest, &has); err != nil {
		return "", "", missing(err)
	}
	if has.Version != want {
		return "", "", missing(fmt.Errorf("release %s is there", has.Version))
	}
	return node, filepath.Join(modules, ".bin", "azurite"), nil
}

// moduleRoot is the folder of go.mod: tests run in their package's folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir = up
	}
}
