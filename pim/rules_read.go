package pim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	ruleNameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}$`)
	keyNameForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)
	sumForm      = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
)

func (p *ruleParser) rules(n *yaml.Node) *Rules {
	r := &Rules{}
	f := p.fields(n, "version", "keys", string(Readers), string(Operators), "rules")
	if v := f["version"]; v == nil {
		p.fail(n, "version is missing: write version: 1")
	} else if p.expect(v, yaml.ScalarNode) && (v.ShortTag() != "!!int" || v.Value != "1") {
		p.fail(v, "version %q is unknown: this program reads version 1", clip(v.Value))
	}
	for _, k := range p.items(f["keys"]) {
		r.keys = append(r.keys, p.key(k, r.keys))
	}
	for _, of := range []Office{Readers, Operators} {
		for _, c := range p.items(f[string(of)]) {
			if r.offices == nil {
				r.offices = map[Office][]callerEntry{}
			}
			r.offices[of] = append(r.offices[of], p.caller(c))
		}
	}
	if f["rules"] == nil {
		p.fail(n, "rules is missing: write rules: [] to allow nothing")
	}
	for i, item := range p.items(f["rules"]) {
		p.rule = label(item, i)
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

// label is how messages name a rule: by its name, or its place where it has none.
func label(n *yaml.Node, i int) string {
	for j := 0; j+1 < len(n.Content); j += 2 {
		if v := n.Content[j+1]; n.Kind == yaml.MappingNode && n.Content[j].Value == "name" && v.Kind == yaml.ScalarNode && v.Value != "" {
			return fmt.Sprintf("rule %q", clip(v.Value))
		}
	}
	return fmt.Sprintf("rule %d", i+1)
}

// allowOnly is what a deny rule does not have: it says what is denied, not how much
// of it.
var allowOnly = []string{"maxDuration", "maxEligible", "maxAhead", "eligibility", "ticket", "justification", "approval", "mode", "waives", "ourScope", "escalating"}

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
	effect := p.text(f["effect"])
	deny = effect == "deny"
	switch {
	case f["effect"] == nil:
		p.fail(n, "effect is missing: write allow or deny")
	case effect != "allow" && effect != "deny" && effect != "":
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
	}
	if effect != "allow" {
		return r, deny
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
	all := []Action{Grant, MakeEligible, Activate, Assign, Deactivate, RemoveEligible, Extend, Renew, Cancel}
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
