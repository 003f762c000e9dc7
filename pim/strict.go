package pim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// DecodeStrict reads one JSON value into v and refuses what [json.Unmarshal] lets
// pass: fields that v does not have, a field given twice (two readers could each
// believe another one), nesting deeper than ten, anything behind the value. Its
// error has CodeInvalid and names the field where it can.
func DecodeStrict(b []byte, v any) error {
	if err := walk(json.NewDecoder(bytes.NewReader(b))); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		return nil
	}
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid(t.Field, "%s is a %s, which it cannot be", t.Field, t.Value)
	}
	// The standard library has no type for an unknown field.
	if name, ok := strings.CutPrefix(err.Error(), `json: unknown field "`); ok {
		name = strings.TrimSuffix(name, `"`)
		return invalid(clip(name), "field %q is unknown", clip(name))
	}
	return invalid("", "the body is not JSON")
}

// walk reads one JSON value to its end and refuses a key that comes twice in one
// object, whatever its letter case, since decoding ignores case. It takes letters
// that are not ASCII for ASCII ones where Unicode does, such as the long s, and no
// field of ours is written with any: such a key is unknown.
func walk(dec *json.Decoder) error {
	const deepest = 10
	type frame struct {
		keys map[string]bool // nil in an array
		key  bool            // the next token of an object is a key
	}
	var stack []frame
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) && len(stack) == 0 {
			return nil
		}
		if err != nil {
			return invalid("", "the body is not JSON")
		}
		top := len(stack) - 1
		if d, ok := tok.(json.Delim); ok && (d == '}' || d == ']') {
			stack = stack[:top]
			top--
		} else if top >= 0 && stack[top].key {
			name := tok.(string)
			if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
				return invalid(clip(name), "field %q is unknown", clip(name))
			}
			if stack[top].keys[strings.ToLower(name)] {
				return invalid(clip(name), "field %q comes twice", clip(name))
			}
			stack[top].keys[strings.ToLower(name)] = true
			stack[top].key = false
			continue
		} else if ok {
			if len(stack) == deepest {
				return invalid("", "the body nests deeper than %d", deepest)
			}
			f := frame{}
			if d == '{' {
				f = frame{keys: map[string]bool{}, key: true}
			}
			stack = append(stack, f)
			continue
		}
		if top >= 0 && stack[top].keys != nil {
			stack[top].key = true
		}
		if top < 0 {
			if _, err := dec.Token(); !errors.Is(err, io.EOF) {
				return invalid("", "something follows the JSON value")
			}
			return nil
		}
	}
}
