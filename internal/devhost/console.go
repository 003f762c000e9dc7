package devhost

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
)

// console turns the handler's output into log records, one for each line.
type console struct {
	log    *slog.Logger
	stderr bool
	rest   []byte // of a line without its end
}

// systemLine marks a line that is not for the user's log.
const systemLine = "LanguageWorkerConsoleLog"

func (c *console) Write(p []byte) (int, error) {
	c.rest = append(c.rest, p...)
	for {
		end := bytes.IndexByte(c.rest, '\n')
		if end < 0 {
			return len(p), nil
		}
		c.line(strings.TrimSuffix(string(c.rest[:end]), "\r"))
		c.rest = c.rest[end+1:]
	}
}

// line logs as the host does: stdout is information whatever it says, stderr
// an error unless it says "warn".
func (c *console) line(text string) {
	level, category := slog.LevelInfo, "Host.Function.Console"
	if c.stderr {
		level = slog.LevelError
		if strings.Contains(strings.ToLower(text), "warn") {
			level = slog.LevelWarn
		}
	}
	if own, ok := strings.CutPrefix(text, systemLine); ok {
		text, category = own, "Worker.HttpWorkerProcess"
	}
	c.log.Log(context.Background(), level, text, "category", category)
}
