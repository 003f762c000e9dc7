package pim

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// Waiver is something that PIM's own settings ask of a person who activates a role,
// and that a rule in as many words does without when the app activates it for them:
// because a change board approved the ticket, say. The decision names the waivers of
// its rule, and so does the audit log.
type Waiver string

const (
	WaiveMFA      Waiver = "mfa"                   // a second factor, which no ticket system can show
	WaiveContext  Waiver = "authenticationContext" // likewise
	WaiveApproval Waiver = "approval"              // of PIM's own approvers
)

// waivers reads what a rule does without.
func (p *ruleParser) waivers(n *yaml.Node) []Waiver {
	known := []Waiver{WaiveMFA, WaiveContext, WaiveApproval}
	var out []Waiver
	for _, s := range p.texts(n, func(item *yaml.Node, s string) string {
		if !slices.Contains(known, Waiver(s)) {
			p.fail(item, "%q cannot be waived: write mfa, authenticationContext or approval", clip(s))
		}
		return s
	}) {
		out = append(out, Waiver(s))
	}
	return out
}

// waived reports whether the rule does without w.
func (r *rule) waived(w Waiver) bool { return slices.Contains(r.waives, w) }
