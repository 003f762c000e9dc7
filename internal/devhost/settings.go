package devhost

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// settings are the app settings over the host's own environment. They are
// looked up as .NET configuration does: in any letter case, "__" being ":".
type settings struct {
	values  map[string]string
	environ []string
}

func newSettings(environ []string, app map[string]string) settings {
	s := settings{values: map[string]string{}}
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if _, over := app[name]; !ok || over {
			continue
		}
		s.values[settingKey(name)] = value
		s.environ = append(s.environ, pair)
	}
	for name, value := range app {
		s.values[settingKey(name)] = value
		s.environ = append(s.environ, name+"="+value)
	}
	return s
}

func settingKey(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "__", ":"))
}

func (s settings) lookup(name string) (string, bool) {
	value, ok := s.values[settingKey(name)]
	return value, ok
}

// under returns the settings below prefix, keyed by the rest of their names.
func (s settings) under(prefix string) map[string]string {
	found := map[string]string{}
	for key, value := range s.values {
		if rest, ok := strings.CutPrefix(key, settingKey(prefix)); ok {
			found[rest] = value
		}
	}
	return found
}

// truth reports whether the setting is "true" or "1".
func (s settings) truth(name string) bool {
	value, _ := s.lookup(name)
	return strings.EqualFold(value, "true") || value == "1"
}

var settingReference = regexp.MustCompile(`%([^%]+)%`)

// resolve replaces every %NAME% in text by that setting.
func (s settings) resolve(text string) (string, error) {
	var err error
	resolved := settingReference.ReplaceAllStringFunc(text, func(ref string) string {
		value, ok := s.lookup(strings.Trim(ref, "%"))
		if !ok && err == nil {
			err = hostSays("'" + ref + "' does not resolve to a value.")
		}
		return value
	})
	return resolved, err
}

// expand is resolve for text in which an unknown name stays as it is written.
func (s settings) expand(text string) string {
	return settingReference.ReplaceAllStringFunc(text, func(ref string) string {
		if value, ok := s.lookup(strings.Trim(ref, "%")); ok {
			return value
		}
		return ref
	})
}

// LoadSettings reads the Values of a local.settings.json.
func LoadSettings(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("devhost: settings: %w", err)
	}
	var file struct {
		IsEncrypted bool
		Values      map[string]string
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("devhost: settings %s: %w", path, err)
	}
	if file.IsEncrypted {
		return nil, fmt.Errorf("devhost: settings %s: encrypted values cannot be read", path)
	}
	return file.Values, nil
}
