package azurite_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"
	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/azurite"
)

func TestTokenOpensTheTableServiceAndItsAbsenceDoesNot(t *testing.T) {
	s := azurite.Start(t)
	client, err := aztables.NewServiceClient(s.Table(), s.Credential(), &aztables.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: s.Client()},
	})
	require.NoError(t, err)
	_, err = client.CreateTable(t.Context(), "opened", nil)
	require.NoError(t, err)

	resp, err := s.Client().Get(s.Table() + "/Tables")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusForbidden, resp.StatusCode)
}

func TestAllTestsOfAProcessShareOneAzurite(t *testing.T) {
	require.Same(t, azurite.Start(t), azurite.Start(t))
}

// asChild makes the test binary start an Azurite, print its address, and wait until
// it is killed or its standard input ends.
const asChild = "AZURE_PIM_TEST_AZURITE_CHILD"

func TestChild(t *testing.T) {
	if os.Getenv(asChild) == "" {
		t.Skip("only as the child of TestAzuriteDiesWithAKilledTestProcess")
	}
	fmt.Println("at " + azurite.Start(t).Blob())
	_, err := io.Copy(io.Discard, os.Stdin)
	require.NoError(t, err)
}

func TestAzuriteDiesWithAKilledTestProcess(t *testing.T) {
	azurite.Start(t) // or skip
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	child.Env = append(os.Environ(), asChild+"=1")
	_, err := child.StdinPipe()
	require.NoError(t, err)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	var at string
	for lines := bufio.NewScanner(out); at == "" && lines.Scan(); {
		at, _ = strings.CutPrefix(lines.Text(), "at ")
		if !strings.HasPrefix(at, "https://") {
			at = ""
		}
	}
	u, err := url.Parse(at)
	require.NoError(t, err)
	listens := func() bool {
		conn, err := net.Dial("tcp", u.Host)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}
	require.True(t, listens(), "the child's Azurite listens at %s", at)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	require.Eventually(t, func() bool { return !listens() }, 30*time.Second, 20*time.Millisecond)
}

func TestWithoutAzuriteTestsAreSkippedButFailInCI(t *testing.T) {
	elsewhere := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "go.mod"), []byte("module m\n"), 0o600))
	for _, c := range []struct {
		ci   string
		says string
		fine bool
	}{
		{ci: "CI=", says: "--- SKIP", fine: true},
		{ci: "CI=true", says: "--- FAIL", fine: false},
	} {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestAllTestsOfAProcessShareOneAzurite$")
		child.Dir = elsewhere
		child.Env = append(os.Environ(), c.ci)
		out, err := child.CombinedOutput()
		require.Equal(t, c.fine, err == nil, "%s: %s", c.ci, out)
		require.Contains(t, string(out), c.says)
		require.Contains(t, string(out), "npm install --prefix .tools/azurite azurite@")
	}
}
