package simtenant

const graphRulePrefix = "#microsoft.graph.unifiedRoleManagementPolicy"

// renderGraphRule is one of the seventeen rules as Graph writes it.
func (t *Tenant) renderGraphRule(p *Policy, row ruleRow) map[string]any {
	rule := map[string]any{
		"@odata.type": graphRulePrefix + row.kind, "id": row.id,
		"target": map[string]any{
			"caller": row.caller, "operations": []string{"all"}, "level": row.level,
			"inheritableSettings": []any{}, "enforcedSettings": []any{},
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
		rule["notificationRecipients"] = append([]string{}, n.Recipients...)
	case ruleKindContext:
		rule["isEnabled"], rule["claimValue"] = p.AuthenticationContext != "", textOrNil(p.AuthenticationContext)
	case ruleKindApproval:
		rule["setting"] = t.renderGraphApproval(p.Approval)
	}
	return rule
}

func (t *Tenant) renderGraphApproval(a Approval) any {
	approvers := []any{}
	for _, id := range a.Approvers {
		who := map[string]any{"@odata.type": "#microsoft.graph.singleUser", "userId": id}
		p := t.principal(id)
		if p != nil && p.kind == TypeGroup {
			who = map[string]any{"@odata.type": "#microsoft.graph.groupMembers", "groupId": id}
		}
		if p != nil {
			who["description"] = p.name
		}
		approvers = append(approvers, who)
	}
	return map[string]any{
		"isApprovalRequired": a.Required, "isApprovalRequiredForExtension": false,
		"isRequestorJustificationRequired": true, "approvalMode": "SingleStage",
		"approvalStages": []any{map[string]any{
			"approvalStageTimeOutInDays": a.TimeOutDays, "isApproverJustificationRequired": a.JustificationRequired,
			"escalationTimeInMinutes": 0, "isEscalationEnabled": false,
			"primaryApprovers": approvers, "escalationApprovers": []any{},
		}},
	}
}

func (t *Tenant) graphRules(p *Policy) []map[string]any {
	var rules []map[string]any
	for _, row := range ruleTable {
		rules = append(rules, t.renderGraphRule(p, row))
	}
	if t.opt.FutureValues {
		rules = append(rules, map[string]any{
			"@odata.type": graphRulePrefix + "PimOnlyModeRule", "id": "PimOnlyMode_Admin_Assignment", "pimOnlyModeSettings": futureMember(),
		})
	}
	return rules
}
