package pim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
		if err = errors.Join(p.errs...); err == nil {
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

// ruleParser reads a tree of YAML nodes and gathers what is wrong with it.
type ruleParser struct {
	rule                string // the one being read, for messages
	keyNames, ruleNames map[string]bool
	errs                []error
}

func (p *ruleParser) fail(n *yaml.Node, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if p.rule != "" {
		what = p.rule + ": " + what
	}
	p.errs = append(p.errs, fmt.Errorf("line %d: %s", n.Line, what))
}

var kindNames = map[yaml.Kind]string{yaml.MappingNode: "a mapping of keys to values", yaml.SequenceNode: "a list", yaml.ScalarNode: "a single value"}

// is reports whether n is there and of the wanted kind, and fails for what is there
// and is not. Anchors and aliases are refused: a rule is read where it stands.
func (p *ruleParser) is(n *yaml.Node, want yaml.Kind) bool {
	switch {
	case n == nil:
		return false
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		p.fail(n, "anchors and aliases are not taken: write the value out")
	case n.ShortTag() == "!!null":
		p.fail(n, "the value is empty: write one, or leave the key out")
	case n.Kind != want || n.Style&yaml.TaggedStyle != 0:
		p.fail(n, "this must be %s", kindNames[want])
	default:
		return true
	}
	return false
}

// fields reads a mapping whose keys are all known and come once.
func (p *ruleParser) fields(n *yaml.Node, known ...string) map[string]*yaml.Node {
	f := map[string]*yaml.Node{}
	if !p.is(n, yaml.MappingNode) {
		return f
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case !p.is(k, yaml.ScalarNode):
		case !slices.Contains(known, k.Value):
			p.fail(k, "unknown key %q: known here are %s", clip(k.Value), strings.Join(known, ", "))
		case f[k.Value] != nil:
			p.fail(k, "key %q comes twice", k.Value)
		default:
			f[k.Value] = v
		}
	}
	return f
}

// items reads a list that may be empty, list one that may not.
func (p *ruleParser) items(n *yaml.Node) []*yaml.Node {
	if !p.is(n, yaml.SequenceNode) {
		return nil
	}
	return n.Content
}

func (p *ruleParser) list(n *yaml.Node) []*yaml.Node {
	l := p.items(n)
	if n != nil && n.Kind == yaml.SequenceNode && len(l) == 0 {
		p.fail(n, "the list is empty: write a value, or leave the key out")
	}
	return l
}

// text reads a string. Something else that YAML sees in it, such as a number, is
// refused, as JSON would.
func (p *ruleParser) text(n *yaml.Node) string {
	if !p.is(n, yaml.ScalarNode) {
		return ""
	}
	if n.ShortTag() != "!!str" {
		p.fail(n, "%q must be text: write it in quotes", clip(n.Value))
		return ""
	}
	if n.Value == "" || strings.ContainsFunc(n.Value, unprintable) {
		p.fail(n, "text must not be empty or hold control characters")
		return ""
	}
	return n.Value
}

// texts reads a list of strings, each by way of read, which fails where it must.
func (p *ruleParser) texts(n *yaml.Node, read func(*yaml.Node, string) string) []string {
	var out []string
	for _, item := range p.list(n) {
		s := p.text(item)
		if s == "" {
			continue
		}
		if s = read(item, s); slices.Contains(out, s) {
			p.fail(item, "%q comes twice", clip(s))
			continue
		}
		out = append(out, s)
	}
	return out
}

func (p *ruleParser) boolean(n *yaml.Node, otherwise bool) bool {
	if !p.is(n, yaml.ScalarNode) {
		return otherwise
	}
	switch {
	case n.ShortTag() == "!!bool" && n.Value == "true":
		return true
	case n.ShortTag() == "!!bool" && n.Value == "false":
		return false
	}
	p.fail(n, "%q is neither true nor false", clip(n.Value))
	return otherwise
}

// flag reads a key that is only ever written to say yes.
func (p *ruleParser) flag(n *yaml.Node) bool {
	if n == nil || p.boolean(n, true) {
		return n != nil
	}
	p.fail(n, "write true, or leave the key out")
	return false
}
