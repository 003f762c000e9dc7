package handler

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"unicode/utf8"
)

// Message is one Service Bus message.
//
// Its function.json must say "dataType": "binary": only then does the host send
// the exact bytes, and only then are ID and DeliveryCount the broker's own and
// not the sender's (see [Metadata]). Other data types decode too, but the host
// has then read the bytes as UTF-8, with losses.
type Message[T any] struct {
	Body T      // zero if Malformed
	Raw  []byte // the body as it was sent
	// Malformed tells why Raw is not a T; else it is nil. Delivering the message
	// again cannot help, so the function records it and returns nil. Where it is
	// [ErrTooLarge], there is nothing else in the Message.
	Malformed error

	ID            string // chosen by the sender, "" if he did not; a hint
	DeliveryCount int    // 1 on first delivery, 0 if the host did not say; a hint
	Metadata      Metadata
}

// ErrTooLarge is what makes a message malformed that came in an envelope longer
// than [Options.MaxEnvelope]: nothing of it was kept, not even its id.
var ErrTooLarge = errors.New("the message is too large")

// readMessage fails only for what no sender can cause: a failed message comes
// again at once.
func readMessage[T any](body io.Reader) (Message[T], error) {
	e, err := readEnvelope(body)
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return Message[T]{Malformed: ErrTooLarge}, nil
	}
	if err != nil {
		return Message[T]{}, err
	}
	return decodeMessage[T](e)
}

func decodeMessage[T any](e Envelope) (Message[T], error) {
	m := Message[T]{ID: e.Metadata["MessageId"], Metadata: e.Metadata}
	if n, err := strconv.Atoi(e.Metadata["DeliveryCount"]); err == nil && n > 0 {
		m.DeliveryCount = n
	}
	v, err := e.trigger()
	if err != nil {
		return m, err
	}
	m.Raw = messageBytes(v)
	var b T
	if err := decodeStrict(m.Raw, &b); err != nil {
		m.Malformed = fmt.Errorf("message body: %w", err)
	} else {
		m.Body = b
	}
	return m, nil
}

// messageBytes returns a message's bytes from v. Binary data is base64 in a JSON string.
// Other data is JSON text in a JSON string: a message's text is a string
// ("\"hello\""), a batch is an array. JSON text of these kinds begins with a
// character that base64 does not have, so the two cannot be mistaken.
func messageBytes(v json.RawMessage) []byte {
	var s string
	if json.Unmarshal(v, &s) != nil {
		return v
	}
	if b, err := base64.StdEncoding.DecodeString(s); err == nil {
		return b
	}
	var text string
	if json.Unmarshal([]byte(s), &text) == nil {
		return []byte(text)
	}
	return []byte(s)
}

// decodeStrict decodes exactly one JSON value without unknown fields.
func decodeStrict(b []byte, into any) error {
	switch trimmed := bytes.TrimSpace(b); {
	case len(trimmed) == 0:
		return errors.New("it is empty")
	case string(trimmed) == "null": // would leave a zero T, a request nobody made
		return errors.New("it is null")
	case !utf8.Valid(b): // encoding/json would replace what is wrong
		return errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("it goes on after its end")
	}
	return nil
}
