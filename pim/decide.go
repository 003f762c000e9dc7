package pim

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// mostMisses bounds how many rules a refusal speaks of.
const mostMisses = 5

// Decide says whether the rules allow what q asks. It reads nothing but q. The first
// allow rule whose every condition holds decides, unless a deny rule matches or
// something stands above all rules. What is unknown never allows: the Decision then
// has a reason with the code Unproven for as long as the missing facts could still
// turn it, and none once they could not.
func (r *Rules) Decide(q Question) Decision {
	d := Decision{RulesHash: r.Hash(), At: q.Now}
	if d.Reasons = r.above(&q); len(d.Reasons) > 0 {
		return d
	}
	if r == nil || len(r.allow) == 0 {
		d.Reasons = []Reason{{Code: NoRules, Detail: "there are no rules, so nothing is allowed"}}
		return d
	}
	doubts := r.nesting(&q)
	for i := range r.deny {
		switch r.deny[i].denies(&q) {
		case yes:
			d.Rule = r.deny[i].name
			d.Reasons = []Reason{{Code: DeniedByRule, Rule: d.Rule, Detail: "a rule denies it"}}
			return d
		case unknown:
			doubts = append(doubts, Reason{Code: Unproven, Rule: r.deny[i].name, Detail: "a fact could not be read that would show whether the rule denies it"})
		}
	}
	var near []miss
	for i := range r.allow {
		m := r.allow[i].judge(&q)
		if len(m.reasons) == 0 && len(doubts) == 0 {
			r.allow[i].grant(&d, &q)
			return d
		}
		near = append(near, m)
	}
	d.Reasons = nearest(near, doubts, q.Request)
	return d
}

// grant writes what the rule allows into d.
func (r *rule) grant(d *Decision, q *Question) {
	d.Allowed, d.Rule, d.Mode, d.Reasons = true, r.name, r.mode, nil
	// Only an eligibility whose length was weighed may be made.
	d.Make = r.make && q.Request.Action == Grant && !q.covered()
	m := manner{rule: r, q: q}
	if one, _ := oneCondition(m.conditions()...); one != q.Request.Condition {
		d.Condition = one
	}
	if i := m.standing(); i != nil {
		start, end := *i.Start, q.Now.Add(time.Duration(q.Request.Duration))
		d.Window = &Window{Start: &start, End: &end}
	}
	d.Waives = slices.Clone(r.waives)
	if r.approval != nil {
		need := *r.approval
		d.Approval = &need
	}
}

// miss is how far a question is from an allow rule.
type miss struct {
	subject int      // unmet conditions on who, what and where; -1 if nothing but facts is missing
	reasons []Reason // all that is unmet
	far     bool     // the rule is about something else altogether
}

// open reports whether another fact could make the rule allow, or it does already.
func (m miss) open() bool { return m.subject < 0 }

// judge holds an allow rule against the question. Facts that are missing count only
// while nothing else is.
func (r *rule) judge(q *Question) miss {
	subject := r.subject(q)
	all := slices.Concat(subject, r.manner(q))
	unread := func(m Reason) bool { return m.Code == Unproven }
	known := slices.DeleteFunc(slices.Clone(all), unread)
	if len(known) == 0 {
		return miss{subject: -1, reasons: all}
	}
	return miss{
		subject: len(slices.DeleteFunc(subject, unread)), reasons: known,
		far: !r.does(q.Request.Action) && !r.on(q.Request.Scope.Plane()),
	}
}

// nearest picks the reasons worth telling: of the rules that speak of this very
// matter, else of those that come nearest. Doubts about deny rules, and about what
// stands above all rules, count only if some rule would otherwise allow.
func nearest(all []miss, doubts []Reason, a Request) []Reason {
	slices.SortStableFunc(all, func(a, b miss) int {
		return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(len(a.reasons), len(b.reasons)))
	})
	var out []Reason
	if all[0].open() {
		out = doubts
	}
	if all[0].subject <= 0 {
		all = slices.DeleteFunc(all, func(m miss) bool { return m.subject > 0 })
	} else {
		out = []Reason{{Code: NoMatch, Detail: fmt.Sprintf("no rule allows %s of this role at this scope to this caller for this principal", a.Action)}}
		all = slices.DeleteFunc(all, func(m miss) bool { return m.far })
	}
	for _, m := range all[:min(len(all), mostMisses)] {
		out = append(out, m.reasons...)
	}
	return out
}

// Groups lists the object ids of the groups whose members must be known to decide q:
// those of the rules that allow it as far as is known, and of those that then deny it.
func (r *Rules) Groups(q Question) []string {
	if r == nil || len(r.above(&q)) > 0 {
		return nil
	}
	q.Members = nil
	var out []string
	open := false
	for i := range r.allow {
		if r.allow[i].judge(&q).open() {
			open = true
			out = append(out, r.allow[i].groups(&q, false)...)
		}
	}
	for i := range r.deny {
		if open && r.deny[i].denies(&q) != no {
			out = append(out, r.deny[i].groups(&q, true)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// asks reports whether facts could still make one of those allow rules hold.
func (r *Rules) asks(q Question, of func(*rule) bool) bool {
	if r == nil || len(r.above(&q)) > 0 {
		return false
	}
	for i := range r.allow {
		if of(&r.allow[i]) && r.allow[i].judge(&q).open() {
			return true
		}
	}
	return false
}

// groups are those of the entries that hold in every other respect.
func (r *rule) groups(q *Question, deny bool) []string {
	var out []string
	for _, c := range r.callers {
		if c.match(q) != no {
			out = append(out, c.groups...)
		}
	}
	for _, s := range r.principals {
		if s.match(q, deny) != no {
			out = append(out, s.memberOf...)
		}
	}
	return out
}
