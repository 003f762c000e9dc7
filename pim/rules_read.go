package pim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// defaultWithin is how long people have to approve where a rule does not say.
const defaultWithin = Duration(24 * 3600e9)

var (
	ruleNameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$`)
	keyNameForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)
	sumForm      = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

func (p *ruleParser) rules(n *yaml.Node) *Rules {
	r := &Rules{}
	f := p.fields(n, "version", "keys", "rules")
	if v := f["version"]; v == nil {
		p.fail(n, "version is missing: write version: 1")
	} else if p.is(v, yaml.ScalarNode) && (v.ShortTag() != "!!int" || v.Value != "1") {
		p.fail(v, "version %q is unknown: this program reads version 1", clip(v.Value))
	}
	for _, k := range p.items(f["keys"]) {
		r.keys = append(r.keys, p.key(k, r.keys))
	}
	if f["rules"] == nil {
		p.fail(n, "rules is missing: write rules: [] to allow nothing")
	}
	for i, item := range p.items(f["rules"]) {
		p.rule = fmt.Sprintf("rule %d", i+1)
		one, deny := p.one(item)
		if deny {
			r.deny = append(r.deny, one)
		} else {
			r.allow = append(r.allow, one)
		}
		p.rule = ""
	}
	return r
}

// key reads a named function key. A name may come twice, so that a key can be
// replaced while the old one still counts.
func (p *ruleParser) key(n *yaml.Node, before []namedKey) namedKey {
	f := p.fields(n, "name", "sha256")
	k := namedKey{p.text(f["name"]), strings.ToLower(p.text(f["sha256"]))}
	empty := sha256.Sum256(nil)
	switch {
	case !keyNameForm.MatchString(k.name):
		p.fail(n, "a key needs a name of letters, digits and . _ -")
	case !sumForm.MatchString(k.sha256):
		p.fail(n, "key %q needs sha256, 64 hexadecimal digits", k.name)
	case k.sha256 == hex.EncodeToString(empty[:]):
		p.fail(n, "key %q has the SHA-256 of an empty key", k.name)
	case slices.ContainsFunc(before, func(o namedKey) bool { return o.sha256 == k.sha256 }):
		p.fail(n, "key %q has the SHA-256 of another key", k.name)
	}
	p.keyNames[k.name] = true
	return k
}

// allowOnly is what a deny rule does not have: it says what is denied, not how much
// of it.
var allowOnly = []string{"maxDuration", "maxEligible", "eligibility", "ticket", "justification", "approval", "mode", "ourScope"}

// mustSay is what an allow rule never leaves open.
var mustSay = []string{"actions", "callers", "principals", "planes", "scopes", "roles"}

func (p *ruleParser) one(n *yaml.Node) (r rule, deny bool) {
	f := p.fields(n, append(append([]string{"name", "effect", "when"}, mustSay...), allowOnly...)...)
	r.name = p.text(f["name"])
	switch {
	case f["name"] == nil:
		p.fail(n, "name is missing")
	case !ruleNameForm.MatchString(r.name):
		p.fail(f["name"], "name %q is not 1 to 80 letters, digits, spaces and . _ -", clip(r.name))
	case p.ruleNames[strings.ToLower(r.name)]:
		p.fail(f["name"], "another rule is named %q", r.name)
	}
	p.ruleNames[strings.ToLower(r.name)] = true
	if r.name != "" {
		p.rule = fmt.Sprintf("rule %q", clip(r.name))
	}
	switch effect := p.text(f["effect"]); {
	case f["effect"] == nil:
		p.fail(n, "effect is missing: write allow or deny")
	case effect == "deny":
		deny = true
	case effect != "allow" && effect != "":
		p.fail(f["effect"], "effect %q is neither allow nor deny", clip(effect))
	}
	p.actions(&r, f["actions"])
	p.planes(&r, f["planes"])
	p.scopes(&r, f["scopes"], deny)
	p.roles(&r, f["roles"])
	for _, c := range p.list(f["callers"]) {
		r.callers = append(r.callers, p.caller(c))
	}
	for _, s := range p.list(f["principals"]) {
		r.principals = append(r.principals, p.principal(s, deny))
	}
	r.when = p.window(f["when"])
	if deny {
		for _, k := range allowOnly {
			if f[k] != nil {
				p.fail(f[k], "%s belongs to allow rules: a deny rule denies whatever its size and reason", k)
			}
		}
		return r, true
	}
	for _, k := range mustSay {
		if f[k] == nil {
			p.fail(n, "%s is missing: an allow rule says it, however wide", k)
		}
	}
	p.bounds(&r, n, f)
	p.forms(&r, f)
	return r, false
}

func (p *ruleParser) actions(r *rule, n *yaml.Node) {
	all := []Action{Grant, MakeEligible, Activate, Deactivate, RemoveEligible, Extend, Renew, Cancel}
	for _, s := range p.texts(n, func(item *yaml.Node, s string) string {
		if !slices.Contains(all, Action(s)) {
			p.fail(item, "action %q is unknown", clip(s))
		}
		return s
	}) {
		r.actions = append(r.actions, Action(s))
	}
}

func (p *ruleParser) planes(r *rule, n *yaml.Node) {
	for _, s := range p.texts(n, func(item *yaml.Node, s string) string {
		if !slices.Contains(Planes(), Plane(s)) {
			p.fail(item, "plane %q is not azure, directory or group", clip(s))
		}
		return s
	}) {
		r.planes = append(r.planes, Plane(s))
	}
}

// scopes reads each scope on every plane of the rule where it means something.
func (p *ruleParser) scopes(r *rule, n *yaml.Node, deny bool) {
	p.texts(n, func(item *yaml.Node, s string) string {
		if s == "*" {
			if !r.on(Group) {
				p.fail(item, `scope "*" is every group; the azure and directory planes have "/"`)
			}
			r.scopes.anyGroup = true
			return s
		}
		var first error
		found := false
		for _, plane := range Planes() {
			if !r.on(plane) {
				continue
			}
			scope, err := ParseScope(plane, s)
			if err != nil {
				if first == nil {
					first = err
				}
				continue
			}
			found = true
			if deny && scope.Level() == LevelManagementGroup {
				p.fail(item, "scope %q is a management group, whose path does not show what lies below it: a deny rule lists the subscriptions, or \"/\"", clip(s))
			}
			r.scopes.listed = append(r.scopes.listed, scope)
		}
		if !found && first != nil {
			p.fail(item, "%s", detail(first))
		}
		return s
	})
}

// roles resolves built-in names now, so that no other role can come to bear them.
func (p *ruleParser) roles(r *rule, n *yaml.Node) {
	r.roles = roleSet{ids: map[Plane][]string{}, names: map[Plane][]string{}}
	p.texts(n, func(item *yaml.Node, s string) string {
		if s == "*" {
			r.roles.any = true
			return s
		}
		if strings.Contains(s, "/") {
			p.fail(item, "role %q is a path: write its name or its GUID", clip(s))
			return s
		}
		found := false
		for _, plane := range Planes() {
			if !r.on(plane) {
				continue
			}
			role, known, err := knownRole(Scope{plane: plane}, s)
			switch {
			case err != nil: // neither member nor owner: no role of a group
			case known:
				found = true
				r.roles.ids[plane] = append(r.roles.ids[plane], role.ID)
			default:
				found = true
				r.roles.names[plane] = append(r.roles.names[plane], s)
			}
		}
		if !found {
			p.fail(item, "role %q is neither member nor owner, the roles of a group", clip(s))
		}
		return s
	})
	if n == nil {
		r.roles.any = true
	}
}

// bounds reads how long, and checks that whatever the rule gives has an end.
func (p *ruleParser) bounds(r *rule, n *yaml.Node, f map[string]*yaml.Node) {
	r.maxDuration = p.duration(f["maxDuration"])
	r.maxEligible = p.duration(f["maxEligible"])
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
	case f["maxDuration"] == nil && does(Grant, Activate):
		p.fail(n, "maxDuration is missing: the rule lets roles become active")
	case f["maxDuration"] == nil && f["maxEligible"] == nil && does(Extend, Renew):
		p.fail(n, "maxDuration or maxEligible is missing: the rule lets access last longer")
	case f["maxDuration"] != nil && !does(Grant, Activate, Extend, Renew):
		p.fail(f["maxDuration"], "maxDuration bounds grant, activate, extend and renew, none of which is an action of the rule")
	}
	switch {
	case f["maxEligible"] == nil && (r.make || does(MakeEligible)):
		p.fail(n, "maxEligible is missing: the rule lets eligibilities be made")
	case f["maxEligible"] != nil && !r.make && !does(MakeEligible, Extend, Renew):
		p.fail(f["maxEligible"], "maxEligible bounds makeEligible, extend, renew and a grant with eligibility: make, none of which the rule has")
	}
}

// forms reads what a request must bring along, and in whose name it is done.
func (p *ruleParser) forms(r *rule, f map[string]*yaml.Node) {
	r.ourScope = p.boolean(f["ourScope"], false)
	r.mode = OnBehalf
	switch s := p.text(f["mode"]); Mode(s) {
	case "", OnBehalf:
	case Self:
		r.mode = Self
		for _, a := range []Action{MakeEligible, RemoveEligible} {
			if slices.Contains(r.actions, a) {
				p.fail(f["mode"], "mode self cannot do %s: nobody makes or ends his own eligibility", a)
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
	}
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
	if !p.is(n, yaml.ScalarNode) {
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
