package pim

import "time"

// Mode says in whose name a role is activated.
type Mode string

const (
	OnBehalf Mode = "onBehalf" // by our own identity (AdminAssign); PIM skips its end-user rules, so we apply them
	Self     Mode = "self"     // by the user's own token (SelfActivate); PIM applies them
)

// Decision says whether a Request is allowed, by which rule, and if not, why not.
// The same Decision that a dry run shows decides the real run.
type Decision struct {
	Allowed   bool      `json:"allowed"`
	Rule      string    `json:"rule,omitempty"`      // the rule that allowed or denied it; empty if none matched
	RulesHash string    `json:"rulesHash,omitempty"` // SHA-256 of the rules that decided
	Mode      Mode      `json:"mode,omitempty"`
	Make      bool      `json:"makeEligible,omitempty"` // an eligibility may be made
	Condition string    `json:"condition,omitempty"`    // of what it rests on, where the request names none: what is given bears it
	Window    *Window   `json:"window,omitempty"`       // of extend: what it becomes, from the start that it has
	Waives    []Waiver  `json:"waives,omitempty"`       // what PIM asks of a person and the rule does without
	Approval  *Approval `json:"approval,omitempty"`     // who must approve first; nil if nobody
	Reasons   []Reason  `json:"reasons,omitempty"`      // why not: every unmet condition of every near miss
	At        time.Time `json:"at"`
}

// Reason is one condition that is not met.
type Reason struct {
	Code   ReasonCode `json:"code"`
	Rule   string     `json:"rule,omitempty"` // the rule whose condition it is; empty for what stands above all rules
	Detail string     `json:"detail"`         // for people; names no secret
}

// ReasonCode is stable, as Code is.
type ReasonCode string

const (
	NoRules           ReasonCode = "noRules"           // nothing is allowed where there are no rules
	NoMatch           ReasonCode = "noMatch"           // no rule speaks of this caller, principal, scope and role
	DeniedByRule      ReasonCode = "deniedByRule"      // a deny rule matches
	WrongCaller       ReasonCode = "wrongCaller"       // the rule is for other callers
	WrongPrincipal    ReasonCode = "wrongPrincipal"    // the rule is for other principals
	WrongPlane        ReasonCode = "wrongPlane"        //
	WrongAction       ReasonCode = "wrongAction"       //
	WrongScope        ReasonCode = "wrongScope"        // the scope does not lie within the rule's
	WrongRole         ReasonCode = "wrongRole"         //
	TooLong           ReasonCode = "tooLong"           // longer than the rule or PIM's policy allows
	NeedJustification ReasonCode = "needJustification" //
	NeedTicket        ReasonCode = "needTicket"        //
	WrongTicket       ReasonCode = "wrongTicket"       // the ticket's number or system is not of the form asked for
	WrongTime         ReasonCode = "wrongTime"         // outside the rule's days and hours
	TooFarAhead       ReasonCode = "tooFarAhead"       // the start lies further in the future than the rule lets it
	NeedMFA           ReasonCode = "needMFA"           // PIM asks for a second factor that nothing here proves
	NeedAuthContext   ReasonCode = "needAuthContext"   // PIM asks for an authentication context
	NeedApproval      ReasonCode = "needApproval"      // PIM asks for an approval that the rule does not
	NotEligible       ReasonCode = "notEligible"       // an eligibility is required and there is none, or it ends too soon
	WrongCondition    ReasonCode = "wrongCondition"    // what it rests on has a condition, and the request another
	NeedUserToken     ReasonCode = "needUserToken"     // the rule activates with the user's own token, and none came
	OurIdentity       ReasonCode = "ourIdentity"       // never to ourselves
	Protected         ReasonCode = "protected"         // never to a protected principal
	OurScope          ReasonCode = "ourScope"          // never over our own resource group
	EscalatingRole    ReasonCode = "escalatingRole"    // a role that can give its holder more, or a group that holds one, which no rule speaks of
	Disabled          ReasonCode = "disabled"          // the principal's account is disabled
	Unproven          ReasonCode = "unproven"          // a fact that the rule needs could not be read
	NotApproved       ReasonCode = "notApproved"       // an approver said no, or none said yes in time
	ApproverGroup     ReasonCode = "approverGroup"     // never to a group that approves, nor into one
	AdminMFA          ReasonCode = "adminMFA"          // PIM asks administrators for a second factor, which no application has
	Malformed         ReasonCode = "malformed"         // the request is wrong in itself, so no rule was asked
	Stopped           ReasonCode = "stopped"           // everything is stopped by setting
)

// Fixable reports whether another request could meet the reason.
func (c ReasonCode) Fixable() bool {
	switch c {
	case TooLong, TooFarAhead, NeedJustification, NeedTicket, WrongTicket, NeedMFA, NeedAuthContext, NeedUserToken, NotEligible, WrongCondition:
		return true
	}
	return false
}

// Approval is the demand that people other than those concerned agree first.
type Approval struct {
	Group  string   `json:"group"`  // object id of the group whose members may decide
	Within Duration `json:"within"` // how long the demand stands
}

// extends reports whether i is what the decision lets be extended: it began no earlier
// than was known then, so that it becomes no longer than was decided.
func (d Decision) extends(i Instance) bool {
	w := d.Window
	return w != nil && w.Start != nil && w.End != nil && i.Start != nil && !i.Start.Before(*w.Start)
}

// err is the Decision as an error; nil if it is allowed.
func (d Decision) err(op string) error {
	if d.Allowed {
		return nil
	}
	e := &Error{Op: op, Code: CodeRefused, Unmet: d.Reasons}
	if d.fixable() {
		e.Code = CodeUnmet
	}
	return e
}

// fixable reports whether another request by the same caller for the same access
// could be allowed: nothing above the rules forbids it, and all that some rule asks
// for is in the request.
func (d Decision) fixable() bool {
	byRule := map[string]bool{}
	for _, r := range d.Reasons {
		switch {
		case r.Code == NoMatch:
		case r.Rule == "":
			return false
		default:
			before, seen := byRule[r.Rule]
			byRule[r.Rule] = (before || !seen) && r.Code.Fixable()
		}
	}
	for _, ok := range byRule {
		if ok {
			return true
		}
	}
	return false
}
