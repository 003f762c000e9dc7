package handler_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/azurepim/azure-pim/handler"
	"github.com/stretchr/testify/require"
)

func TestErrorsGoToStderrAndAllElseToStdout(t *testing.T) {
	c := newConsole()
	c.Debug("no")
	c.Info("a")
	c.Warn("b")
	c.Error("c")
	c.With("k", "v").WithGroup("g").Error("d", "x", 1)
	out, errs := c.out.records(t), c.err.records(t)
	require.Len(t, out, 2)
	require.Equal(t, "WARN", out[1]["level"])
	require.Len(t, errs, 2)
	require.Equal(t, "v", errs[1]["k"])
	require.Equal(t, map[string]any{"x": 1.0}, errs[1]["g"])
}

func TestNoTextCanBreakOrReorderALine(t *testing.T) {
	var evil strings.Builder
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			evil.WriteRune(r)
		}
	}
	text := "a" + evil.String() + "é\U0001F600\"}\\"
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError} {
		c := newConsole()
		c.Log(t.Context(), level, text, text, text)
		b := &c.out
		if level == slog.LevelError {
			b = &c.err
		}
		line := strings.TrimSuffix(b.String(), "\n")
		for _, r := range line {
			require.True(t, unicode.IsGraphic(r), "%U", r)
		}
		require.Contains(t, line, "é\U0001F600")
		require.Equal(t, text, b.records(t)[0]["msg"], "nothing is lost")
		require.Equal(t, text, b.records(t)[0][text])
	}
}

func TestNobodyCanTurnAnErrorIntoAWarning(t *testing.T) {
	c := newConsole()
	const text = `no \warning, WaRn "warn"`
	c.Error(text, "justification", text)
	require.NotContains(t, strings.ToLower(c.err.String()), "warn")
	require.Equal(t, text, c.err.records(t)[0]["msg"])
}

func TestOneFileForBothHoldsWholeLines(t *testing.T) {
	var b bytes.Buffer
	log := handler.NewLogger(&b, &b)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				log.Info("a")
				log.Error("b")
			}
		})
	}
	wg.Wait()
	require.Equal(t, 800, strings.Count(b.String(), "\n"))
	var locked lockedBuffer
	_, _ = locked.Write(b.Bytes())
	require.Len(t, locked.records(t), 800)
}
