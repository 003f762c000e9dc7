package simtenant

import "encoding/json"

// renderRule is one of the seventeen rules of a policy.
func (t *Tenant) renderRule(p *Policy, row ruleRow) any {
	rule := map[string]any{
		"id": row.id, "ruleType": armRulePrefix + row.kind,
		"target": map[string]any{
			"caller": row.caller, "operations": []string{"All"}, "level": row.level,
			"targetObjects": nil, "inheritableSettings": nil, "enforcedSettings": nil,
		},
	}
	switch row.kind {
	case ruleKindExpiration:
		e := p.expirationOf(row.id)
		rule["isExpirationRequired"], rule["maximumDuration"] = e.Required, e.Maximum
	case ruleKindEnablement:
		rule["enabledRules"] = append([]string{}, *p.requiresOf(row.id)...)
	case ruleKindNotification:
		n := p.Notifications[row.id]
		rule["notificationType"], rule["recipientType"] = "Email", row.recipient
		rule["notificationLevel"], rule["isDefaultRecipientsEnabled"] = n.Level, n.DefaultRecipients
		rule["notificationRecipients"] = n.Recipients
	case ruleKindContext:
		rule["isEnabled"], rule["claimValue"] = p.AuthenticationContext != "", p.AuthenticationContext
	case ruleKindApproval:
		rule["setting"] = t.renderApprovalSetting(p.Approval)
	}
	return rule
}

func (t *Tenant) renderApprovalSetting(a Approval) any {
	approvers := []any{}
	for _, id := range a.Approvers {
		name, kind := "", TypeUser
		if p := t.principal(id); p != nil {
			name, kind = p.name, p.kind
		}
		approvers = append(approvers, map[string]any{"id": id, "description": name, "isBackup": false, "userType": kind})
	}
	return map[string]any{
		"isApprovalRequired": a.Required, "isApprovalRequiredForExtension": false,
		"isRequestorJustificationRequired": true, "approvalMode": "SingleStage",
		"approvalStages": []any{map[string]any{
			"approvalStageTimeOutInDays": a.TimeOutDays, "isApproverJustificationRequired": a.JustificationRequired,
			"escalationTimeInMinutes": 0, "isEscalationEnabled": false,
			"primaryApprovers": approvers, "escalationApprovers": nil,
		}},
	}
}

// futureRule is a rule of a version that is not published yet.
var futureRule = json.RawMessage(`{"id":"PimOnlyMode_Admin_Assignment","ruleType":"RoleManagementPolicyPimOnlyModeRule","pimOnlyModeSettings":{"mode":"Enabled"}}`)

func (t *Tenant) renderRules(p *Policy) []any {
	var rules []any
	for _, row := range ruleTable {
		rules = append(rules, t.renderRule(p, row))
	}
	if t.opt.FutureValues {
		rules = append(rules, futureRule)
	}
	return rules
}
