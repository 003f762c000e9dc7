package pim

import (
	"encoding/json"
	"slices"
)

// Policy is PIM's own settings for one role at one scope: seventeen rules, that the
// service applies to every request. It is not inherited: a resource group's is its
// own.
type Policy struct {
	ID    string       `json:"id"` // changes when the policy is changed; never keep it
	Scope Scope        `json:"scope"`
	Role  Role         `json:"role"`
	Rules []PolicyRule `json:"rules"`
}

// PolicyRule is one of the seventeen. Which fields mean something depends on Type.
type PolicyRule struct {
	ID           string            `json:"id"`   // such as Expiration_EndUser_Assignment
	Type         string            `json:"type"` // ExpirationRule, EnablementRule, ApprovalRule, AuthenticationContextRule, NotificationRule
	Expiration   *PolicyExpiration `json:"expiration,omitempty"`
	Enabled      []string          `json:"enabled,omitempty"` // EnablementRule: MultiFactorAuthentication, Justification, Ticketing
	Approval     *PolicyApproval   `json:"approval,omitempty"`
	AuthContext  *PolicyContext    `json:"authContext,omitempty"`
	Notification *PolicyNotice     `json:"notification,omitempty"`

	raw json.RawMessage // as the service wrote it, with the fields that we do not model
}

// PolicyExpiration bounds a duration.
type PolicyExpiration struct {
	Required bool     `json:"required"`         // false: permanent is allowed
	Most     Duration `json:"maximum,omitzero"` // zero: the service states none
}

// PolicyApproval is the demand that people agree.
type PolicyApproval struct {
	Required  bool       `json:"required"`
	Approvers []Approver `json:"approvers,omitempty"` // empty although required: the administrators of the role
}

// Approver is a user or the members of a group.
type Approver struct {
	ID    string `json:"id"`
	Group bool   `json:"group,omitempty"`
}

// PolicyContext is the demand for an authentication context.
type PolicyContext struct {
	Enabled bool   `json:"enabled"`
	Claim   string `json:"claim,omitempty"` // c1 to c99
}

// PolicyNotice says who is mailed.
type PolicyNotice struct {
	Recipient  string   `json:"recipient"` // Requestor, Approver, Admin
	Level      string   `json:"level"`     // None, Critical, All
	Defaults   bool     `json:"defaults"`
	Recipients []string `json:"recipients,omitempty"`
}

func (p Policy) rule(id string) PolicyRule {
	i := slices.IndexFunc(p.Rules, func(r PolicyRule) bool { return r.ID == id })
	if i < 0 {
		return PolicyRule{}
	}
	return p.Rules[i]
}

// most is the bound of an expiration rule, with the service's default where the
// rule is missing, or says PT0S, a value that has been seen and that fails every
// request.
func (p Policy) most(id string, otherwise Duration) Duration {
	if e := p.rule(id).Expiration; e != nil && e.Most > 0 {
		return e.Most
	}
	return otherwise
}

// Defaults of the service where a policy names no bound.
const (
	defaultMaxActivation = Duration(8 * 3600e9)        // PT8H
	defaultMaxEligible   = Duration(365 * 24 * 3600e9) // P365D
	defaultMaxAssigned   = Duration(180 * 24 * 3600e9) // P180D
)

// MaxActivation is the longest activation that a user may ask for.
func (p Policy) MaxActivation() Duration {
	return p.most("Expiration_EndUser_Assignment", defaultMaxActivation)
}

// MaxEligible is the longest eligibility that an administrator may make.
func (p Policy) MaxEligible() Duration {
	return p.most("Expiration_Admin_Eligibility", defaultMaxEligible)
}

// MaxAssigned is the longest active assignment that an administrator may make.
func (p Policy) MaxAssigned() Duration {
	return p.most("Expiration_Admin_Assignment", defaultMaxAssigned)
}

// PermanentEligible reports whether an eligibility may be without end.
func (p Policy) PermanentEligible() bool {
	e := p.rule("Expiration_Admin_Eligibility").Expiration
	return e != nil && !e.Required
}

// PermanentAssigned reports whether an active assignment may be without end.
func (p Policy) PermanentAssigned() bool {
	e := p.rule("Expiration_Admin_Assignment").Expiration
	return e != nil && !e.Required
}

func (p Policy) enables(id, what string) bool { return slices.Contains(p.rule(id).Enabled, what) }

// NeedsMFA reports whether an activation asks for a second factor.
func (p Policy) NeedsMFA() bool {
	return p.enables("Enablement_EndUser_Assignment", "MultiFactorAuthentication")
}

// AdminNeedsMFA reports whether an assignment by an administrator asks for a second
// factor. No application ever has one: AdminAssign then fails with MfaRule.
func (p Policy) AdminNeedsMFA() bool {
	return p.enables("Enablement_Admin_Assignment", "MultiFactorAuthentication")
}

// NeedsJustification reports whether an activation asks for a justification.
func (p Policy) NeedsJustification() bool {
	return p.enables("Enablement_EndUser_Assignment", "Justification")
}

// NeedsTicket reports whether an activation asks for a ticket.
func (p Policy) NeedsTicket() bool {
	return p.enables("Enablement_EndUser_Assignment", "Ticketing")
}

// NeedsApproval reports whether people must agree to an activation.
func (p Policy) NeedsApproval() bool {
	a := p.rule("Approval_EndUser_Assignment").Approval
	return a != nil && a.Required
}

// NeedsContext is the authentication context that an activation asks for, empty if
// it asks for none.
func (p Policy) NeedsContext() string {
	if c := p.rule("AuthenticationContext_EndUser_Assignment").AuthContext; c != nil && c.Enabled {
		return c.Claim
	}
	return ""
}
