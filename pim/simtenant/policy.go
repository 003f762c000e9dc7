package simtenant

import (
	"strings"
	"time"
)

// What an enablement rule can ask for.
const (
	RequireMFA           = "MultiFactorAuthentication"
	RequireJustification = "Justification"
	RequireTicket        = "Ticketing"
)

// Policy holds the settings of one role at one scope: seventeen rules on the
// wire. It is not inherited by scopes below.
type Policy struct {
	// EligibilityExpiration and AssignmentExpiration bind administrators,
	// ActivationExpiration binds the user who activates.
	EligibilityExpiration, AssignmentExpiration, ActivationExpiration Expiration

	// What an administrator must bring for an eligibility and for an assignment,
	// and a user for an activation: RequireMFA and its siblings.
	EligibilityRequires, AssignmentRequires, ActivationRequires []string

	Approval Approval

	// AuthenticationContext is the claim that an activation needs, c1 to c99;
	// empty means none.
	AuthenticationContext string

	// Notifications by rule id, such as Notification_Admin_EndUser_Assignment.
	Notifications map[string]Notification

	id         string
	key        policyKey
	modified   time.Time
	modifiedBy string
}

// Expiration limits the length of an arrangement.
type Expiration struct {
	// Required means that nothing may be permanent.
	Required bool
	// Maximum is an ISO 8601 duration.
	Maximum string
}

// Approval says whether and by whom an activation must be approved.
type Approval struct {
	Required bool
	// Approvers are object ids of users and groups. If there are none, those who
	// administer the role approve.
	Approvers []string
	// TimeOutDays is how long the approvers have.
	TimeOutDays           int
	JustificationRequired bool

	sent *armApproval // as the last who changed it wrote it; nil for the default
}

// Notification says who is told of an event by mail.
type Notification struct {
	Level             string // None, Critical, All
	DefaultRecipients bool
	Recipients        []string
}

type policyKey struct {
	plane       Plane
	scope, role string
}

// UpdatePolicy changes the settings of a role at a scope, as an administrator
// would in the portal.
func (t *Tenant) UpdatePolicy(plane Plane, scope, role string, change func(*Policy)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if plane == PlaneAzure {
		scope, role = t.mustScope(scope), t.mustRole(role)
	}
	if plane == PlaneGroup {
		t.onboard(t.mustGroup(scope))
	}
	p := t.policy(plane, scope, role)
	change(p)
	p.modified = t.now()
}

// RequireApproval makes activations wait for one of the approvers.
func (p *Policy) RequireApproval(approvers ...string) {
	p.Approval.Required = true
	p.Approval.Approvers = approvers
}

// AllowPermanent lets administrators assign without an end.
func (p *Policy) AllowPermanent(k Kind) {
	if k == Eligibility {
		p.EligibilityExpiration.Required = false
	} else {
		p.AssignmentExpiration.Required = false
	}
}

// RequireOnActivation replaces what a user must bring to activate.
func (p *Policy) RequireOnActivation(rules ...string) { p.ActivationRequires = rules }

// RequireOnAssignment replaces what an administrator must bring to assign.
func (p *Policy) RequireOnAssignment(rules ...string) { p.AssignmentRequires = rules }

func (p *Policy) approvalRequired() bool { return p.Approval.Required }

// adminRules are the rules for an administrator's request.
func (p *Policy) adminRules(k Kind) (*Expiration, []string) {
	if k == Eligibility {
		return &p.EligibilityExpiration, p.EligibilityRequires
	}
	return &p.AssignmentExpiration, p.AssignmentRequires
}

// policy finds the settings of a role at a scope, the defaults of its plane if
// nobody has changed them.
func (t *Tenant) policy(plane Plane, scope, role string) *Policy {
	if plane == PlaneDirectory {
		scope = "/" // a role has the same settings in every part of the directory
	}
	key := policyKey{plane, strings.ToLower(scope), strings.ToLower(role)}
	p := t.policies[key]
	if p == nil {
		p = defaultPolicy(plane)
		p.id, p.key = t.newID(), policyKey{plane, scope, role}
		t.policies[key] = p
	}
	return p
}
