package auditlog_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/azurepim/azure-pim/internal/auditlog"
)

// written is a file of five records as Azurite keeps it, and its name.
func written(t *testing.T) (content []byte, name string) {
	t.Helper()
	l := newLog(t)
	sink := l.sink("app", nil)
	for i := range 5 {
		require.NoError(t, sink.Write(t.Context(), record(i)))
	}
	name = "2026/11/22/app.jsonl"
	return l.files()[name], name
}

func TestWhateverIsDoneToAFileIsFound(t *testing.T) {
	content, name := written(t)
	n, err := auditlog.Verify(bytes.NewReader(content), name)
	require.NoError(t, err)
	require.Equal(t, 5, n)

	line := slices.Collect(bytes.Lines(content)) // line 1 is line[0]
	join := func(lines ...[]byte) []byte { return bytes.Join(lines, nil) }
	edit := func(i int, old, new string) []byte {
		out := slices.Clone(line)
		require.Contains(t, string(out[i]), old)
		out[i] = bytes.Replace(out[i], []byte(old), []byte(new), 1)
		return join(out...)
	}
	for _, r := range []struct {
		what    string
		content []byte
		name    string
		line    int // that the error names
	}{
		{"a record changed", edit(1, `"allowed":true`, `"allowed":false`), name, 3},
		{"one blank added to a record", edit(1, `"allowed":true`, `"allowed": true`), name, 3},
		{"the first record changed", edit(0, `CR0`, `CR9`), name, 2},
		{"a carriage return added", edit(2, "\n", "\r\n"), name, 4},
		{"prev changed", edit(3, `"prev":"`, `"prev":"0`), name, 4},
		{"seq changed", edit(3, `"seq":4`, `"seq":5`), name, 4},
		{"the first line removed", join(line[1:]...), name, 1},
		{"a line removed", join(line[0], line[2], line[3], line[4]), name, 2},
		{"a line removed and the next renumbered", join(line[0], bytes.Replace(line[2], []byte(`"seq":3`), []byte(`"seq":2`), 1)), name, 2},
		{"two lines swapped", join(line[0], line[2], line[1], line[3]), name, 2},
		{"a line repeated", join(line[0], line[1], line[1]), name, 3},
		{"a line added that is none", join(line[0], []byte("{}\n"), line[1]), name, 2},
		{"a blank line added", join(line[0], []byte("\n"), line[1]), name, 2},
		{"no text at all", []byte("\x00\x00\n"), name, 1},
		{"the end cut within a line", content[:len(content)-3], name, 5},
		{"the last line end cut", content[:len(content)-1], name, 5},
		{"a line longer than any", []byte(strings.Repeat(" ", 2<<20)), name, 1},
		{"the file of another day", content, "2026/11/23/app.jsonl", 1},
		{"the file of another instance", content, "2026/11/22/app-2.jsonl", 1},
	} {
		n, err := auditlog.Verify(bytes.NewReader(r.content), r.name)
		var broken *auditlog.BrokenError
		require.ErrorAs(t, err, &broken, r.what)
		require.Equal(t, r.line, broken.Line, "%s: %v", r.what, err)
		require.Equal(t, r.line-1, n, r.what)
		require.Contains(t, err.Error(), r.name)
	}
}

func TestLinesBehindTheLastAreTheContainersToKeep(t *testing.T) {
	content, name := written(t)
	line := slices.Collect(bytes.Lines(content))
	n, err := auditlog.Verify(bytes.NewReader(bytes.Join(line[:3], nil)), name)
	require.NoError(t, err)
	require.Equal(t, 3, n, "how many lines there were must be known from elsewhere")
}

func TestFileThatCannotBeReadIsNotCalledBroken(t *testing.T) {
	content, name := written(t)
	lost := errors.New("connection reset")
	n, err := auditlog.Verify(io.MultiReader(bytes.NewReader(content), iotest.ErrReader(lost)), name)
	require.ErrorIs(t, err, lost)
	require.Equal(t, 5, n)
}

func TestEmptyFileHoldsNoLines(t *testing.T) {
	n, err := auditlog.Verify(strings.NewReader(""), "2026/11/22/app.jsonl")
	require.NoError(t, err)
	require.Zero(t, n)
}
