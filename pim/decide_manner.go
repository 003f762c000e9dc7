package pim

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// manner is what is wrong with how the request asks for what the rule is about: how
// long, when, with which reason and proof.
func (r *rule) manner(q *Question) []Reason {
	var m manner
	m.rule, m.q = r, q
	m.time()
	m.length()
	m.words()
	m.proof()
	if q.Request.Action.gives() {
		m.policy()
	}
	return m.out
}

// manner gathers reasons.
type manner struct {
	rule *rule
	q    *Question
	out  []Reason
}

func (m *manner) miss(c ReasonCode, format string, args ...any) {
	m.out = append(m.out, Reason{Code: c, Rule: m.rule.name, Detail: fmt.Sprintf(format, args...)})
}

// once leaves out what the rule, or another setting of PIM, asks for already.
func (m *manner) once(c ReasonCode, format string, args ...any) {
	if !slices.ContainsFunc(m.out, func(r Reason) bool { return r.Code == c }) {
		m.miss(c, format, args...)
	}
}

func (m *manner) time() {
	begins := m.q.Request.begins(m.q.Now)
	if most := m.rule.maxAhead; Duration(begins.Sub(m.q.Now)) > most {
		m.miss(TooFarAhead, "the start lies further ahead than the rule's %s", most)
	}
	if w := m.rule.when; w != nil && !w.holds(begins) {
		m.miss(WrongTime, "%s lies outside the rule's days and hours", begins.In(w.zone).Format("Mon 15:04 MST"))
	}
}

// activates and lengthens say which of the two sides of PIM the request touches.
func (m *manner) activates() bool {
	a := m.q.Request
	return a.Action == Grant || a.Action == Activate || (a.Action == Extend || a.Action == Renew) && a.Kind == Assignment
}

// assigns reports whether the request makes an active assignment as an administrator
// does, which PIM holds to the administrators' rules alone.
func (m *manner) assigns() bool { return m.q.Request.Action == Assign }

// eligible is how long an eligibility would last that the request makes or lengthens,
// zero if it does not.
func (m *manner) eligible() Duration {
	a := m.q.Request
	switch {
	case a.Action == MakeEligible, (a.Action == Extend || a.Action == Renew) && a.Kind == Eligibility:
		return m.lasts()
	case a.Action != Grant || !m.rule.make || m.q.covered():
		return 0
	}
	return a.eligibleFor(m.q.Now)
}

// standing is what the request extends, nil if it extends nothing that is known.
func (m *manner) standing() *Instance {
	if s := m.q.Standing; m.q.Request.Action == Extend && s != nil && s.Instance != nil && s.Instance.Start != nil {
		return s.Instance
	}
	return nil
}

// lasts is how long it will have been there when it ends. What is extended counts from
// its own start, or the bounds would hold each time and never in sum.
func (m *manner) lasts() Duration {
	d := m.q.Request.Duration
	if i := m.standing(); i != nil {
		d = max(d, Duration(m.q.Now.Add(time.Duration(d)).Sub(*i.Start)))
		// A part of a second would not be seen in what a refusal says.
		if part := d % Duration(time.Second); part != 0 && d < MaxDuration {
			d += Duration(time.Second) - part
		}
	}
	return d
}

func (m *manner) length() {
	if d, most := m.lasts(), m.rule.maxDuration; (m.activates() || m.assigns()) && d > most {
		m.miss(TooLong, "%s is longer than the rule's %s", d, most)
	}
	if d, most := m.eligible(), m.rule.maxEligible; d > most {
		m.miss(TooLong, "an eligibility of %s is longer than the rule's %s", d, most)
	}
}

func (m *manner) words() {
	a := m.q.Request
	if n := utf8.RuneCountInString(a.Justification); n < m.rule.justify {
		m.miss(NeedJustification, "the rule asks for a justification of at least %d characters", m.rule.justify)
	}
	t := m.rule.ticket
	switch {
	case t == nil:
	case a.Ticket.Number == "":
		if t.required {
			m.miss(NeedTicket, "the rule asks for a ticket")
		}
	case t.number != nil && !t.number.MatchString(a.Ticket.Number):
		m.miss(WrongTicket, "the ticket's number is not of the form that the rule asks for")
	case len(t.systems) > 0 && !slices.Contains(t.systems, a.Ticket.System):
		m.miss(WrongTicket, "the ticket's system is not one that the rule lists")
	}
}

// rests reports whether the request needs an eligibility of the principal's: it makes
// something active and the rule makes no eligibility, or keeps it so and the rule does
// not assign without one.
func (m *manner) rests() bool {
	switch a := m.q.Request; a.Action {
	case Activate:
		return true
	case Grant:
		return !m.rule.make
	case Extend, Renew:
		return a.Kind == Assignment && !m.rule.does(Assign)
	}
	return false
}

// conditions are those that what is given has to bear, empty ones among them: the
// request's own, that of the eligibility behind it, and that of what is extended.
func (m *manner) conditions() []string {
	out := []string{m.q.Request.Condition}
	if e := m.q.Eligible; (m.rests() || m.q.Request.Action == Grant) && e != nil && e.Instance != nil {
		out = append(out, e.Instance.Condition)
	}
	if i := m.standing(); i != nil {
		out = append(out, i.Condition)
	}
	return out
}

