package pim

import (
	"regexp"

	"go.yaml.in/yaml/v3"
)

// ticketForm is how a ticket must look.
type ticketForm struct {
	required bool
	number   *regexp.Regexp // nil: any
	systems  []string       // empty: any
}

func (p *ruleParser) ticket(n *yaml.Node) *ticketForm {
	f := p.fields(n, "required", "pattern", "systems")
	t := &ticketForm{
		required: p.boolean(f["required"], true),
		systems:  p.texts(f["systems"], func(_ *yaml.Node, s string) string { return s }),
	}
	if s := p.text(f["pattern"]); s != "" {
		// Compiled alone first: `a)|(b` would slip out of the anchors around it.
		if _, err := regexp.Compile(s); err != nil || len(s) > 500 {
			p.fail(f["pattern"], "pattern %q is not a regular expression (RE2) of at most 500 characters", clip(s))
			return t
		}
		t.number = regexp.MustCompile(`\A(?:` + s + `)\z`)
	}
	return t
}
