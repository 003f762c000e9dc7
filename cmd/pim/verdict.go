package main

import (
	"strconv"
	"strings"

	"github.com/azurepim/azure-pim/pim"
)

// draw shows the verdict on r to people.
func (v verdict) draw(p *page, r pim.Request) {
	word := "undecided"
	if v.Decision != nil {
		word = outcome(*v.Decision)
	}
	p.row(word, sentence(r))
	p.row("principal", r.Principal)
	p.row("scope", r.Scope.String())
	if v.Decision == nil {
		p.row("problem", v.Problem.String())
		return
	}
	d := *v.Decision
	if d.Rule != "" {
		p.row("rule", d.Rule)
	}
	if d.Allowed {
		drawAllowed(p, d)
	}
	p.row("rules", d.RulesHash)
	if len(d.Reasons) == 0 {
		return
	}
	p.line("")
	p.row("REASON", "RULE", "WHY")
	for _, why := range d.Reasons {
		p.row(string(why.Code), why.Rule, why.Detail)
	}
}

func drawAllowed(p *page, d pim.Decision) {
	switch d.Mode {
	case pim.OnBehalf:
		p.row("mode", "onBehalf: the app's identity assigns the role")
	case pim.Self:
		p.row("mode", "self: the user's own token activates it")
	}
	if d.Make {
		p.row("eligible", "made if there is no eligibility yet")
	}
	if len(d.Waives) > 0 {
		p.row("waives", joined(d.Waives))
	}
	if d.Approval != nil {
		p.row("approval", "first, by a member of group "+d.Approval.Group+" within "+d.Approval.Within.String())
	}
}

// outcome says in a word how a decision went. Unproven is a refusal for no other
// reason than facts that could not be read.
func outcome(d pim.Decision) string {
	switch {
	case d.Allowed:
		return "allowed"
	case open(d):
		return "unproven"
	}
	return "refused"
}

// open reports whether nothing but missing facts stands against d.
func open(d pim.Decision) bool {
	for _, r := range d.Reasons {
		if r.Code != pim.Unproven {
			return false
		}
	}
	return !d.Allowed && len(d.Reasons) > 0
}

func joined[S ~string](items []S) string {
	out := make([]string, len(items))
	for i, s := range items {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// plural is "1 rule" or "2 rules".
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}
