package devhost

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// monitor keeps the status of timers, as the host does in its blob container.
type monitor struct {
	dir string // "": in memory
	mu  *sync.Mutex
	mem map[string][]byte
}

func newMonitor(dir string) monitor {
	return monitor{dir: dir, mu: &sync.Mutex{}, mem: map[string][]byte{}}
}

func (m monitor) load(name string) (s status, found bool, err error) {
	text, err := m.read(name)
	if errors.Is(err, os.ErrNotExist) {
		return s, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, false, fmt.Errorf("status of timer %s: %w", name, err)
	}
	return s, true, nil
}

func (m monitor) save(name string, s status) error {
	text, err := json.Marshal(s)
	if err == nil {
		err = m.write(name, text)
	}
	if err != nil {
		return fmt.Errorf("status of timer %s: %w", name, err)
	}
	return nil
}

func (m monitor) read(name string) ([]byte, error) {
	if m.dir != "" {
		return os.ReadFile(m.file(name))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if text, ok := m.mem[name]; ok {
		return text, nil
	}
	return nil, os.ErrNotExist
}

func (m monitor) write(name string, text []byte) error {
	if m.dir == "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.mem[name] = text
		return nil
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	// A half-written status would keep the timer from starting.
	half := m.file(name) + ".new"
	if err := os.WriteFile(half, text, 0o644); err != nil {
		return err
	}
	return os.Rename(half, m.file(name))
}

func (m monitor) file(name string) string { return filepath.Join(m.dir, name+".json") }

// stamp is a time as Newtonsoft.Json writes a DateTimeOffset in UTC; zero is
// year 1, .NET's default.
type stamp time.Time

const stampLayout = "2006-01-02T15:04:05.9999999-07:00"

func (s stamp) String() string { return time.Time(s).UTC().Format(stampLayout) }

func (s stamp) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *stamp) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	*s = stamp(t.UTC())
	return err
}
