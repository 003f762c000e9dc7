package e2e_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
)

// hostLog keeps the last lines of the hosts and their handlers, and shows them if the
// test fails.
type hostLog struct {
	mu    sync.Mutex
	lines []string
}

const linesKept = 400

func newHostLog(t *testing.T) *hostLog {
	l := &hostLog{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the hosts' last lines:\n" + strings.Join(l.last(), "\n"))
		}
	})
	return l
}

func (l *hostLog) logger() *slog.Logger { return slog.New(l) }

func (l *hostLog) last() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}

// errors are the lines that the host itself thinks of as errors.
func (l *hostLog) errors() []string {
	return slices.DeleteFunc(l.last(), func(line string) bool { return !strings.Contains(line, slog.LevelError.String()) })
}

// has reports whether one of the last lines says so.
func (l *hostLog) has(what string) bool {
	return slices.ContainsFunc(l.last(), func(line string) bool { return strings.Contains(line, what) })
}

func (l *hostLog) Enabled(context.Context, slog.Level) bool { return true }

func (l *hostLog) Handle(_ context.Context, r slog.Record) error {
	line := fmt.Sprintf("%s %s %s", r.Time.Format("05.000"), r.Level, r.Message[:min(len(r.Message), 400)])
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "error" {
			line += " " + a.String()
		}
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, line); len(l.lines) > 2*linesKept {
		l.lines = append([]string(nil), l.lines[linesKept:]...)
	}
	return nil
}

func (l *hostLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l *hostLog) WithGroup(string) slog.Handler      { return l }
