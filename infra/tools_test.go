package infra_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// entryPoints are the files that are deployed; the others are compiled as their modules.
var entryPoints = []string{"main.bicep", "access/managementgroup.bicep", "access/graph.bicep"}

// TestBicepCompiles runs Microsoft's compiler where it is installed.
func TestBicepCompiles(t *testing.T) {
	bicep, err := exec.LookPath("bicep")
	if err != nil {
		t.Skip("the Bicep compiler is not installed: ", err)
	}
	for _, path := range entryPoints {
		for _, args := range [][]string{{"build", "--stdout", path}, {"lint", path}} {
			var messages strings.Builder
			cmd := exec.Command(bicep, args...)
			cmd.Stderr = &messages
			template, err := cmd.Output()
			require.NoError(t, err, "%v\n%s", args, messages.String())
			require.NotRegexp(t, `: (Warning|Error) `, messages.String(), "%v", args)
			if args[0] == "lint" {
				require.NotRegexp(t, `: (Warning|Error) `, string(template), "%v", args)
			}
			t.Log("ran bicep ", args)
		}
	}
}

// TestBicepIsSoundWithoutCompiler runs a checker of syntax, resource types, symbols
// and modules that some workplaces keep beside the project. Its program is copied to
// .tools, where npm installs what it needs; its type data stay where they are.
func TestBicepIsSoundWithoutCompiler(t *testing.T) {
	checker, err := filepath.Abs("../../shared/tools/bicepcheck")
	require.NoError(t, err)
	if _, err := os.Stat(checker); err != nil {
		t.Skip("no bicepcheck beside the project: ", err)
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("bicepcheck needs node: ", err)
		}
	}
	tool, err := filepath.Abs("../.tools/bicepcheck")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(tool, 0o755))
	for _, name := range []string{"package.json", "bicepcheck.mjs"} {
		require.NoError(t, os.WriteFile(filepath.Join(tool, name), []byte(read(t, filepath.Join(checker, name))), 0o644))
	}
	if _, err := os.Stat(filepath.Join(tool, "node_modules", "web-tree-sitter")); err != nil {
		install := exec.Command("npm", "install", "--legacy-peer-deps", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
		install.Dir = tool
		if out, err := install.CombinedOutput(); err != nil {
			t.Skipf("npm cannot install what bicepcheck needs: %v\n%s", err, out)
		}
	}
	out, err := exec.Command("node", filepath.Join(tool, "bicepcheck.mjs"), "--types", filepath.Join(checker, "types-subset.json"), ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), " warning ")
	t.Logf("ran bicepcheck: %s", out)
}
