package azurepim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/azurepim/azure-pim/"

// arrows are the only allowed imports between our packages, tests apart. What is not
// here imports nothing of ours.
var arrows = map[string][]string{
	"pim":                 {"internal/crew"},
	"functions":           {"handler", "pim", "pim/sweep", "internal/crew"},
	"pim/ledger":          {"pim"},
	"pim/sweep":           {"pim", "internal/crew"},
	"pim/simulation":      {"pim", "pim/ledger", "pim/simtenant"}, // of tests alone
	"internal/config":     {"pim"},
	"internal/entra":      {"pim"},
	"internal/auditlog":   {"pim"},
	"internal/sweepstore": {"pim", "pim/sweep"},
	"cmd/handler":         {"functions", "handler", "pim", "pim/ledger", "pim/sweep", "internal/auditlog", "internal/bus", "internal/config", "internal/entra", "internal/sweepstore", "internal/vault"},
	"cmd/pim":             {"pim", "pim/ledger", "pim/sweep", "internal/auditlog", "internal/config"},
	"cmd/devhost":         {"internal/amqpbroker", "internal/devhost", "pim/simtenant"},
}

type goPackage struct {
	ImportPath   string
	Imports      []string
	Deps         []string
	TestImports  []string
	XTestImports []string
}

func packages(t *testing.T, args ...string) []goPackage {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json"}, args...)...).Output()
	require.NoError(t, err)
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else {
			require.NoError(t, err)
		}
		all = append(all, p)
	}
}

func TestPackagesPointTheWayTheyMay(t *testing.T) {
	for _, p := range packages(t, "./...") {
		from := strings.TrimPrefix(p.ImportPath, module)
		for _, to := range p.Imports {
			if to, ours := strings.CutPrefix(to, module); ours {
				require.Contains(t, arrows[from], to, "%s must not import %s", from, to)
			}
		}
	}
}

// The core asks no server, no environment and no queue.
func TestCoreStandsAlone(t *testing.T) {
	for _, p := range packages(t, "./pim") {
		for _, i := range p.Imports {
			require.NotContains(t, []string{"os", "net", "net/http/httptest", "flag", "os/exec"}, i)
			require.NotContains(t, i, "azservicebus")
			require.NotContains(t, i, "azidentity")
		}
	}
}

// What is deployed holds nothing that pretends to be Azure.
func TestProductionLinksNoSimulation(t *testing.T) {
	for _, p := range packages(t, "./cmd/handler", "./cmd/pim") {
		for _, d := range p.Deps {
			for _, not := range []string{"simtenant", "simulation", "amqpbroker", "devhost", "azurite", "testify"} {
				require.NotContains(t, d, not, p.ImportPath)
			}
		}
	}
}

// Only the settings package and the mains read the environment.
func TestOneReaderOfTheEnvironment(t *testing.T) {
	reads := regexp.MustCompile(`os\.(Getenv|LookupEnv|Environ)\b`)
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "dist") {
			return filepath.SkipDir
		}
		production := strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go")
		if !production || slices.ContainsFunc([]string{"cmd/", "internal/devhost/", "internal/azurite/", "internal/config/"}, func(at string) bool { return strings.HasPrefix(path, at) }) {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		require.NotRegexp(t, reads, string(b), path)
		return nil
	})
	require.NoError(t, err)
}

// Every dependency is named with its reason, and none that is not there.
func TestDependenciesAreAccountedFor(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	page, err := os.ReadFile("docs/dependencies.md")
	require.NoError(t, err)
	var direct []string
	for _, line := range strings.Split(string(mod), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), "require "), "tool "))
		if strings.HasPrefix(line, "github.com/azurepim") || strings.Contains(line, "// indirect") {
			continue
		}
		if f := strings.Fields(line); len(f) == 2 && strings.Contains(f[0], ".") && strings.HasPrefix(f[1], "v") {
			direct = append(direct, f[0])
		}
	}
	require.NotEmpty(t, direct)
	var named []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		named = append(named, m[1])
	}
	require.ElementsMatch(t, direct, named)
}

// Links of the manual lead somewhere.
func TestManualLinksLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, "README.md") {
		b, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(b), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), m[1]))
			require.NoError(t, err, "%s links %s", page, m[1])
		}
	}
}