// oneCondition is the condition among these, where empty ones do not count; not ok if
// there are two.
func oneCondition(among ...string) (one string, ok bool) {
	for _, c := range among {
		switch {
		case c == "" || c == one:
		case one == "":
			one = c
		default:
			return "", false
		}
	}
	return one, true
}

// proof is what must be shown of the principal and the caller.
func (m *manner) proof() {
	q, a := m.q, m.q.Request
	if a.Action.gives() && (!q.Principal.Known || !strings.EqualFold(q.Principal.ID, a.Principal)) {
		m.miss(Unproven, "the principal could not be looked up")
	}
	if s := q.Standing; a.Action == Extend {
		switch {
		case s == nil:
			m.miss(Unproven, "what is to be extended could not be read")
		case s.Instance != nil && s.Instance.Start == nil:
			m.miss(Unproven, "it is not known when what is to be extended began")
		}
	}
	if m.rests() {
		switch e := q.Eligible; {
		case e == nil:
			m.miss(Unproven, "it could not be read whether the principal is eligible")
		case e.Instance == nil:
			m.miss(NotEligible, "the principal is not eligible, and the rule makes nobody so")
		case !q.covered():
			m.miss(NotEligible, "the principal's eligibility ends at %s, before what is asked for", e.Instance.End.UTC().Format(time.RFC3339))
		}
	}
	if _, ok := oneCondition(m.conditions()...); !ok {
		m.miss(WrongCondition, "what it rests on has a condition, and the request names another")
	}
	if m.rule.mode == Self {
		if q.Caller.Kind != CallerUser || q.Caller.Token == "" {
			m.miss(NeedUserToken, "the rule acts with the user's own token, and none came")
		}
		if !strings.EqualFold(q.Caller.ID, a.Principal) {
			m.miss(WrongPrincipal, "with his own token a user acts for himself alone")
		}
	}
}

// policy applies PIM's own settings where PIM will not, or would only refuse later.
// A user's own token is judged by PIM itself.
func (m *manner) policy() {
	activates, eligible := m.activates() && m.rule.mode == OnBehalf, m.eligible()
	if !activates && !m.assigns() && eligible == 0 {
		return
	}
	p := m.q.Policy
	if p == nil {
		m.miss(Unproven, "PIM's own settings for the role could not be read")
		return
	}
	if m.assigns() {
		m.bound(p, m.q.Request.Duration, p.MaxAssigned(), "Expiration_Admin_Assignment")
		m.enabled(p, "Enablement_Admin_Assignment")
	}
	// A grant by AdminAssign is held to the administrators' rules by PIM, and to the
	// end users' by nobody but us.
	if activates {
		m.bound(p, m.lasts(), p.MaxActivation(), "Expiration_EndUser_Assignment")
		m.bound(p, m.lasts(), p.MaxAssigned(), "Expiration_Admin_Assignment")
		m.enabled(p, "Enablement_EndUser_Assignment")
		m.enabled(p, "Enablement_Admin_Assignment")
		m.people(p)
	}
	if eligible != 0 {
		m.bound(p, eligible, p.MaxEligible(), "Expiration_Admin_Eligibility")
		m.enabled(p, "Enablement_Admin_Eligibility")
	}
}

// has fails for a rule that every policy has and this one does not: it was read in
// part, and what is missing may be what forbids.
func (m *manner) has(p *Policy, id string) bool {
	if p.rule(id).ID != id {
		m.miss(Unproven, "PIM's own setting %s could not be read", id)
		return false
	}
	return true
}

func (m *manner) bound(p *Policy, d, most Duration, id string) {
	if m.has(p, id) && d > most {
		m.miss(TooLong, "%s is longer than the %s of PIM's own setting %s", d, most, id)
	}
}

func (m *manner) enabled(p *Policy, id string) {
	if !m.has(p, id) {
		return
	}
	q := m.q
	if p.enables(id, "Justification") && strings.TrimSpace(q.Request.Justification) == "" {
		m.once(NeedJustification, "PIM's own setting %s asks for a justification", id)
	}
	if t := q.Request.Ticket; p.enables(id, "Ticketing") && (strings.TrimSpace(t.Number) == "" || strings.TrimSpace(t.System) == "") {
		m.once(NeedTicket, "PIM's own setting %s asks for a ticket's number and system", id)
	}
	if !p.enables(id, "MultiFactorAuthentication") {
		return
	}
	switch own := q.Caller.Kind == CallerUser && strings.EqualFold(q.Caller.ID, q.Request.Principal); {
	case strings.Contains(id, "_Admin_"):
		m.miss(AdminMFA, "PIM's own setting %s asks for a second factor, which no application has: take that out of the role's settings", id)
	case m.rule.waived(WaiveMFA):
	case !own || !q.Caller.MFA:
		m.miss(NeedMFA, "PIM asks for a second factor: the principal must ask in person, with a token that proves one")
	}
}

// people is what PIM asks of persons when a role is activated.
func (m *manner) people(p *Policy) {
	if m.has(p, "Approval_EndUser_Assignment") && p.NeedsApproval() && m.rule.approval == nil && !m.rule.waived(WaiveApproval) {
		m.miss(NeedApproval, "PIM asks for an approval, and the rule does not")
	}
	const id = "AuthenticationContext_EndUser_Assignment"
	if c := p.rule(id).AuthContext; m.has(p, id) && c != nil && c.Enabled && !m.rule.waived(WaiveContext) {
		m.miss(NeedAuthContext, "PIM asks for an authentication context, which only the user's own token can meet")
	}
}
