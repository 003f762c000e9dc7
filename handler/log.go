package handler

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"unicode"
	"unicode/utf16"
)

// NewLogger returns a logger of one JSON object a line, errors to stderr and all
// else to stdout: the host takes lines of stderr for errors and lines of stdout
// for information. What is logged with an invocation's context names the
// function and the invocation.
//
// No text that is logged can break its line, or reorder or hide what is around
// it: control and format characters (line breaks, bidirectional overrides,
// zero-width ones) are escaped.
func NewLogger(stdout, stderr io.Writer) *slog.Logger {
	mu := new(sync.Mutex) // of both, which may be one file
	return slog.New(logHandler{
		out: slog.NewJSONHandler(&lines{mu: mu, w: stdout}, nil),
		err: slog.NewJSONHandler(&lines{mu: mu, w: stderr, hideWarn: true}, nil),
	})
}

type logHandler struct{ out, err slog.Handler }

func (h logHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.out.Enabled(ctx, l) }

func (h logHandler) Handle(ctx context.Context, rec slog.Record) error {
	if as := invocationOf(ctx).attrs(); as != nil {
		rec = rec.Clone()
		rec.AddAttrs(as...)
	}
	if rec.Level >= slog.LevelError {
		return h.err.Handle(ctx, rec)
	}
	return h.out.Handle(ctx, rec)
}

func (h logHandler) WithAttrs(as []slog.Attr) slog.Handler {
	return logHandler{h.out.WithAttrs(as), h.err.WithAttrs(as)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.out.WithGroup(name), h.err.WithGroup(name)}
}

// lines writes JSON lines and escapes in them what encoding/json leaves alone.
// All of it can stand in JSON only within a string, where \u says the same.
type lines struct {
	mu *sync.Mutex
	w  io.Writer
	// hideWarn writes every "warn" as "\u0077arn": the host makes a warning of a
	// line of stderr that holds the word, and a caller who can put it there would
	// keep an error from the alarms.
	hideWarn bool
}

func (l *lines) Write(p []byte) (int, error) {
	text := bytes.TrimSuffix(p, []byte("\n"))
	b := make([]byte, 0, len(p)+16)
	for i, r := range string(text) {
		switch {
		case l.hideWarn && len(text)-i >= 4 && bytes.EqualFold(text[i:i+4], []byte("warn")),
			unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			for _, u := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04x`, u)
			}
		default:
			b = append(b, string(r)...)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.w.Write(append(b, '\n')); err != nil {
		return 0, err
	}
	return len(p), nil
}
