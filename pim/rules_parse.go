package pim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// maxRules bounds the text of rules, in bytes: some two thousand rules.
const maxRules = 1 << 20

// ParseRules reads rules from YAML or JSON. It takes nothing that it does not
// understand, since a condition that is misspelt must not be one that is missing.
// Its error has CodeInvalid and lists every mistake with its line and rule.
func ParseRules(b []byte) (*Rules, error) {
	root, err := rulesTree(b)
	if err == nil {
		p := ruleParser{keyNames: map[string]bool{}, ruleNames: map[string]bool{}}
		r := p.rules(root)
		if err = p.err(); err == nil {
			r.hash, err = canonicalHash(root)
		}
		if err == nil {
			return r, nil
		}
	}
	return nil, &Error{Op: "ParseRules", Code: CodeInvalid, Field: "rules", Err: err}
}

func rulesTree(b []byte) (*yaml.Node, error) {
	if len(b) > maxRules {
		return nil, fmt.Errorf("the rules are longer than %d bytes", maxRules)
	}
	// JSON may be indented with tabs, which YAML does not take. A JSON string holds
	// none, so this changes no value.
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		b = bytes.ReplaceAll(b, []byte("\t"), []byte(" "))
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the rules are empty: write at least version: 1 and rules: []")
	case err != nil:
		return nil, err
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, errors.New("the rules are more than one document")
	}
	return doc.Content[0], nil
}

// canonicalHash is of the parsed tree, so that only what the rules say counts.
func canonicalHash(n *yaml.Node) (string, error) {
	var plain func(n *yaml.Node) any
	plain = func(n *yaml.Node) any {
		switch n.Kind {
		case yaml.MappingNode:
			m := make(map[string]any, len(n.Content)/2)
			for i := 0; i+1 < len(n.Content); i += 2 {
				m[n.Content[i].Value] = plain(n.Content[i+1])
			}
			return m
		case yaml.SequenceNode:
			s := make([]any, 0, len(n.Content))
			for _, c := range n.Content {
				s = append(s, plain(c))
			}
			return s
		}
		return n.ShortTag() + n.Value
	}
	b, err := json.Marshal(plain(n))
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}
