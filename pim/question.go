package pim

import "time"

// Question is everything that a [Decision] rests on. Facts that nobody has read stay
// nil or absent: they are unknown, and a rule that needs them does not allow.
type Question struct {
	Caller    Caller
	Request   Request
	Role      Role                  // what Request.Role means at Request.Scope; without an ID it has not been looked up
	Principal Subject               // who would gain or lose the access
	Policy    *Policy               // PIM's own settings for the role at the scope; nil is unread
	Eligible  *Found                // what lets the principal activate the role already; nil is unread
	Standing  *Found                // to extend: what the principal itself holds at the very scope; nil is unread
	Members   map[string]Membership // by object id of the group; absent is unread
	Nested    map[string][]string   // by object id: the groups of [Rules.Guarded] that it leads into; absent is unread
	Power     *bool                 // whether the role, one of Azure's, lets its holder give roles; nil is unread
	Holds     *Holdings             // what the group holds that the request gives a way into; nil is unread
	Now       time.Time             // required
	Guard     Guard
}

// Found is what a listing shows of what was looked for in it: nothing if the Instance
// is nil.
type Found struct{ Instance *Instance }

// covered reports whether an eligibility is known to stand until the end of what is
// asked for.
func (q *Question) covered() bool {
	if q.Eligible == nil || q.Eligible.Instance == nil {
		return false
	}
	_, until := q.Request.span(q.Now)
	return q.Eligible.Instance.Until(until)
}

// Subject is what the directory says of a principal. The zero Subject is unknown.
type Subject struct {
	ID       string
	Type     string // user, group or servicePrincipal in any letter case; empty is unknown
	Disabled bool
	Known    bool // it was looked up, and exists
}

// Membership says who of the two belongs to a group, directly or through others.
type Membership struct{ Caller, Principal bool }

// Holdings is what a group brings to whoever gets into it.
type Holdings struct {
	Escalating bool // a role whose holder can give itself more, wherever it is held
	Ours       bool // any role over our own resource group
}

// Guard is what stands above all rules. A zero field guards nothing, so whoever
// wires the program must fill it.
type Guard struct {
	Identity      []string // object ids of our own: service principal, application
	AdminGroups   []string // groups whose members administer us
	Protected     []string // break-glass users, and whatever else nobody may touch
	ResourceGroup Scope    // our own; the zero Scope while we do not run in Azure
	Stopped       bool     // refuse everything
}
