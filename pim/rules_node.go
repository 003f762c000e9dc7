package pim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ruleParser reads a tree of YAML nodes and gathers what is wrong with it.
type ruleParser struct {
	rule                string // the one being read, for messages
	keyNames, ruleNames map[string]bool
	problems            []problem
}

// problem is one mistake and where it is.
type problem struct {
	line int
	what string
}

// err lists the problems as a reader of the text meets them.
func (p *ruleParser) err() error {
	slices.SortStableFunc(p.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(p.problems))
	for i, m := range p.problems {
		errs[i] = fmt.Errorf("line %d: %s", m.line, m.what)
	}
	return errors.Join(errs...)
}

func (p *ruleParser) fail(n *yaml.Node, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if p.rule != "" {
		what = p.rule + ": " + what
	}
	p.problems = append(p.problems, problem{n.Line, what})
}

var kindNames = map[yaml.Kind]string{yaml.MappingNode: "a mapping of keys to values", yaml.SequenceNode: "a list", yaml.ScalarNode: "a single value"}

// expect reports whether n is there and of the wanted kind, and fails for what is there
// and is not. Anchors and aliases are refused: a rule is read where it stands.
func (p *ruleParser) expect(n *yaml.Node, want yaml.Kind) bool {
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
	if !p.expect(n, yaml.MappingNode) {
		return f
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case !p.expect(k, yaml.ScalarNode):
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
	if !p.expect(n, yaml.SequenceNode) {
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
	if !p.expect(n, yaml.ScalarNode) {
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
	if !p.expect(n, yaml.ScalarNode) {
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

func (p *ruleParser) duration(n *yaml.Node) Duration {
	s := p.text(n)
	if s == "" {
		return 0
	}
	d, err := ParseDuration(s)
	if err != nil {
		p.fail(n, "%s", detail(err))
	}
	return d
}

func (p *ruleParser) number(n *yaml.Node, least, most, otherwise int) int {
	if !p.expect(n, yaml.ScalarNode) {
		return otherwise
	}
	i, err := strconv.Atoi(n.Value)
	if n.ShortTag() != "!!int" || err != nil || i < least || i > most {
		p.fail(n, "%q is not a number from %d to %d", clip(n.Value), least, most)
		return otherwise
	}
	return i
}

func (p *ruleParser) guid(n *yaml.Node, s string) string {
	id, ok := parseGUID(s)
	if !ok {
		p.fail(n, "%q is not a GUID", clip(s))
	}
	return id
}
