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
	s := t.setting(a)
	stage := s.ApprovalStages[0]
	approvers := func(list []armApprover) []any {
		out := []any{}
		for _, who := range list {
			if who.manager == 0 {
				out = append(out, map[string]any{"id": who.ID, "description": who.Description, "isBackup": who.IsBackup, "userType": who.UserType})
			}
		}
		return out
	}
	var escalation any
	if len(stage.EscalationApprovers) > 0 {
		escalation = approvers(stage.EscalationApprovers)
	}
	return map[string]any{
		"isApprovalRequired": s.IsApprovalRequired, "isApprovalRequiredForExtension": s.ForExtension,
		"isRequestorJustificationRequired": s.RequestorJustification, "approvalMode": s.ApprovalMode,
		"approvalStages": []any{map[string]any{
			"approvalStageTimeOutInDays": stage.TimeOutInDays, "isApproverJustificationRequired": stage.JustificationRequired,
			"escalationTimeInMinutes": stage.EscalationMinutes, "isEscalationEnabled": stage.Escalates,
			"primaryApprovers": approvers(stage.PrimaryApprovers), "escalationApprovers": escalation,
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
