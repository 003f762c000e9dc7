package simtenant

import (
	"slices"
	"strings"
)

// check holds a request against the policy: an administrator's against the Admin
// rules of its kind, a user's own against the EndUser rules.
func (t *Tenant) check(r *request, p *Policy) *refusal {
	limit, enabled := p.adminRules(r.kind)
	if r.action == SelfActivate {
		limit, enabled = &p.ActivationExpiration, p.ActivationRequires
		if context := p.AuthenticationContext; context != "" && !slices.Contains(r.caller.acrs, context) {
			return t.acrsFailed(context)
		}
	}
	if r.action == SelfExtend || r.action == SelfRenew {
		enabled = p.ActivationRequires // who asks is an end user; what he asks for is not an activation
	}
	var failed []string
	if !limit.allows(r.window) || r.action == SelfActivate && r.window.permanent() {
		failed = append(failed, ruleExpiration)
	}
	for _, rule := range enabled {
		switch {
		case rule == RequireJustification && strings.TrimSpace(r.justification) == "":
			failed = append(failed, ruleJustification)
		case rule == RequireTicket && (strings.TrimSpace(r.ticketNumber) == "" || strings.TrimSpace(r.ticketSystem) == ""):
			failed = append(failed, ruleTicketing)
		case rule == RequireMFA && !r.caller.mfa:
			failed = append(failed, ruleMFA)
		}
	}
	if len(failed) > 0 {
		return t.policyFailed(failed...)
	}
	return nil
}

// allows reports whether the rule lets an arrangement of this length pass. The
// maximum binds whatever ends, even where nothing has to end; a maximum of nothing
// lets nothing pass.
func (e *Expiration) allows(w window) bool {
	longest, ok := parseDuration(e.Maximum)
	if w.permanent() {
		return !e.Required && !(ok && longest == 0)
	}
	return ok && w.length() <= longest
}
