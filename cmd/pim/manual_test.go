package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// TestManualSaysWhatHappens runs the examples of docs/cli.md from top to bottom.
func TestManualSaysWhatHappens(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Files: []string{manual(t, "")},
		Setup: func(env *testscript.Env) error {
			env.Setenv("WHO", olga)
			return newWorld(env).signIns(env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"console": console},
	})
}

// fence is a block of the manual: its kind, a file's name or a mark, and its text.
var fence = regexp.MustCompile("(?ms)^```(\\w+)(?: (\\S+))?\n(.*?)^```$")

// manual turns docs/cli.md into a script: its files, and its console blocks of one
// mark in their order.
func manual(t *testing.T, mark string) string {
	t.Helper()
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("the examples need a shell and jq")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	require.NoError(t, err)
	var script, files strings.Builder
	for i, b := range fence.FindAllStringSubmatch(string(text), -1) {
		switch kind, name, body := b[1], b[2], b[3]; {
		case kind == "console" && name == mark:
			fmt.Fprintf(&script, "console block-%d\n", i)
			fmt.Fprintf(&files, "-- block-%d --\n%s", i, body)
		case kind != "console" && name != "":
			fmt.Fprintf(&files, "-- %s --\n%s", name, body)
		}
	}
	require.NotEmpty(t, script.String())
	path := filepath.Join(t.TempDir(), "manual.txtar")
	require.NoError(t, os.WriteFile(path, []byte(script.String()+files.String()), 0o600))
	return path
}

// console runs the commands of a block in one folder and holds what each prints to
// what the block shows. Where the block has … there may be anything.
func console(ts *testscript.TestScript, _ bool, args []string) {
	code := "0"
	for part := range strings.SplitSeq("\n"+ts.ReadFile(args[0]), "\n$ ") {
		command, want, _ := strings.Cut(strings.TrimLeft(part, "\n"), "\n")
		if command == "" {
			continue
		}
		// Each command finds the exit code of the one before, as in a terminal.
		err := ts.Exec("sh", "-c", "(exit "+code+"); "+command)
		code = "0"
		if ended, ok := errors.AsType[*exec.ExitError](err); ok {
			code = strconv.Itoa(ended.ExitCode())
		} else {
			ts.Check(err)
		}
		printed := strings.TrimRight(ts.ReadFile("stdout")+ts.ReadFile("stderr"), "\n")
		want = strings.TrimRight(want, "\n")
		pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", "(?s:.*)")
		if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(printed) {
			ts.Fatalf("$ %s\nprints\n%s\nand not\n%s", command, printed, want)
		}
	}
}
