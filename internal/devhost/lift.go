package devhost

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// metadata is an envelope's Metadata. Names are found in any letter case and
// keep the first spelling.
type metadata struct{ values map[string]any }

func (m metadata) set(name string, value any) {
	for known := range m.values {
		if strings.EqualFold(known, name) {
			name = known
			break
		}
	}
	m.values[name] = value
}

// text sets a text serialised twice.
func (m metadata) text(name, value string) {
	if value, err := twice(value); err == nil { // a string always serialises
		m.set(name, value)
	}
}

func (m metadata) optional(name string, value *string) {
	if value != nil {
		m.text(name, *value)
	}
}

// time sets <event><kind>Utc and <event><kind>, which are plain.
func (m metadata) time(event, kind string, t time.Time) {
	t = t.UTC()
	m.set(event+kind+"Utc", t.Format("2006-01-02T15:04:05"))
	m.set(event+kind, t.Format("2006-01-02T15:04:05-07:00"))
}

// twice is text as JSON, to be encoded once more with what it is put into.
func twice(text string) (string, error) {
	once, err := plainJSON(text)
	return string(once), err
}

// lift lays the top-level members of a JSON object over m. Other texts have
// none, and lists among the members are left out.
func (m metadata) lift(text string) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var members map[string]any
	if dec.Decode(&members) != nil || members == nil {
		return // not an object: nothing to lift
	}
	if _, err := dec.Token(); err != io.EOF {
		return
	}
	for name, value := range members {
		switch v := value.(type) {
		case []any:
		case map[string]any:
			m.set(name, v)
		default:
			m.text(name, dotNetString(v))
		}
	}
}

// dotNetString is what .NET's ToString makes of a value that Newtonsoft.Json
// has read.
func dotNetString(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case json.Number:
		return dotNetNumber(v)
	case string:
		return dotNetDate(v)
	}
	return fmt.Sprint(value)
}

func dotNetNumber(n json.Number) string {
	if !strings.ContainsAny(n.String(), ".eE") {
		return n.String()
	}
	f, err := n.Float64()
	if abs := math.Abs(f); err != nil || abs == 0 || 1e-4 <= abs && abs < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'E', -1, 64)
}

// dotNetDate rewrites a text that Newtonsoft.Json takes for a date.
func dotNetDate(text string) string {
	if len(text) < 19 || len(text) > 40 || text[10] != 'T' {
		return text
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Format("01/02/2006 15:04:05")
		}
	}
	return text
}
