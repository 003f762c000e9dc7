package handler

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Envelope is what the host posts for a queue or timer function.
type Envelope struct {
	Data     map[string]json.RawMessage // by binding name
	Metadata Metadata
}

// Metadata is what the host says about an invocation: each value's text, freed
// of the JSON strings that the host wraps it in. A number is "4", an object is
// its JSON text, null is "".
//
// NEVER TRUST IT. Where a message's body is a JSON object and its function.json
// lacks "dataType": "binary", the host lifts the body's members into Metadata,
// over MessageId, DeliveryCount, ApplicationProperties and the rest: the sender
// writes here what he likes (recorded: servicebus-body-keys-collide). And what
// is not forged was still chosen by the sender. It is good for logs and for
// pacing; nothing may decide by it who asks or what is allowed.
type Metadata map[string]string

// UnmarshalJSON accepts values in every wrapping: the host serialises most of
// them twice ("\"abc\"", "4"), but times and objects once.
func (m *Metadata) UnmarshalJSON(b []byte) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(b, &values); err != nil {
		return err
	}
	if values == nil {
		return nil // null, which by custom changes nothing
	}
	*m = make(Metadata, len(values))
	for name, v := range values {
		(*m)[name] = unwrap(v)
	}
	return nil
}

// unwrap decodes v until no JSON string is left. What remains is text, even of an
// object with bytes in it that are none, which encoding/json overlooks.
func unwrap(v json.RawMessage) string {
	if string(v) == "null" {
		return ""
	}
	for len(v) > 0 && v[0] == '"' {
		var s string
		if json.Unmarshal(v, &s) != nil {
			break // text that happens to begin with a quote
		}
		v = json.RawMessage(s)
	}
	return strings.ToValidUTF8(string(v), "\ufffd")
}

func readEnvelope(r io.Reader) (Envelope, error) {
	var e Envelope
	b, err := io.ReadAll(r)
	if err != nil {
		return e, fmt.Errorf("reading invocation: %w", err)
	}
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("decoding envelope: %w", err)
	}
	return e, nil
}

// trigger returns the value of the trigger binding. Our functions have no other
// input, so it is the only one; which of several it would be is not told.
func (e Envelope) trigger() (json.RawMessage, error) {
	if len(e.Data) != 1 {
		return nil, fmt.Errorf("envelope has %d input bindings, want 1", len(e.Data))
	}
	return slices.Collect(maps.Values(e.Data))[0], nil
}
