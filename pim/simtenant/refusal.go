package simtenant

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// refusal is an error answer before a surface has given it its shape.
type refusal struct {
	status  int
	code    string
	message string
}

func refuse(code, message string) *refusal {
	return &refusal{http.StatusBadRequest, code, message}
}

// The refusals that the planes share, with the messages seen in service.
var (
	errExists       = refuse("RoleAssignmentExists", "The role assignment already exists.")
	errDoesNotExist = refuse("RoleAssignmentDoesNotExist", "The Role assignment does not exist.")
	errPending      = refuse("PendingRoleAssignmentRequest", "There is already an existing pending Role assignment request.")
	errTooShort     = refuse("ActiveDurationTooShort", "The Active duration is too short. Miniumum Required is 5 minutes.")
	errSubject      = refuse("SubjectNotFound", "The subject is not found.")
	errNotCancel    = refuse("InvalidRoleAssignmentRequest", "The role assignment request cannot be canceled in its current status.")
)

func badSchedule(message string) *refusal {
	return refuse("InvalidRoleAssignmentRequestSchedule", message)
}

// The names of the policy rules in messages.
const (
	ruleEligibility   = "EligibilityRule"
	ruleExpiration    = "ExpirationRule"
	ruleJustification = "JustificationRule"
	ruleTicketing     = "TicketingRule"
	ruleMFA           = "MfaRule"
)

var ruleReasons = map[string]string{
	ruleJustification: "Justification is required",
	ruleMFA:           "Multi-factor authentication is required",
	ruleTicketing:     "Ticket information is required",
}

// policyFailed words the failed rules. A reason was seen with one rule only.
func (t *Tenant) policyFailed(rules ...string) *refusal {
	t.refusals++
	slices.Sort(rules)
	text := `["` + strings.Join(rules, `","`) + `"]`
	reason := t.opt.Messages == MessagesReason || t.opt.Messages == MessagesAlternate && t.refusals%2 == 0
	if why := ruleReasons[rules[0]]; len(rules) == 1 && reason && why != "" {
		text = rules[0] + " - " + why
	}
	return refuse("RoleAssignmentRequestPolicyValidationFailed", "The following policy rules failed: "+text)
}

var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

// acrsFailed asks for an authentication context. The claims come plain or
// URL-encoded, in turns, as both have been seen; the digits of the encoding in
// either letter case, which no encoding tells apart.
func (t *Tenant) acrsFailed(claim string) *refusal {
	t.refusals++
	claims := `{"access_token":{"acrs":{"essential":true,"value":"` + claim + `"}}}`
	if t.refusals%2 == 0 {
		claims = url.QueryEscape(claims)
	}
	if t.refusals%4 == 0 {
		claims = escape.ReplaceAllStringFunc(claims, strings.ToLower)
	}
	return refuse("RoleAssignmentRequestAcrsValidationFailed",
		"The following policy rules failed: AcrsRule. &claims="+claims)
}
