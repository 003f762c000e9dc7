package simtenant

import "slices"

// defaultPolicy is what a role has before anybody changed its settings. Entra's
// values are documented; ARM's are those of the portal.
func defaultPolicy(plane Plane) *Policy {
	p := &Policy{
		EligibilityExpiration: Expiration{Required: plane == PlaneAzure, Maximum: "P365D"},
		AssignmentExpiration:  Expiration{Required: plane == PlaneAzure, Maximum: "P180D"},
		ActivationExpiration:  Expiration{Required: true, Maximum: "PT8H"},
		AssignmentRequires:    []string{RequireJustification},
		ActivationRequires:    []string{RequireMFA, RequireJustification},
		Approval:              Approval{TimeOutDays: 1, JustificationRequired: true},
		Notifications:         map[string]Notification{},
	}
	for _, r := range ruleTable {
		if r.kind == ruleKindNotification {
			p.Notifications[r.id] = Notification{Level: "All", DefaultRecipients: true}
		}
	}
	return p
}

// The kinds of policy rules; on the wire they follow "RoleManagementPolicy" (ARM)
// or "#microsoft.graph.unifiedRoleManagementPolicy" (Graph).
const (
	ruleKindExpiration   = "ExpirationRule"
	ruleKindEnablement   = "EnablementRule"
	ruleKindNotification = "NotificationRule"
	ruleKindApproval     = "ApprovalRule"
	ruleKindContext      = "AuthenticationContextRule"
)

// ruleRow is one of the seventeen rules that every policy has.
type ruleRow struct {
	id, kind, caller, level string
	recipient               string // of a notification
}

var ruleTable = []ruleRow{
	{"Enablement_Admin_Eligibility", ruleKindEnablement, "Admin", "Eligibility", ""},
	{"Expiration_Admin_Eligibility", ruleKindExpiration, "Admin", "Eligibility", ""},
	{"Notification_Admin_Admin_Eligibility", ruleKindNotification, "Admin", "Eligibility", "Admin"},
	{"Notification_Requestor_Admin_Eligibility", ruleKindNotification, "Admin", "Eligibility", "Requestor"},
	{"Notification_Approver_Admin_Eligibility", ruleKindNotification, "Admin", "Eligibility", "Approver"},
	{"Enablement_Admin_Assignment", ruleKindEnablement, "Admin", "Assignment", ""},
	{"Expiration_Admin_Assignment", ruleKindExpiration, "Admin", "Assignment", ""},
	{"Notification_Admin_Admin_Assignment", ruleKindNotification, "Admin", "Assignment", "Admin"},
	{"Notification_Requestor_Admin_Assignment", ruleKindNotification, "Admin", "Assignment", "Requestor"},
	{"Notification_Approver_Admin_Assignment", ruleKindNotification, "Admin", "Assignment", "Approver"},
	{"Approval_EndUser_Assignment", ruleKindApproval, "EndUser", "Assignment", ""},
	{"AuthenticationContext_EndUser_Assignment", ruleKindContext, "EndUser", "Assignment", ""},
	{"Enablement_EndUser_Assignment", ruleKindEnablement, "EndUser", "Assignment", ""},
	{"Expiration_EndUser_Assignment", ruleKindExpiration, "EndUser", "Assignment", ""},
	{"Notification_Admin_EndUser_Assignment", ruleKindNotification, "EndUser", "Assignment", "Admin"},
	{"Notification_Requestor_EndUser_Assignment", ruleKindNotification, "EndUser", "Assignment", "Requestor"},
	{"Notification_Approver_EndUser_Assignment", ruleKindNotification, "EndUser", "Assignment", "Approver"},
}

// ruleByID finds a row of the table; the services spell ids exactly.
func ruleByID(id string) (ruleRow, bool) {
	i := slices.IndexFunc(ruleTable, func(r ruleRow) bool { return r.id == id })
	if i < 0 {
		return ruleRow{}, false
	}
	return ruleTable[i], true
}

// expirationOf and requiresOf are where a policy keeps the values of a rule.
func (p *Policy) expirationOf(id string) *Expiration {
	switch id {
	case "Expiration_Admin_Eligibility":
		return &p.EligibilityExpiration
	case "Expiration_Admin_Assignment":
		return &p.AssignmentExpiration
	}
	return &p.ActivationExpiration
}

func (p *Policy) requiresOf(id string) *[]string {
	switch id {
	case "Enablement_Admin_Eligibility":
		return &p.EligibilityRequires
	case "Enablement_Admin_Assignment":
		return &p.AssignmentRequires
	}
	return &p.ActivationRequires
}
