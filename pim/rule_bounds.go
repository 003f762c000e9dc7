package pim

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// defaultWithin is how long people have to approve where a rule does not say.
const defaultWithin = Duration(24 * 3600e9)

// bounds reads how long, and checks that whatever the rule gives has an end.
func (p *ruleParser) bounds(r *rule, n *yaml.Node, f map[string]*yaml.Node) {
	r.maxDuration = p.duration(f["maxDuration"])
	r.maxEligible = p.duration(f["maxEligible"])
	r.maxAhead = DefaultAhead
	if n := f["maxAhead"]; n != nil {
		if r.maxAhead = p.duration(n); r.maxAhead > MaxAhead {
			p.fail(n, "maxAhead is longer than %s", MaxAhead)
		}
	}
	switch s := p.text(f["eligibility"]); s {
	case "", "require":
	case "make":
		r.make = true
		if !slices.Contains(r.actions, Grant) {
			p.fail(f["eligibility"], "eligibility goes with the action grant: activate always needs one, makeEligible always makes one")
		}
	default:
		p.fail(f["eligibility"], "eligibility %q is neither require nor make", clip(s))
	}
	does := func(actions ...Action) bool {
		return slices.ContainsFunc(actions, func(a Action) bool { return slices.Contains(r.actions, a) })
	}
	switch {
	case f["maxDuration"] == nil && does(Grant, Activate, Assign):
		p.fail(n, "maxDuration is missing: the rule lets roles become active")
	case f["maxDuration"] == nil && f["maxEligible"] == nil && does(Extend, Renew):
		p.fail(n, "maxDuration or maxEligible is missing: the rule lets access last longer")
	case f["maxDuration"] != nil && !does(Grant, Activate, Assign, Extend, Renew):
		p.fail(f["maxDuration"], "maxDuration bounds grant, activate, assign, extend and renew, none of which is an action of the rule")
	}
	switch {
	case f["maxEligible"] == nil && (r.make || does(MakeEligible)):
		p.fail(n, "maxEligible is missing: the rule lets eligibilities be made")
	case f["maxEligible"] != nil && !r.make && !does(MakeEligible, Extend, Renew):
		p.fail(f["maxEligible"], "maxEligible bounds makeEligible, extend, renew and a grant with eligibility: make, none of which the rule has")
	}
	if f["maxAhead"] != nil && !does(Grant, MakeEligible, Activate, Assign, Renew) {
		p.fail(f["maxAhead"], "maxAhead bounds the start of grant, makeEligible, activate, assign and renew, none of which is an action of the rule")
	}
}

// forms reads what a request must bring along, and in whose name it is done.
func (p *ruleParser) forms(r *rule, f map[string]*yaml.Node) {
	r.waives = p.waivers(f["waives"])
	r.ourScope = p.boolean(f["ourScope"], false)
	r.escalating = p.boolean(f["escalating"], false)
	if f["escalating"] != nil && !r.on(Group) {
		p.fail(f["escalating"], "escalating is about groups that hold a role whose holder can give itself more: elsewhere name the role")
	}
	r.mode = OnBehalf
	switch s := p.text(f["mode"]); Mode(s) {
	case "", OnBehalf:
	case Self:
		r.mode = Self
		// PIM takes a user's own wish to extend or renew for an administrator to grant,
		// which would be us, with none of what PIM asks of users.
		for _, a := range []Action{MakeEligible, RemoveEligible, Assign, Extend, Renew} {
			if slices.Contains(r.actions, a) {
				p.fail(f["mode"], "mode self cannot do %s: that is an administrator's", a)
			}
		}
	default:
		p.fail(f["mode"], "mode %q is neither self nor onBehalf", clip(s))
	}
	r.justify = 1
	if n := f["justification"]; n != nil {
		j := p.fields(n, "required", "minLength")
		r.justify = p.number(j["minLength"], 1, maxJustification, 1)
		if !p.boolean(j["required"], true) {
			r.justify = 0
			if j["minLength"] != nil {
				p.fail(j["minLength"], "minLength means nothing where no justification is required")
			}
		}
	}
	if n := f["ticket"]; n != nil {
		r.ticket = p.ticket(n)
	}
	if n := f["approval"]; n != nil {
		a := p.fields(n, "group", "within")
		if a["group"] == nil {
			p.fail(n, "approval needs a group")
		}
		r.approval = &Approval{Within: defaultWithin}
		if s := p.text(a["group"]); s != "" {
			r.approval.Group = p.guid(a["group"], s)
		}
		if a["within"] != nil {
			r.approval.Within = p.duration(a["within"])
		}
		if r.mode == Self {
			p.fail(n, "approval does not go with mode self: the user's token would be gone when it is given. Set it in the role's own settings in PIM")
		}
	}
}
