// Package ledger keeps the journal of changes: in Azure Table Storage, so that any
// process can go on where another one died, or in memory for a run on one machine.
// Both are a [pim.Ledger], and one suite of tests holds them to the same answers.
package ledger

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/azurepim/azure-pim/pim"
)

// maxChange is the most bytes of JSON that a change may take: fifteen properties of
// maxPart bytes, which count double in UTF-16, leave 64 KiB of an entity's 1 MiB to
// the rest of it.
// Memory has the same bound, so that what runs locally runs in Azure.
const maxChange = 15 * maxPart

// encode writes c as the ledger keeps it. It fails for a change that is too large,
// that has no id to be found by, or that could not be read back: a journal that
// cannot be read must be known before the effect, not after it.
func encode(c pim.Change) ([]byte, error) {
	if !isID(c.ID()) {
		return nil, &pim.Error{Code: pim.CodeInvalid, Field: "id", Detail: "the change has no id under which it can be kept"}
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil, &pim.Error{Code: pim.CodeInternal, Detail: "the change cannot be written", Err: err}
	}
	b = ascii(b)
	if len(b) > maxChange {
		return nil, &pim.Error{Code: pim.CodeRejected, Detail: fmt.Sprintf("the change takes %d bytes, and the ledger takes %d", len(b), maxChange)}
	}
	if _, err := decode(c.ID(), b, ""); err != nil {
		return nil, err
	}
	return b, nil
}

// ascii is the JSON text b with every character beyond ASCII as an escape. A byte is
// then a character, wherever the service counts in characters, and one that no cut
// can tear in two.
func ascii(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		switch {
		case r < utf8.RuneSelf:
			out = append(out, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// decode reads what encode wrote.
func decode(id string, b []byte, version string) (pim.Change, error) {
	var c pim.Change
	err := json.Unmarshal(b, &c)
	if err == nil && c.ID() != id {
		err = fmt.Errorf("its id reads %q", c.ID())
	}
	if err != nil {
		// The id says which entry it is, and that the error is about it alone.
		return pim.Change{Request: pim.Request{ID: id}}, &pim.Error{Code: pim.CodeInternal, Detail: "the ledger's entry " + id + " cannot be read", Err: err}
	}
	c.Version = version
	return c, nil
}

// isID reports whether s can be the id of a change that is kept. Anything else was
// never saved, and need not be looked for.
func isID(s string) bool {
	return s != "" && len(s) <= 100 && idPrefix(s) == s
}

// idPrefix is the part of s before the first character that no id has.
func idPrefix(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._:-", r)
	})
	if end < 0 {
		return s
	}
	return s[:end]
}

// spent reports whether nothing needs c any more: it ended, all of it was told, and
// both it and the access that it left behind belong to the time before.
func spent(c pim.Change, before time.Time) bool {
	stands := c.Result != nil && c.Result.Until != nil && !c.Result.Until.Before(before)
	return c.Ended() && len(c.Outbox) == 0 && c.Updated.Before(before) && !stands
}

// ended are the states of a change that may be spent.
func ended() []pim.State { return []pim.State{pim.Done, pim.Refused, pim.Failed} }

// named puts the operation's name on err, once.
func named(op string, err error) error {
	if err == nil {
		return nil
	}
	e, ok := err.(*pim.Error)
	if !ok {
		return &pim.Error{Op: op, Code: pim.CodeInternal, Err: err}
	}
	e.Op = op
	return e
}

func notFound(id string) error {
	return &pim.Error{Code: pim.CodeNotFound, Detail: fmt.Sprintf("there is no change %.100q", id)}
}

func conflict(id string) error {
	return &pim.Error{Code: pim.CodeConflict, Detail: "the ledger holds another version of the change " + id}
}
