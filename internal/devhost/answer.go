package devhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
)

// errNoAnswer is a success without content. The host then waits for ever: the
// invocation never ends.
var errNoAnswer = errors.New("an empty answer never completes an invocation")

// envelope reads the answer to an envelope: {"Outputs":…,"Logs":[…],"ReturnValue":…},
// of which anything may be missing. Outputs go nowhere, as devhost knows no
// output bindings.
func (a *wireAnswer) envelope() (logs []string, err error) {
	if a.status < 200 || a.status > 299 {
		return nil, fmt.Errorf("the answer has status %d", a.status)
	}
	if len(a.body) == 0 || string(bytes.TrimSpace(a.body)) == "null" {
		return nil, errNoAnswer
	}
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if kind != "application/json" && kind != "text/json" {
		return nil, fmt.Errorf("the answer has content type %q, not application/json", kind)
	}
	var answer struct {
		Outputs     map[string]any
		Logs        []any
		ReturnValue any
	}
	if err := json.Unmarshal(a.body, &answer); err != nil {
		return nil, fmt.Errorf("the answer is no envelope: %w", err)
	}
	for _, line := range answer.Logs {
		switch line.(type) {
		case map[string]any, []any:
			return nil, errors.New("the answer is no envelope: Logs must be strings")
		}
		logs = append(logs, fmt.Sprint(line))
	}
	return logs, nil
}
