package sweep

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/azurepim/azure-pim/pim"
)

// each reads the rules one by one. A rule that is not written is off.
func (p *reader) each(r *Rules, f fileRule) {
	for _, n := range append(slices.Clone(removing), Expiring) {
		r.modes[n] = Off
	}
	set := func(n Rule, m Mode, known ...Mode) {
		r.modes[n] = p.mode("rules."+string(n)+".mode", m, Report, known...)
	}
	act := []Mode{Off, Report, On, Apply}
	if f.Overdue != nil {
		set(Overdue, f.Overdue.Mode, act...)
	}
	if f.Deleted != nil {
		set(Deleted, f.Deleted.Mode, act...)
	}
	if f.Disabled != nil {
		set(Disabled, f.Disabled.Mode, act...)
	}
	if v := f.Permanent; v != nil {
		set(Permanent, v.Mode, act...)
		r.permanent = bounded{kinds: p.kinds("rules.permanent.kinds", v.Kinds), types: p.types("rules.permanent.types", v.Types)}
	}
	if v := f.Overlong; v != nil {
		set(Overlong, v.Mode, act...)
		r.overlong = bounded{
			types:    p.types("rules.overlong.types", v.Types),
			assigned: p.length("rules.overlong.assignment", v.Assignment, 0), activable: p.length("rules.overlong.eligibility", v.Eligibility, 0),
		}
		if v.Assignment == "" && v.Eligibility == "" {
			p.fail("rules.overlong says neither how long an assignment nor how long an eligibility may be")
		}
	}
	if v := f.Unused; v != nil {
		set(Unused, v.Mode, act...)
		r.unused = p.length("rules.unused.after", v.After, defaultUnused)
	}
	if v := f.Pending; v != nil {
		set(Pending, v.Mode, act...)
		r.pending = p.length("rules.pending.after", v.After, defaultPending)
	}
	if v := f.Expiring; v != nil {
		set(Expiring, v.Mode, Off, Report)
		r.expiring = p.length("rules.expiring.within", v.Within, defaultExpiring)
	}
}

func (p *reader) mode(where string, m, otherwise Mode, known ...Mode) Mode {
	if m == "" {
		return otherwise
	}
	if !slices.Contains(known, m) {
		p.fail("%s %q is none of %v", where, m, known)
	}
	return m
}

func (p *reader) scopes(where string, places []place) []pim.Scope {
	var out []pim.Scope
	for i, w := range places {
		plane, err := pim.ParsePlane(w.Plane)
		var s pim.Scope
		if err == nil {
			s, err = pim.ParseScope(plane, w.Scope)
		}
		switch {
		case err != nil:
			p.fail("%s[%d]: %s", where, i, detail(err))
		case s.Level() == pim.LevelObject || s.Level() == pim.LevelAdministrativeUnit:
			p.fail("%s[%d]: the directory is watched as a whole: write /", where, i)
		case s.Level() == pim.LevelTenant:
			p.fail("%s[%d]: nothing can be listed at the tenant root: write the root management group, whose name is the tenant id", where, i)
		case slices.ContainsFunc(out, func(o pim.Scope) bool { return key(o) == key(s) }):
			p.fail("%s[%d]: %s comes twice", where, i, s)
		default:
			out = append(out, s)
		}
	}
	return out
}

func (p *reader) ids(where string, ids []string) []string {
	var out []string
	for _, id := range ids {
		g, err := pim.ParsePrincipal(id)
		if err != nil {
			p.fail("%s: %q is not an object id", where, id)
			continue
		}
		out = append(out, g)
	}
	return out
}

func (p *reader) roles(where string, roles []string) roleList {
	for _, r := range roles {
		if r == "" || len(r) > 400 {
			p.fail("%s: %q is not the name or GUID of a role", where, r)
		}
	}
	return roles
}

func (p *reader) kinds(where string, kinds []string) []pim.Kind {
	if kinds == nil {
		return []pim.Kind{pim.Assignment}
	}
	var out []pim.Kind
	for _, k := range kinds {
		if kind := pim.Kind(k); kind == pim.Assignment || kind == pim.Eligibility {
			out = append(out, kind)
			continue
		}
		p.fail("%s: %q is neither assignment nor eligibility", where, k)
	}
	return out
}

// types reads kinds of principals. Whoever writes none means people: what runs
// unattended, and what a group's members rely on, is named in as many words.
func (p *reader) types(where string, types []string) []string {
	if types == nil {
		return []string{pim.TypeUser}
	}
	var out []string
	for _, t := range types {
		if !slices.Contains([]string{pim.TypeUser, pim.TypeGroup, pim.TypeServicePrincipal}, t) {
			p.fail("%s: %q is not user, group or servicePrincipal", where, t)
		}
		out = append(out, strings.ToLower(t))
	}
	return out
}

func (p *reader) limit(where string, l *fileLimit, otherwise limit) limit {
	if l == nil {
		return otherwise
	}
	if l.Removals == nil || l.Percent == nil || *l.Removals < 0 || *l.Percent < 0 || *l.Percent > 100 {
		p.fail("%s: write removals, a number from 0, and percent, one from 0 to 100", where)
		return limit{}
	}
	return limit{*l.Removals, *l.Percent}
}

func (p *reader) length(where, s string, otherwise time.Duration) time.Duration {
	if s == "" {
		return otherwise
	}
	d, err := pim.ParseDuration(s)
	if err != nil {
		p.fail("%s: %s", where, detail(err))
	}
	return time.Duration(d)
}

// detail is what err says to people.
func detail(err error) string {
	if e, ok := errors.AsType[*pim.Error](err); ok && e.Detail != "" {
		return e.Detail
	}
	return err.Error()
}
